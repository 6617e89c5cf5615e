// One subscription as a client would keep it: chain, position, state, events. What no client could go on from is a fault
// with the number of the rule it breaks.
import {
  applyPatch,
  type DeltaMessage,
  type HeldPosition,
  type Json,
  type JsonObject,
  type Opened,
  PatchError,
  type SnapMessage,
  type WireEvent,
} from "@tidemark/protocol";
import { Failure } from "../dialogue/failure.js";
import { isObject } from "../dialogue/names.js";
import { shown } from "../dialogue/pattern.js";
import type { KnownStates, Point } from "./known-states.js";

/** `snap`: opened by a reset, whose snapshot has not come. */
type Phase = "asked" | "snap" | "open" | "ended" | "closed";

/** What a connection follows under one number. */
export class Followed {
  readonly doc: string;
  phase: Phase = "asked";
  readonly #held: HeldPosition | undefined;
  readonly #known: KnownStates;
  #chain = 0;
  #at: Point = { epoch: 0, seq: 0 };
  #tag = "";
  /** Undefined: it resumed from a position that nobody here has passed. */
  #state: JsonObject | undefined;
  #events: WireEvent[] = [];
  #lost = false;

  constructor(doc: string, held: HeldPosition | undefined, known: KnownStates) {
    this.doc = doc;
    this.#held = held;
    this.#known = known;
  }

  get at(): Point {
    return this.#at;
  }

  get state(): JsonObject | undefined {
    return this.#state;
  }

  /** What a client would claim. */
  get position(): Json {
    return [this.#at.epoch, this.#at.seq, this.#tag];
  }

  /** Events since the last time, as `[seq, name, data]`; `["gap"]` first when some were lost. */
  takeEvents(): Json[] {
    const events = this.#events.map(([seq, , name, data]): Json => [seq, name, data]);
    const all = this.#lost ? [["gap"], ...events] : events;
    this.#events = [];
    this.#lost = false;
    return all;
  }

  opened({ s, mode, prev, tag, events = [], gap = false }: Opened): void {
    if (this.phase !== "asked") throw new Failure({ rule: "OPEN-1", expected: `one answer to open ${s}`, came: "two" });
    this.#chain = prev[0] ?? 0;
    this.#tag = tag[0] ?? "";
    if (mode[0] === "reset") {
      this.phase = "snap";
      this.#events.push(...events);
      this.#lost ||= gap;
    } else this.#resume();
  }

  snap([, h, epoch, seq, state]: SnapMessage): void {
    if (this.phase !== "snap") this.#broken("OPEN-4", `a snap on handle ${h} only after opened with mode reset`, "one");
    if (!isObject(state)) return this.#broken("SEQ-7", "the state of a document: an object", shown(state));
    this.phase = "open";
    this.#chain = seq;
    this.#state = state;
    this.#moveTo({ epoch, seq });
  }

  delta(message: DeltaMessage): void {
    const [, h, prev, seq, operations, { e, ev } = {}] = message;
    if (this.phase === "snap") this.#broken("OPEN-4", `a snap first on handle ${h}`, shown(message));
    if (prev !== this.#chain) this.#broken("SEQ-2", `a d with prev ${this.#chain}`, shown(message));
    const advance = operations.length === 0 && ev === undefined;
    if (advance && e === undefined) this.#broken("SEQ-3", "an advance with its epoch in e", shown(message));
    if (advance ? seq < this.#at.seq : seq <= this.#chain || seq < this.#at.seq) {
      this.#broken("SEQ-2", `a d to a seq past ${this.#at.seq}`, shown(message));
    }
    this.#heard(ev ?? [], prev, seq);
    if (this.#state !== undefined) this.#state = this.#patched(this.#state, message);
    if (!advance) this.#chain = seq;
    this.#moveTo({ epoch: e ?? this.#at.epoch, seq });
  }

  #resume(): void {
    const [epoch, seq] = this.#held ?? [];
    if (epoch === undefined || seq === undefined || this.#held?.[2] === "!") {
      return this.#broken("SEQ-5", "a reset: no position was claimed that could be resumed", "mode resume");
    }
    this.phase = "open";
    this.#at = { epoch, seq };
    this.#state = this.#known.at(this.doc, this.#at);
  }

  #patched(state: JsonObject, message: DeltaMessage): JsonObject {
    try {
      const next = applyPatch(state, message[4]);
      if (isObject(next)) return next;
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
    }
    return this.#broken("PATCH-7", `operations that fit ${shown(state)}`, shown(message));
  }

  #heard(events: readonly WireEvent[], prev: number, seq: number): void {
    let last = prev + 1;
    for (const event of events) {
      if (event[0] < last || event[0] > seq) this.#broken("EVENT-1", `events of (${prev}, ${seq}]`, shown(event));
      last = event[0];
    }
    this.#events.push(...events);
  }

  #moveTo(at: Point): void {
    this.#at = at;
    if (this.#state !== undefined) this.#known.agree(this.doc, at, this.#state);
  }

  #broken(rule: string, expected: string, came: string): never {
    throw new Failure({ rule, expected: `${this.doc}: ${expected}`, came });
  }
}
