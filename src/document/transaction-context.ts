// The `ctx` that handlers get: what they may do besides writing to the draft. All of it belongs to one transaction and
// is dead when the handler has returned.
import { type Json, LIMITS, type Principal } from "@tidemark/protocol";
import { uuidV7 } from "../runtime/ids.js";
import type { Runtime } from "../runtime/runtime.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { detach } from "./recorder/detach.js";
import { InvalidStateError } from "./recorder/invalid-state.js";
import { RejectSignal, TooLargeError } from "./refusal.js";

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
  /** Each as JSON text. */
  readonly #events: string[] = [];
  #eventBytes = 0;

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
    return this.#events.length === 0 ? undefined : `[${this.#events.join()}]`;
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
    const text = JSON.stringify([event, detachedJson(parsed.value, `/${event}`)]);
    this.#eventBytes += Buffer.byteLength(text) + 1;
    // They travel with the operations, and what nobody could receive must not be logged (R19).
    if (this.#eventBytes > LIMITS.patchBytesMax) throw new TooLargeError("patchBytesMax", this.#eventBytes);
    this.#events.push(text);
  };

  readonly reject = (reason: string, message?: string, data?: Json): never => {
    throw new RejectSignal(
      String(reason),
      message === undefined ? undefined : String(message),
      // Checked and taken apart like everything else, but sent as it is: plain data for the codecs.
      data === undefined ? undefined : JSON.parse(JSON.stringify(detachedJson(data, "/reject"))),
    );
  };
}
