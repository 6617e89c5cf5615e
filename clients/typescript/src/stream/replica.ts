// What one client holds of one document: its layers, a reset under way, and what has not been told yet. Pure: it is
// given messages and says whether they fit; `false` means that the stream must heal, and nothing was applied.
import type { DeltaMessage, HeldPosition, Json, JsonObject, Opened, SnapMessage, WireEvent } from "@tidemark/protocol";
import type { ResetReason } from "../api/document.js";
import type { Position } from "../api/position.js";
import { type AppliedEvent, deltaChange, type LayerOperations, resetChange, type Update } from "./change.js";
import { type Layer, withDelta } from "./layer.js";
import { isObject, withSharing } from "./local-diff.js";

/**
 * A reset from `opened` until the last awaited snapshot: it takes effect as a whole or not at all, and with it all that
 * came for this subscription meanwhile (SEQ-9).
 */
interface Reset {
  /** Per layer: undefined, not reset; null, awaited; else the new layer. */
  readonly layers: (Layer | null | undefined)[];
  readonly tags: readonly string[];
  readonly events: readonly WireEvent[];
  /** In the order in which they came. */
  readonly waiting: { readonly layer: number; readonly message: DeltaMessage }[];
  readonly gap: boolean;
  readonly cause: "slow_reader" | "diverged" | undefined;
}

/** An event; without an epoch it is one that a reset brought. */
interface UntoldEvent {
  readonly event: WireEvent;
  readonly epoch: number | undefined;
}

/** Changes since the last update that was told. */
interface Untold {
  readonly steps: LayerOperations[];
  readonly authors: Set<string | undefined>;
  readonly events: UntoldEvent[];
  /** The last reset that took effect, and where the application was before the first. */
  reset: { readonly reset: Reset; readonly from: Position; readonly viewChanged: boolean } | undefined;
  /** Events after this position are lost. */
  lostAfter: Position | undefined;
}

/** A tag that matches nothing: there is no state that could be gone on from. */
const NOTHING_HELD = "!";

interface Circumstances {
  /** The stream was live. */
  readonly running: boolean;
  /** This subscription was opened before: what it resumes must chain on what is held. */
  readonly again: boolean;
  readonly healing: boolean;
}

export class Replica {
  #layers: Layer[] = [];
  #reset: Reset | undefined;
  /** The layers belong to one commit. False from a reset's `opened` until its last snapshot, over a cut too. */
  #whole = false;
  #untold: Untold = nothing();
  #state: JsonObject | undefined;
  /** Behind which the application wants to begin: it knows everything before. */
  readonly #since: Position | undefined;

  constructor(since?: Position) {
    this.#since = since;
  }

  /** The newest state that is whole. */
  get state(): JsonObject | undefined {
    return this.#state;
  }

  /** What both layers have reached. */
  get position(): Position | undefined {
    const [first, second] = this.#layers;
    const behind = first !== undefined && second !== undefined && second.seq < first.seq ? second : first;
    return behind === undefined ? undefined : { epoch: behind.epoch, seq: behind.seq };
  }

  /** The layers belong to one commit, so they make a state. */
  get whole(): boolean {
    return this.#whole;
  }

  /** What to claim when resuming; undefined: nothing. */
  get held(): readonly HeldPosition[] | undefined {
    if (this.#layers.length === 0) return this.#since && [[this.#since.epoch, this.#since.seq, NOTHING_HELD]];
    return this.#layers.map(({ epoch, seq, tag }) => [epoch, seq, tag]);
  }

  /** Epoch and seq of a layer, as heads state them. */
  head(layer: number): Position | undefined {
    return this.#layers[layer];
  }

  /** What came does not fit: one layer may be ahead of the other, so nothing is told until the next reset. */
  tear(): void {
    this.#whole = false;
  }

  /** What a reset still awaits will not come: it is as if it had not begun. */
  abandonReset(): void {
    this.#reset = undefined;
  }

  /** Nothing may be shown any more. */
  erase(): void {
    this.#layers = [];
    this.#reset = undefined;
    this.#whole = false;
    this.#untold = nothing();
    this.#state = undefined;
  }

  opened(opened: Opened, { running, again, healing }: Circumstances): boolean {
    const count = opened.h.length;
    if (opened.mode.length !== count || opened.prev.length !== count || opened.tag.length !== count) return false;
    const resumed = new Map<number, Layer>();
    for (const [index, mode] of opened.mode.entries()) {
      if (mode === "reset") continue;
      const layer = this.#layers[index];
      const prev = opened.prev[index] ?? 0;
      // What is being healed is not trusted, and what was opened already must go on from what is held.
      if (layer === undefined || healing || (again && prev !== layer.chain)) return false;
      resumed.set(index, { ...layer, chain: prev, tag: opened.tag[index] ?? "" });
    }
    this.#reset = undefined;
    this.#whole = !opened.mode.includes("reset");
    for (const [index, layer] of resumed) this.#layers[index] = layer;
    if (this.#whole) {
      this.#layers = this.#layers.slice(0, count);
    } else {
      this.#reset = {
        layers: opened.mode.map((mode) => (mode === "reset" ? null : undefined)),
        tags: opened.tag,
        events: opened.events ?? [],
        waiting: [],
        gap: opened.gap ?? false,
        cause: healing ? "diverged" : running ? "slow_reader" : undefined,
      };
    }
    return true;
  }

  snap(index: number, [, , epoch, seq, state]: SnapMessage): boolean {
    const reset = this.#reset;
    if (reset?.layers[index] !== null || !fits(index, state)) return false;
    reset.layers[index] = { state, epoch, seq, chain: seq, tag: reset.tags[index] ?? "" };
    return reset.layers.includes(null) || this.#complete(reset);
  }

  delta(index: number, message: DeltaMessage): boolean {
    if (this.#reset !== undefined) {
      this.#reset.waiting.push({ layer: index, message });
      return true;
    }
    const layer = this.#layers[index];
    const next = layer === undefined ? undefined : withDelta(layer, message);
    if (next === undefined || !fits(index, next.state)) return false;
    this.#layers[index] = next;
    this.#note(index, message, next.epoch);
    return true;
  }

  /** What happened since the last time, once all of it is whole; undefined: nothing that anybody could see. */
  takeUpdate(): Update | undefined {
    const at = this.position;
    if (!this.#whole || at === undefined) return undefined;
    const untold = this.#untold;
    this.#untold = nothing();
    const previous = this.#state;
    const state = this.#composed();
    this.#state = state;
    const change = previous === undefined ? { cause: "first" as const, at } : changeOf(untold, { previous, state, at });
    const gap = untold.lostAfter && gapBetween(untold.lostAfter, at);
    if (change === undefined && untold.events.length === 0 && gap === undefined) return undefined;
    return { previous, state, at, change, events: eventsAt(untold.events, at), gap };
  }

  #complete(reset: Reset): boolean {
    const from = this.position;
    const held = this.#layers;
    this.#layers = reset.layers.flatMap((layer, index) => {
      const old = held[index];
      if (layer === undefined || layer === null) return old === undefined ? [] : [old];
      return [old === undefined ? layer : shared(old, layer)];
    });
    this.#reset = undefined;
    this.#whole = true;
    // The snapshot of a layer bears the epoch of what last changed it: the advance behind it says which it is now.
    this.#untold.events.push(...reset.events.map((event) => ({ event, epoch: undefined })));
    if (from !== undefined) {
      const viewChanged = held.some(({ tag }, index) => reset.tags[index] !== tag);
      this.#untold.reset = { reset, from: this.#untold.reset?.from ?? from, viewChanged };
    }
    if (reset.gap) this.#untold.lostAfter ??= from ?? this.#since;
    return reset.waiting.every(({ layer, message }) => this.delta(layer, message));
  }

  #note(layer: number, message: DeltaMessage, epoch: number): void {
    const [, , , , operations, extension] = message;
    if (operations.length > 0) {
      this.#untold.steps.push({ layer, operations });
      this.#untold.authors.add(extension?.by);
    }
    for (const event of extension?.ev ?? []) this.#untold.events.push({ event, epoch });
  }

  #composed(): JsonObject {
    const [first, second] = this.#layers;
    const state = isObject(first?.state) ? first.state : {};
    if (second === undefined) return state;
    const held = this.#state;
    const composed = { ...state, mine: second.state };
    const same = held !== undefined && sameMembers(held, composed);
    return same ? held : composed;
  }
}

function nothing(): Untold {
  return { steps: [], authors: new Set(), events: [], reset: undefined, lostAfter: undefined };
}

function changeOf(
  untold: Untold,
  states: { readonly previous: JsonObject; readonly state: JsonObject; readonly at: Position },
): Update["change"] {
  if (untold.reset !== undefined) return resetChange(states, reasonOf(untold.reset, states.at));
  if (untold.steps.length === 0) return undefined;
  const [author] = untold.authors;
  return deltaChange(states, untold.steps, untold.authors.size === 1 ? author : undefined);
}

/** The new layer, built from what the old one has in common with it. */
function shared(old: Layer, fresh: Layer): Layer {
  return { ...fresh, state: withSharing(old.state, fresh.state) };
}

/** The shared layer is an object, which `mine` is put into. */
const fits = (index: number, state: Json): boolean => index > 0 || isObject(state);

/** Judged at the end of the frame: the advance to the head comes after the snapshots, which may bear older seqs. */
function reasonOf({ reset, from, viewChanged }: NonNullable<Untold["reset"]>, to: Position): ResetReason {
  if (reset.cause === "diverged") return "diverged";
  // The tag names view, parameters and code: another one means that the same seq may look different.
  if (viewChanged) return "view_changed";
  if (reset.cause !== undefined) return reset.cause;
  return isOtherHistory(from, to) && (reset.gap || to.seq <= from.seq) ? "other_history" : "behind";
}

/** What held an unverifiable position is a trimmed log or another history; going back, or a new epoch, tells which. */
function isOtherHistory(from: Position, to: Position): boolean {
  return to.seq < from.seq || to.epoch !== from.epoch;
}

/** Of another history nothing is known to have been seen: where it left the one that was held, nobody says. */
function gapBetween(lostAfter: Position, at: Position): { readonly from: number; readonly to: number } {
  return { from: isOtherHistory(lostAfter, at) ? 0 : lostAfter.seq, to: at.seq };
}

function eventsAt(events: readonly UntoldEvent[], at: Position): readonly AppliedEvent[] {
  return events.map(({ event: [seq, time, name, data], epoch = at.epoch }) => ({
    name,
    data,
    at: { epoch, seq },
    time,
  }));
}

function sameMembers(one: JsonObject, other: JsonObject): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
