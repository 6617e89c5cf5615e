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
  /** Undefined: nobody called. */
  readonly caller: Principal | undefined;
  readonly state: object | undefined;
}

/** A checked deep copy as JSON data that the handler cannot reach any more. */
export function detachedJson(value: unknown, path: string): Json {
  return detach(value, { path, depthMax: LIMITS.depthMax, bytesMax: LIMITS.inputBytesMax });
}

/** The context of one message handler or of `init`. */
export class TransactionContext {
  readonly #caller: Principal | undefined;
  readonly #key: string;
  readonly #now: number;
  readonly #seq: number;
  readonly #state: object | undefined;
  readonly #type: ResolvedType;
  readonly #runtime: Runtime;
  /** Each as JSON text, with commas between them. */
  #events = "";
  #eventBytes = 0;

  constructor(parts: ContextParts) {
    this.#caller = parts.caller;
    this.#key = parts.key;
    this.#now = parts.now;
    this.#seq = parts.seq;
    this.#state = parts.state;
    this.#type = parts.type;
    this.#runtime = parts.runtime;
  }

  get caller(): Principal | undefined {
    return this.#caller;
  }

  get key(): string {
    return this.#key;
  }

  get now(): number {
    return this.#now;
  }

  get seq(): number {
    return this.#seq;
  }

  get state(): object | undefined {
    return this.#state;
  }

  /** What was emitted so far, as the log keeps it; undefined: nothing. */
  eventsJson(): string | undefined {
    return this.#events === "" ? undefined : `[${this.#events}]`;
  }

  // Functions that know their context, since handlers take them apart (`({ emit }) => ...`). Made when asked for: most
  // handlers need none.
  get random(): () => number {
    return () => this.#runtime.random();
  }

  get uuid(): () => string {
    return () => uuidV7(this.#runtime);
  }

  get emit(): (event: string, data: unknown) => void {
    return (event, data) => this.#emit(event, data);
  }

  get reject(): (reason: string, message?: string, data?: Json) => never {
    return reject;
  }

  #emit(event: string, data: unknown): void {
    const schema = this.#type.events.get(event);
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
    this.#events += this.#events === "" ? text : `,${text}`;
  }
}

function reject(reason: string, message?: string, data?: Json): never {
  throw new RejectSignal(
    String(reason),
    message === undefined ? undefined : String(message),
    // Checked and taken apart like everything else, but sent as it is: plain data for the codecs.
    data === undefined ? undefined : JSON.parse(JSON.stringify(detachedJson(data, "/reject"))),
  );
}
