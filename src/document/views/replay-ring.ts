// The newest deltas of all layers of one document, for viewers who were away for a moment. Bounded in bytes; it forgets
// the oldest first and knows what it has forgotten. Views are never computed at an old seq (WIRE "Replay").
import { LIMITS } from "@tidemark/protocol";
import type { StoredPosition } from "../document-store.js";
import type { LayerDelta } from "../documents.js";
import type { Layer } from "./layer.js";

const ENTRY_OVERHEAD_BYTES = 128;
/** So many forgotten entries may stand in a list before it is copied without them. */
const SLACK = 64;

interface Entry {
  readonly kept: Kept;
  /** The head when the layer was last brought up to date: until then it had not changed since `delta.prev`. */
  readonly from: number;
  readonly bytes: number;
  /** Undefined: forgotten with its layer. */
  delta: LayerDelta | undefined;
}

/** What is kept of one layer. */
interface Kept {
  /** Positions before this are not known any more. */
  since: number;
  readonly entries: Queue<Entry>;
}

/** Deltas by layer. */
export class ReplayRing {
  readonly #bytesMax: number;
  readonly #kept = new Map<Layer, Kept>();
  /** Of all layers, oldest first. */
  readonly #all = new Queue<Entry>();
  #bytes = 0;

  constructor(bytesMax: number = LIMITS.replayRingBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** About how much memory it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A layer is kept from this position on; what was there of it is forgotten. */
  begin(layer: Layer, at: StoredPosition): void {
    this.delete(layer);
    this.#kept.set(layer, { since: at.seq, entries: new Queue() });
  }

  /** A layer's change; `from` is where it was last known to be unchanged. */
  push(layer: Layer, delta: LayerDelta, from: StoredPosition): void {
    const kept = this.#kept.get(layer);
    if (kept === undefined) return;
    const entry: Entry = { kept, delta, from: from.seq, bytes: bytesOf(delta) };
    kept.entries.push(entry);
    this.#all.push(entry);
    this.#bytes += entry.bytes;
    while (this.#bytes > this.#bytesMax) this.#dropOldest();
  }

  /** Deltas that take a viewer of a layer on from `seq`; undefined: they are not known, or the position lies inside of
   * one of them. */
  after(layer: Layer, seq: number): readonly LayerDelta[] | undefined {
    const kept = this.#kept.get(layer);
    if (kept === undefined || seq < kept.since) return undefined;
    const missed = kept.entries.items().filter(({ delta }) => delta !== undefined && delta.to.seq > seq);
    if ((missed[0]?.from ?? seq) < seq) return undefined;
    return missed.flatMap(({ delta }) => delta ?? []);
  }

  /** Forgets a layer. */
  delete(layer: Layer): void {
    const kept = this.#kept.get(layer);
    if (kept === undefined) return;
    this.#kept.delete(layer);
    for (const entry of kept.entries.items()) {
      this.#bytes -= entry.bytes;
      entry.delta = undefined;
    }
  }

  #dropOldest(): void {
    const oldest = this.#all.shift();
    if (oldest?.delta === undefined) return;
    this.#bytes -= oldest.bytes;
    oldest.kept.entries.shift();
    oldest.kept.since = Math.max(oldest.kept.since, oldest.delta.to.seq);
  }
}

/** First in, first out. */
class Queue<Item> {
  #items: Item[] = [];
  #first = 0;

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    this.#first += 1;
    if (this.#first > SLACK && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  items(): readonly Item[] {
    return this.#first === 0 ? this.#items : this.#items.slice(this.#first);
  }
}

const bytesOf = ({ operations, events }: LayerDelta): number =>
  operations.length + ENTRY_OVERHEAD_BYTES + (events.length === 0 ? 0 : JSON.stringify(events).length);
