// Everybody on this process who follows one document. A delta is encoded once per codec and its frame is shared by all
// sockets that see the same; this file never knows who they are.
import { type Codec, LIMITS, type Piece } from "@tidemark/protocol";
import { DocumentMap } from "../document/document-map.js";
import type { DocumentName } from "../document/document-store.js";
import type { Audience, AudienceOptions, Committed, LayerDelta } from "../document/documents.js";
import { randomHex } from "../runtime/ids.js";
import { invariant } from "../runtime/invariant.js";
import type { Runtime } from "../runtime/runtime.js";
import { chainFrames, deltasOf, encodeLayerDelta, lastChange, type Point } from "./delta-chain.js";
import { frameOf } from "./frames.js";
import { Gathering } from "./gathering.js";
import { LayerStream } from "./layer-stream.js";
import { Pace } from "./pace.js";
import { peerNames } from "./peer-names.js";
import { TransferBudget } from "./transfer-budget.js";
import { type FollowedStream, ViewStream } from "./view-stream.js";
import type { OutgoingFrame } from "./wire.js";

/** What a fan-out needs of its process. */
export interface FanOutParts {
  readonly document: DocumentName;
  /** A handle that was never used. */
  readonly nextHandle: () => number;
  readonly runtime: Runtime;
  /** The pace of whoever asks for none, ms. */
  readonly everyMs: number;
  readonly retired: () => void;
  /** What its followers know each other by; undefined: they say nothing to each other. */
  readonly peerOf: ((id: string) => string) | undefined;
}

/** Somebody who is to know that the head moves, though nothing may be sent for it. */
export interface HeadWatcher {
  headMoved(): void;
}

/** Where the streams of one document are: what follows them on another process begins there. */
export interface Place {
  readonly head: Point;
  /** What the next delta of the log links to. */
  readonly log: Point;
  readonly layers: readonly (readonly [layer: number, chain: Point])[];
}

/** The followers of one document, and the handles its bytes go out under. */
export class FanOut implements Audience {
  /** The log itself, which followers of a document without views share. */
  readonly log: ViewStream;
  /** All of them among themselves; undefined: they say nothing to each other. */
  readonly gathering: Gathering | undefined;
  readonly #logLayer: LayerStream;
  readonly #parts: FanOutParts;
  readonly #layers = new Map<number, LayerStream>();
  readonly #views = new Map<string, ViewStream>();
  /** Kept while the document is loaded, so that handles stay what they are. Undefined: none. */
  #paces: Map<number, Pace> | undefined = undefined;
  /** The views that show a layer to somebody. */
  readonly #showing = new Map<LayerStream, Set<ViewStream>>();
  /** What was delivered last; followers may not have been told of it. Two numbers, because it moves with every commit and
   * is seldom asked for. */
  #epoch = 0;
  #seq = 0;
  /** The same as all get it who ask: undefined until one does. */
  #head: Point | undefined = undefined;
  /** Undefined: none. */
  #watchers: Set<HeadWatcher> | undefined = undefined;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
    this.#logLayer = new LayerStream(parts.nextHandle());
    this.log = new ViewStream([this.#logLayer], () => undefined);
    const { peerOf, runtime } = parts;
    this.gathering = peerOf && new Gathering({ handle: parts.nextHandle(), runtime, peerOf });
  }

  /** The pace of whoever asks for none, ms. */
  get everyMs(): number {
    return this.#parts.everyMs;
  }

  /** The last transaction that was delivered, be it empty. */
  get head(): Point {
    this.#head ??= { epoch: this.#epoch, seq: this.#seq };
    return this.#head;
  }

  /** Its name: the same object for all who keep it. */
  get document(): DocumentName {
    return this.#parts.document;
  }

  get place(): Place {
    const layers = [...this.#layers].map(([layer, { chain }]) => [layer, chain] as const);
    return { head: this.head, log: this.#logLayer.chain, layers };
  }

  /** Nobody follows yet: goes on from where the document is on another process. */
  beginAt({ head, log, layers }: Place): void {
    this.begin(log);
    for (const [layer, chain] of layers) this.beginLayer(layer, chain);
    this.#moveTo(head);
  }

  /** Tells it from now on. */
  watch(watcher: HeadWatcher): void {
    this.#watchers ??= new Set();
    this.#watchers.add(watcher);
  }

  unwatch(watcher: HeadWatcher): void {
    this.#watchers?.delete(watcher);
    if (this.#watchers?.size === 0) this.#watchers = undefined;
  }

  begin(at: Point): void {
    this.#logLayer.moveTo(at);
  }

  deliver(transactions: readonly Committed[]): void {
    const layer = this.#logLayer;
    layer.forgetSnapshots();
    const start = this.log.receivers.size > 0 || this.#paces !== undefined ? layer.chain : undefined;
    const last = transactions.at(-1);
    if (last === undefined) return;
    this.#moveTo(last);
    const end = lastChange(transactions);
    // What changed nothing is not pushed by itself: followers are told of it before the next thing they are sent.
    if (end === undefined) return;
    layer.moveTo(end);
    if (start === undefined) return;
    this.#sendLog(start, transactions);
    if (this.#paces !== undefined) this.#pace(new Map([[layer, deltasOf(start, transactions)]]));
  }

  retire(): void {
    for (const pace of this.#paces?.values() ?? []) pace.stop();
    this.gathering?.stop();
    this.#parts.retired();
  }

  beginLayer(layer: number, chain: Point): void {
    let stream = this.#layers.get(layer);
    if (stream === undefined) {
      stream = new LayerStream(this.#parts.nextHandle());
      this.#layers.set(layer, stream);
    }
    stream.moveTo(chain);
    stream.forgetSnapshots();
  }

  endLayer(layer: number): void {
    const stream = this.#layers.get(layer);
    this.#layers.delete(layer);
    if (stream !== undefined) for (const pace of this.#paces?.values() ?? []) pace.forget(stream);
  }

  release(head: Point, deltas: ReadonlyMap<number, LayerDelta>): void {
    this.#moveTo(head);
    const changed = new Map<LayerStream, LayerDelta>();
    const views = new Set<ViewStream>();
    for (const [layer, delta] of deltas) {
      const stream = this.layer(layer);
      stream.moveTo(delta.to);
      changed.set(stream, delta);
      for (const view of this.#showing.get(stream) ?? []) views.add(view);
    }
    for (const stream of this.#layers.values()) stream.forgetSnapshots();
    const pieces = new ReleasePieces(changed, this.head);
    for (const view of views) this.#sendView(view, pieces);
    if (this.#paces !== undefined) this.#pace(new Map([...changed].map(([stream, delta]) => [stream, [delta]])));
  }

  /** The handles of these layers, or of the log, at a pace; 0: every change when it comes. */
  layersAt(everyMs: number, layers: readonly number[] | undefined): readonly LayerStream[] {
    const sources = layers?.map((layer) => this.layer(layer)) ?? this.log.layers;
    const pace = this.#paceOf(everyMs);
    return pace === undefined ? sources : sources.map((source) => pace.layer(source));
  }

  /** Those who see these layers, or the log, at a pace. */
  viewAt(everyMs: number, layers: readonly number[] | undefined): FollowedStream {
    const pace = this.#paceOf(everyMs);
    if (pace === undefined) return layers === undefined ? this.log : this.view(layers);
    return pace.view(layers?.map((layer) => this.layer(layer)) ?? [this.#logLayer]);
  }

  /** A layer that was begun. */
  layer(layer: number): LayerStream {
    const stream = this.#layers.get(layer);
    invariant(stream !== undefined, "a layer is begun before it is followed");
    return stream;
  }

  /** Those who see these layers. */
  view(layers: readonly number[]): ViewStream {
    const name = layers.join("/");
    const known = this.#views.get(name);
    if (known !== undefined) return known;
    const streams = layers.map((layer) => this.layer(layer));
    const view = new ViewStream(streams, () => {
      this.#views.delete(name);
      for (const stream of streams) this.#hides(view, stream);
    });
    this.#views.set(name, view);
    for (const stream of streams) this.#shows(view, stream);
    return view;
  }

  #pace(changes: ReadonlyMap<LayerStream, readonly LayerDelta[]>): void {
    for (const pace of this.#paces?.values() ?? []) pace.take(changes);
  }

  /** Paces are bounded in number (R14): when there are as many as there may be, the next faster one has to do. */
  #paceOf(everyMs: number): Pace | undefined {
    if (everyMs <= 0) return undefined;
    this.#paces ??= new Map();
    const paces = this.#paces;
    const known = paces.get(everyMs);
    if (known !== undefined) return known;
    if (paces.size >= LIMITS.pacesMax) {
      const faster = [...paces.keys()].filter((one) => one < everyMs);
      return paces.get(Math.max(...faster));
    }
    const { runtime, nextHandle } = this.#parts;
    const pace = new Pace({ everyMs, runtime, nextHandle, head: () => this.head });
    paces.set(everyMs, pace);
    return pace;
  }

  #shows(view: ViewStream, layer: LayerStream): void {
    const views = this.#showing.get(layer);
    if (views === undefined) this.#showing.set(layer, new Set([view]));
    else views.add(view);
  }

  #hides(view: ViewStream, layer: LayerStream): void {
    const views = this.#showing.get(layer);
    views?.delete(view);
    if (views?.size === 0) this.#showing.delete(layer);
  }

  #moveTo({ epoch, seq }: Point): void {
    this.#epoch = epoch;
    this.#seq = seq;
    this.#head = undefined;
    if (this.#watchers !== undefined) for (const watcher of this.#watchers) watcher.headMoved();
  }

  #sendLog(start: Point, rows: readonly Committed[]): void {
    const { handle, chain: end } = this.#logLayer;
    for (const [codec, receivers] of this.log.receivers) {
      for (const { frame, at, chain } of chainFrames({ codec, handle }, { start, rows, end })) {
        for (const receiver of receivers) receiver.receive(frame, at, chain);
      }
    }
  }

  /** What one release did to all layers of a view is one frame: no viewer sees one of them ahead of the other. */
  #sendView(view: ViewStream, pieces: ReleasePieces): void {
    const { head } = this;
    for (const [codec, receivers] of view.receivers) {
      let frame: OutgoingFrame | undefined;
      for (const receiver of receivers) {
        // Nothing is encoded for those alone who have no room: there may be many views on few connections (R19).
        if (frame === undefined && !receiver.hasRoomFor(pieces.bytesAbout(view))) {
          receiver.overrun();
          continue;
        }
        frame ??= frameOf(
          codec,
          view.layers.map((layer) => pieces.of(codec, layer)),
        );
        receiver.receive(frame, head, head);
      }
    }
  }
}

/** Messages of one release, encoded once per codec and layer: a delta, or an advance for a layer that did not change. */
class ReleasePieces {
  readonly #changed: ReadonlyMap<LayerStream, LayerDelta>;
  readonly #head: Point;
  readonly #pieces = new Map<Codec, Map<LayerStream, Piece>>();

  constructor(changed: ReadonlyMap<LayerStream, LayerDelta>, head: Point) {
    this.#changed = changed;
    this.#head = head;
  }

  of(codec: Codec, layer: LayerStream): Piece {
    const known = this.#pieces.get(codec) ?? new Map<LayerStream, Piece>();
    this.#pieces.set(codec, known);
    const piece = known.get(layer) ?? this.#encode(codec, layer);
    known.set(layer, piece);
    return piece;
  }

  /** No more than what there is for a view, as far as it is known without encoding it. */
  bytesAbout({ layers }: ViewStream): number {
    let bytes = 0;
    for (const layer of layers) {
      const delta = this.#changed.get(layer);
      if (delta !== undefined) bytes += delta.operations.length + (delta.eventsBytes ?? 0);
    }
    return bytes;
  }

  #encode(codec: Codec, layer: LayerStream): Piece {
    const delta = this.#changed.get(layer);
    if (delta === undefined) return layer.advance(codec, this.#head);
    return encodeLayerDelta({ codec, handle: layer.handle }, delta);
  }
}

/** How fan-outs are set up. */
export interface FanOutsOptions {
  /** What openings under way may hold. */
  readonly transferBytesMax?: number | undefined;
  /** That of another process of the same server. */
  readonly peersKey?: string | undefined;
}

/** The fan-outs of this process by document. */
export class FanOuts {
  /** What their openings under way hold in memory. */
  readonly budget: TransferBudget;
  readonly #byDocument = new DocumentMap<FanOut>();
  readonly #runtime: Runtime;
  /** Undefined until somebody needs it. */
  #peersKey: string | undefined;
  #handles = 0;

  constructor(runtime: Runtime, { transferBytesMax = LIMITS.transferBytesMax, peersKey }: FanOutsOptions = {}) {
    this.#runtime = runtime;
    this.#peersKey = peersKey;
    this.budget = new TransferBudget(transferBytesMax);
  }

  /** The secret under which followers are given names that tell nothing: the same on all processes of a server. */
  get peersKey(): string {
    this.#peersKey ??= randomHex(this.#runtime, 16);
    return this.#peersKey;
  }

  /** A new one, when a document's host comes up. */
  create(document: DocumentName, { everyMs, peers }: AudienceOptions): FanOut {
    const nextHandle = (): number => {
      this.#handles += 1;
      return this.#handles;
    };
    const retired = (): void => void this.#byDocument.delete(document);
    const fanOut = new FanOut({
      document,
      nextHandle,
      runtime: this.#runtime,
      everyMs,
      retired,
      peerOf: this.#peerOf(document, peers),
    });
    this.#byDocument.set(document, fanOut);
    return fanOut;
  }

  /** Names that tell nothing differ from document to document, and stay what they are while this process lives. */
  #peerOf(document: DocumentName, peers: AudienceOptions["peers"]): FanOutParts["peerOf"] {
    if (peers === "none") return undefined;
    if (peers === "named") return (id) => id;
    return peerNames(this.peersKey, document);
  }

  /** The one of a document that is loaded. */
  get(document: DocumentName): FanOut {
    const fanOut = this.#byDocument.get(document);
    invariant(fanOut !== undefined, "a loaded document has a fan-out");
    return fanOut;
  }
}
