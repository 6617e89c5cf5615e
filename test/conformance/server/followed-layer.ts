// One layer of a subscription as a client would keep it: chain, position, state. What no client could go on from is a
// fault with the number of the rule it breaks.
import {
  applyPatch,
  type DeltaMessage,
  type HeldPosition,
  type Json,
  PatchError,
  type SnapMessage,
} from "@tidemark/protocol";
import { Failure } from "../dialogue/failure.js";
import { isObject } from "../dialogue/names.js";
import { shown } from "../dialogue/pattern.js";
import type { KnownStates, Point } from "./known-states.js";

/** A delta that moves the position only. */
export const isAdvance = ([, , , , operations, { ev } = {}]: DeltaMessage): boolean =>
  operations.length === 0 && ev === undefined;

/** What is known of a layer before anything of it came. */
export interface LayerParts {
  readonly doc: string;
  /** 0: shared; 1: mine. */
  readonly index: number;
  readonly handle: number;
  readonly tag: string;
  readonly known: KnownStates;
}

/** A layer under its handle. */
export class FollowedLayer {
  readonly handle: number;
  readonly tag: string;
  readonly #doc: string;
  readonly #index: number;
  readonly #known: KnownStates;
  #chain = 0;
  #at: Point = { epoch: 0, seq: 0 };
  #awaitsSnap = true;
  /** Undefined: it resumed from a position that nobody here has passed. */
  #state: Json | undefined;

  constructor({ doc, index, handle, tag, known }: LayerParts) {
    this.#doc = doc;
    this.#index = index;
    this.handle = handle;
    this.tag = tag;
    this.#known = known;
  }

  get at(): Point {
    return this.#at;
  }

  get chain(): number {
    return this.#chain;
  }

  get state(): Json | undefined {
    return this.#state;
  }

  get awaitsSnap(): boolean {
    return this.#awaitsSnap;
  }

  /** Goes on from what is claimed; throws Failure for a claim that nobody may go on from. */
  resume(held: HeldPosition | undefined, prev: number): void {
    const [epoch, seq, tag] = held ?? [];
    if (epoch === undefined || seq === undefined || tag === "!") {
      return this.#broken("SEQ-5", "a reset: no position was claimed that could be resumed", "mode resume");
    }
    this.#awaitsSnap = false;
    this.#chain = prev;
    this.#at = { epoch, seq };
    this.#state = this.#known.at(this.#name, this.#at);
  }

  /** Goes on from what another of the same subscription held. */
  goOn(before: FollowedLayer, prev: number): void {
    if (prev !== before.chain) this.#broken("VIEW-5", `to go on from ${before.chain}, where it is`, `prev ${prev}`);
    this.#awaitsSnap = false;
    this.#chain = prev;
    this.#at = before.at;
    this.#state = before.state;
  }

  snap([, h, epoch, seq, state]: SnapMessage): void {
    if (!this.#awaitsSnap) {
      this.#broken("OPEN-4", `a snap on handle ${h} only after opened with mode reset`, "one");
    }
    if (this.#index === 0 && !isObject(state)) this.#broken("SEQ-7", "a state: an object", shown(state));
    this.#awaitsSnap = false;
    this.#chain = seq;
    this.#state = state;
    this.#moveTo({ epoch, seq });
  }

  delta(message: DeltaMessage): void {
    const [, h, prev, seq, , { e } = {}] = message;
    if (this.#awaitsSnap) this.#broken("OPEN-4", `a snap first on handle ${h}`, shown(message));
    if (prev !== this.#chain) this.#broken("SEQ-2", `a d with prev ${this.#chain}`, shown(message));
    const advance = isAdvance(message);
    if (advance && e === undefined) this.#broken("SEQ-3", "an advance with its epoch in e", shown(message));
    if (advance ? seq < this.#at.seq : seq <= this.#chain || seq < this.#at.seq) {
      this.#broken("SEQ-2", `a d to a seq past ${this.#at.seq}`, shown(message));
    }
    if (this.#state !== undefined) this.#state = this.#patched(this.#state, message);
    if (!advance) this.#chain = seq;
    this.#moveTo({ epoch: e ?? this.#at.epoch, seq });
  }

  #patched(state: Json, message: DeltaMessage): Json {
    try {
      const next = applyPatch(state, message[4]);
      if (this.#index > 0 || isObject(next)) return next;
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
    }
    return this.#broken("PATCH-7", `operations that fit ${shown(state)}`, shown(message));
  }

  #moveTo(at: Point): void {
    this.#at = at;
    if (this.#state !== undefined) this.#known.agree(this.#name, at, this.#state);
  }

  /** What all who hold the same tag see alike. */
  get #name(): string {
    return this.tag === "" ? this.#doc : `${this.#doc}, layer ${this.#index} of ${this.tag}`;
  }

  #broken(rule: string, expected: string, came: string): never {
    throw new Failure({ rule, expected: `${this.#doc}: ${expected}`, came });
  }
}
