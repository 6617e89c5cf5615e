// Everybody who follows one document at one pace: what it did meanwhile waits, and goes out at each beat as one merged
// delta for each layer, both layers together. Bytes are made once for all who stand at the same chain; those who were
// sent something of their own stand elsewhere (WIRE "Pace").
import { type Codec, LIMITS, type Piece } from "@tidemark/protocol";
import type { LayerDelta } from "../document/documents.js";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import { encodeAdvance, encodeLayerDelta, type Point } from "./delta-chain.js";
import { frameOf } from "./frames.js";
import { LayerStream } from "./layer-stream.js";
import { deltaBytes, mergedDelta } from "./merged-delta.js";
import type { FollowedStream, Receiver } from "./view-stream.js";
import type { OutgoingFrame } from "./wire.js";

/** What a pace needs of its document. */
export interface PaceParts {
  readonly everyMs: number;
  readonly runtime: Runtime;
  /** A handle that was never used. */
  readonly nextHandle: () => number;
  /** What was delivered last. */
  readonly head: () => Point;
}

/** What waits of one layer. */
interface Waiting {
  readonly stream: LayerStream;
  deltas: LayerDelta[];
  bytes: number;
}

/** All who hold the same of every layer. */
interface Standing {
  readonly chains: readonly Point[];
  readonly receivers: Set<Receiver>;
}

/** One pace of one document. */
export class Pace {
  readonly everyMs: number;
  readonly #parts: PaceParts;
  readonly #layers = new Map<LayerStream, Waiting>();
  readonly #views = new Map<string, PacedView>();
  #beatAtMs = Number.NEGATIVE_INFINITY;
  #timer: CancelTimer | undefined = undefined;

  constructor(parts: PaceParts) {
    this.#parts = parts;
    this.everyMs = parts.everyMs;
  }

  /** The same layer under a handle of this pace. */
  layer(source: LayerStream): LayerStream {
    return this.#waiting(source).stream;
  }

  /** Those who see these layers at this pace. */
  view(sources: readonly LayerStream[]): PacedView {
    const name = sources.map(({ handle }) => handle).join("/");
    const known = this.#views.get(name);
    if (known !== undefined) return known;
    const layers = sources.map((source) => this.layer(source));
    const { head } = this.#parts;
    const waiting = (layer: number): readonly LayerDelta[] => {
      const source = sources[layer];
      return source === undefined ? [] : this.#waiting(source).deltas;
    };
    const view = new PacedView({ layers, head, waiting, left: () => this.#views.delete(name) });
    this.#views.set(name, view);
    return view;
  }

  /** Nobody will be attached to this layer any more. */
  forget(source: LayerStream): void {
    this.#layers.delete(source);
  }

  /** These layers have changed. Nothing is kept for nobody. */
  take(changes: ReadonlyMap<LayerStream, readonly LayerDelta[]>): void {
    for (const { stream } of this.#layers.values()) stream.forgetSnapshots();
    if (this.#views.size === 0) return;
    for (const [source, deltas] of changes) {
      const waiting = this.#layers.get(source);
      if (waiting === undefined) continue;
      waiting.deltas = waiting.deltas.concat(deltas);
      waiting.bytes += deltas.reduce((sum, delta) => sum + deltaBytes(delta), 0);
      if (waiting.bytes > LIMITS.paceBytesMax) this.#compact(waiting);
    }
    this.#beatSoon();
  }

  /** The document is unloaded. */
  stop(): void {
    this.#timer?.();
    this.#timer = undefined;
  }

  /** The first change after a while goes out at once: the pace is a bound, not a delay. */
  #beatSoon(): void {
    if (this.#timer !== undefined) return;
    const { runtime } = this.#parts;
    const inMs = this.#beatAtMs + this.everyMs - runtime.monotonicMs();
    if (inMs <= 0) return this.#beat();
    this.#timer = runtime.setTimer(inMs, () => {
      this.#timer = undefined;
      this.#beat();
    });
  }

  #beat(): void {
    this.#beatAtMs = this.#parts.runtime.monotonicMs();
    for (const view of [...this.#views.values()]) view.beat();
    for (const waiting of this.#layers.values()) {
      waiting.deltas = [];
      waiting.bytes = 0;
    }
  }

  /** Merges what lies between the places where somebody stands. What is too much even so is not kept: whoever sees this
   * layer goes on by an opening (SLOW-1). */
  #compact(waiting: Waiting): void {
    const showing = [...this.#views.values()].filter(({ layers }) => layers.includes(waiting.stream));
    const stops = new Set(showing.flatMap((view) => view.stops(waiting.stream)));
    waiting.deltas = runsBetween(waiting.deltas, stops).map(mergedDelta);
    waiting.bytes = waiting.deltas.reduce((sum, delta) => sum + deltaBytes(delta), 0);
    // Well below the bound, or it is merged again and again for little.
    if (waiting.bytes <= LIMITS.paceBytesMax / 2) return;
    for (const view of showing) view.overrun();
    waiting.deltas = [];
    waiting.bytes = 0;
  }

  #waiting(source: LayerStream): Waiting {
    const known = this.#layers.get(source);
    if (known !== undefined) return known;
    const waiting = { stream: new LayerStream(this.#parts.nextHandle(), source), deltas: [], bytes: 0 };
    this.#layers.set(source, waiting);
    return waiting;
  }
}

interface MergedFrame {
  readonly frame: OutgoingFrame;
  /** The chain of the first layer behind it. */
  readonly chain: Point;
}

interface PacedViewParts {
  readonly layers: readonly LayerStream[];
  readonly head: () => Point;
  /** What waits of a layer. */
  readonly waiting: (layer: number) => readonly LayerDelta[];
  /** The last one has left. */
  readonly left: () => void;
}

/** The followers of the same layers at one pace. */
export class PacedView implements FollowedStream {
  readonly layers: readonly LayerStream[];
  readonly #parts: PacedViewParts;
  readonly #standings = new Map<string, Standing>();
  readonly #standingOf = new Map<Receiver, Standing>();

  constructor(parts: PacedViewParts) {
    this.#parts = parts;
    this.layers = parts.layers;
  }

  attach(receiver: Receiver): void {
    this.#stand(receiver);
  }

  detach(receiver: Receiver): void {
    this.#leave(receiver);
    if (this.#standingOf.size === 0) this.#parts.left();
  }

  owes(receiver: Receiver): boolean {
    const standing = this.#standingOf.get(receiver);
    return standing !== undefined && this.#isBehind(standing);
  }

  hurry(receiver: Receiver): void {
    const standing = this.#standingOf.get(receiver);
    if (standing === undefined || !this.#isBehind(standing)) return;
    const { frame, chain } = this.#frame(receiver.codec, standing);
    receiver.receive(frame, this.#parts.head(), chain);
    // It may have had itself detached.
    if (this.#standingOf.get(receiver) === standing) this.#stand(receiver);
  }

  /** Sends everybody what waits. */
  beat(): void {
    const head = this.#parts.head();
    for (const standing of [...this.#standings.values()]) {
      if (!this.#isBehind(standing)) continue;
      const frames = new Map<Codec, MergedFrame>();
      for (const receiver of [...standing.receivers]) {
        const made = frames.get(receiver.codec) ?? this.#frame(receiver.codec, standing);
        frames.set(receiver.codec, made);
        receiver.receive(made.frame, head, made.chain);
        if (this.#standingOf.get(receiver) === standing) this.#stand(receiver);
      }
    }
  }

  /** The seqs of a layer's chain at which somebody stands. */
  stops(stream: LayerStream): readonly number[] {
    const layer = this.layers.indexOf(stream);
    return [...this.#standings.values()].flatMap(({ chains }) => chains[layer]?.seq ?? []);
  }

  /** There is more than is kept for them. */
  overrun(): void {
    for (const receiver of [...this.#standingOf.keys()]) if (this.owes(receiver)) receiver.overrun();
  }

  #isBehind({ chains }: Standing): boolean {
    return this.layers.some(({ chainSeq }, index) => chains[index]?.seq !== chainSeq);
  }

  /** All layers up to the head. */
  #frame(codec: Codec, { chains }: Standing): MergedFrame {
    const head = this.#parts.head();
    const ends = this.layers.map((stream) => stream.chain);
    const pieces = this.layers.flatMap((stream, index): readonly Piece[] => {
      const { handle } = stream;
      const from = chains[index]?.seq ?? 0;
      const [first, ...rest] = this.#parts.waiting(index).filter(({ to }) => to.seq > from);
      const delta = first === undefined ? undefined : mergedDelta([first, ...rest]);
      const end = delta?.to ?? chains[index] ?? head;
      const advance = head.seq > end.seq ? [encodeAdvance({ codec, handle }, end, head)] : [];
      return delta === undefined ? advance : [encodeLayerDelta({ codec, handle }, delta), ...advance];
    });
    return { frame: frameOf(codec, pieces), chain: ends[0] ?? head };
  }

  /** From now on it holds everything. */
  #stand(receiver: Receiver): void {
    this.#leave(receiver);
    const chains = this.layers.map(({ chain }) => chain);
    const name = nameOf(chains);
    const standing = this.#standings.get(name) ?? { chains, receivers: new Set<Receiver>() };
    standing.receivers.add(receiver);
    this.#standings.set(name, standing);
    this.#standingOf.set(receiver, standing);
  }

  #leave(receiver: Receiver): void {
    const standing = this.#standingOf.get(receiver);
    if (standing === undefined) return;
    this.#standingOf.delete(receiver);
    standing.receivers.delete(receiver);
    const name = nameOf(standing.chains);
    if (standing.receivers.size === 0 && this.#standings.get(name) === standing) this.#standings.delete(name);
  }
}

const nameOf = (chains: readonly Point[]): string => chains.map(({ seq }) => seq).join("/");

/** Runs of deltas that nobody stands inside of. */
function runsBetween(deltas: readonly LayerDelta[], stops: ReadonlySet<number>): [LayerDelta, ...LayerDelta[]][] {
  const runs: [LayerDelta, ...LayerDelta[]][] = [];
  for (const delta of deltas) {
    const run = runs.at(-1);
    if (run === undefined || stops.has(delta.prev.seq)) runs.push([delta]);
    else run.push(delta);
  }
  return runs;
}
