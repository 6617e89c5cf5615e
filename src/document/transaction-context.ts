// The `ctx` that handlers get: what they may do besides writing to the draft. All of it belongs to one transaction and
// is dead when the handler has returned.
import { type Json, LIMITS, type Principal } from "@tidemark/protocol";
import { uuidV7 } from "../runtime/ids.js";
import type { Runtime } from "../runtime/runtime.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { InvalidStateError } from "./recorder/invalid-state.js";
import { detach } from "./recorder/detach.js";

/** Thrown by `ctx.reject`; carries the application's own word to the sender. */
export class RejectSignal extends Error {
  readonly reason: string;
  readonly data: Json | undefined;

  constructor(reason: string, message: string | undefined, data: Json | undefined) {
    super(message ?? "");
    this.name = "RejectSignal";
    this.reason = reason;
    this.data = data;
  }
}

/** What a context is made from. `state` is absent in `init`. */
export interface ContextParts {
  readonly type: ResolvedType;
  readonly runtime: Runtime;
  readonly key: string;
  readonly now: number;
  readonly seq: number;
  readonly caller: Principal;
  readonly state: object | undefined;
}

/** A checked deep copy as JSON data that the handler cannot reach any more. */
export function detachedJson(value: unknown, path: string): Json {
  return detach(value, { path, depthMax: LIMITS.depthMax, bytesMax: LIMITS.inputBytesMax });
}

/** The context of one message handler or of `init`. */
export class TransactionContext {
  readonly #parts: ContextParts;
  readonly #events: [name: string, data: Json][] = [];

  constructor(parts: ContextParts) {
    this.#parts = parts;
  }

  get caller(): Principal {
    return this.#parts.caller;
  }

  get key(): string {
    return this.#parts.key;
  }

  get now(): number {
    return this.#parts.now;
  }

  get seq(): number {
    return this.#parts.seq;
  }

  get state(): object | undefined {
    return this.#parts.state;
  }

  /** What was emitted so far, as the log keeps it; undefined: nothing. */
  eventsJson(): string | undefined {
    return this.#events.length === 0 ? undefined : JSON.stringify(this.#events);
  }

  // Fields, not methods: handlers may take them apart (`({ emit }) => ...`).
  readonly random = (): number => this.#parts.runtime.random();

  readonly uuid = (): string => uuidV7(this.#parts.runtime);

  readonly emit = (event: string, data: unknown): void => {
    const schema = this.#parts.type.events.get(event);
    if (schema === undefined) throw new InvalidStateError(`/${event}`, "no such event is declared");
    const parsed = schema.parse(detachedJson(data, `/${event}`));
    if (!parsed.ok) {
      const issue = parsed.issues[0];
      throw new InvalidStateError(`/${event}${issue?.path ?? ""}`, `event data: expected ${issue?.expected}`);
    }
    this.#events.push([event, detachedJson(parsed.value, `/${event}`)]);
  };

  readonly reject = (reason: string, message?: string, data?: Json): never => {
    throw new RejectSignal(
      String(reason),
      message === undefined ? undefined : String(message),
      data === undefined ? undefined : detachedJson(data, "/reject"),
    );
  };
}
