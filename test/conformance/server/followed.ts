// One subscription as a client would keep it: its layers, the state they make, its events. What no client could go on
// from is a fault with the number of the rule it breaks.
import {
  type DeltaMessage,
  type HeldPosition,
  type Json,
  type JsonObject,
  jsonEquals,
  type Opened,
  type SnapMessage,
  type WireEvent,
} from "@tidemark/protocol";
import { Failure } from "../dialogue/failure.js";
import { isObject } from "../dialogue/names.js";
import { shown } from "../dialogue/pattern.js";
import { FollowedLayer } from "./followed-layer.js";
import type { KnownStates, Point } from "./known-states.js";

const LAYERS_MAX = 2;

/** What a connection follows under one number. */
export class Followed {
  readonly doc: string;
  readonly #held: readonly HeldPosition[];
  readonly #known: KnownStates;
  #over: "ended" | "closed" | undefined;
  #layers: readonly FollowedLayer[] = [];
  #events: WireEvent[] = [];
  #lost = false;
  /** Places of the state that a dialogue wants equal after each frame. */
  #equal: readonly (readonly string[])[] = [];

  constructor(doc: string, held: readonly HeldPosition[] | undefined, known: KnownStates) {
    this.doc = doc;
    this.#held = held ?? [];
    this.#known = known;
  }

  /** `snap`: opened by a reset, and a snapshot has not come. */
  get phase(): "asked" | "snap" | "open" | "ended" | "closed" {
    if (this.#over !== undefined) return this.#over;
    if (this.#layers.length === 0) return "asked";
    return this.#layers.some(({ awaitsSnap }) => awaitsSnap) ? "snap" : "open";
  }

  /** What all layers have reached. */
  get at(): Point {
    const [first, second] = this.#layers.map(({ at }) => at);
    if (first === undefined) return { epoch: 0, seq: 0 };
    return second !== undefined && second.seq < first.seq ? second : first;
  }

  /** Undefined: it resumed from a position that nobody here has passed. */
  get state(): JsonObject | undefined {
    const [shared, mine] = this.#layers.map(({ state }) => state);
    if (!isObject(shared)) return undefined;
    if (this.#layers.length === 1) return shared;
    return mine === undefined ? undefined : { ...shared, mine };
  }

  /** What a client would claim: a position for each layer. */
  get positions(): readonly Json[] {
    return this.#layers.map(({ at, tag }): Json => [at.epoch, at.seq, tag]);
  }

  /** The layer under a handle. */
  layer(handle: number): FollowedLayer | undefined {
    return this.#layers.find((layer) => layer.handle === handle);
  }

  end(how: "ended" | "closed"): void {
    this.#over ??= how;
  }

  /** From now on these places of the state hold the same after each frame. */
  keepEqual(paths: readonly string[]): void {
    this.#equal = [...this.#equal, paths];
  }

  /** Events since the last time, as `[seq, name, data]`; `["gap"]` first when some were lost. */
  takeEvents(): Json[] {
    const events = this.#events.map(([seq, , name, data]): Json => [seq, name, data]);
    const all = this.#lost ? [["gap"], ...events] : events;
    this.#events = [];
    this.#lost = false;
    return all;
  }

  opened(opened: Opened): void {
    const { s, h, mode, prev, tag, events = [], gap = false } = opened;
    const counts = [h, mode, prev, tag].map(({ length }) => length);
    if (h.length === 0 || h.length > LAYERS_MAX || new Set(counts).size > 1) {
      this.#broken("VIEW-3", "lists with an entry for each layer", shown({ h, mode, prev, tag }));
    }
    const before = this.#layers;
    if (this.phase === "snap") this.#broken("OPEN-1", `the snapshots of open ${s} before another opened`, "two");
    if (before.length > 0 && h.length !== LAYERS_MAX) this.#broken("OPEN-1", `one answer to open ${s}`, "two");
    this.#layers = h.map((handle, index) => {
      const layer = new FollowedLayer({
        doc: this.doc,
        index,
        handle,
        tag: tag[index] ?? "",
        known: this.#known,
      });
      const old = before[index];
      if (mode[index] !== "resume") return layer;
      if (old === undefined) layer.resume(this.#held[index], prev[index] ?? 0);
      else layer.goOn(old, prev[index] ?? 0);
      return layer;
    });
    if (!mode.includes("reset")) return;
    this.#events.push(...events);
    this.#lost ||= gap;
  }

  snap(message: SnapMessage): void {
    this.layer(message[1])?.snap(message);
  }

  delta(message: DeltaMessage): void {
    const [, h, prev, seq, , { ev = [] } = {}] = message;
    let last = prev + 1;
    for (const event of ev) {
      if (event[0] < last || event[0] > seq) this.#broken("EVENT-1", `events of (${prev}, ${seq}]`, shown(event));
      last = event[0];
    }
    this.layer(h)?.delta(message);
    this.#events.push(...ev);
  }

  /** A frame is over. */
  frameOver(): void {
    const { state } = this;
    if (this.phase !== "open" || state === undefined) return;
    for (const [first = "", ...others] of this.#equal) {
      const one = at(state, first);
      const other = others.find((path) => !jsonEquals(at(state, path) ?? null, one ?? null));
      if (other === undefined) continue;
      this.#broken("VIEW-3", `${first} and ${other} to be of one state after a frame`, shown(state));
    }
  }

  #broken(rule: string, expected: string, came: string): never {
    throw new Failure({ rule, expected: `${this.doc}: ${expected}`, came });
  }
}

/** The value at a path such as `/mine/stamp`. */
function at(state: Json, path: string): Json | undefined {
  const names = path.split("/").slice(1);
  return names.reduce<Json | undefined>((value, name) => (isObject(value) ? value[name] : undefined), state);
}
