// One session following one document: from `open` to `opened`, the deltas, and `ended` or `close`. It knows the
// position its socket was sent, and holds back answers that must not overtake its first payload.
import type { Codec, ErrorCode, Json, Opened, Piece } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Caller, Follower, LayerOpening, Opening, ViewOpening } from "../document/documents.js";
import { encodeChain, encodeLayerDelta, isEmpty, type Point, wireEvent } from "./delta-chain.js";
import type { FanOut } from "./fan-out.js";
import { frameOf, type LayerStream } from "./layer-stream.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { endedMessage } from "./refusal.js";
import type { Receiver, ViewStream } from "./view-stream.js";
import type { OutgoingFrame } from "./wire.js";

/** What a subscription is made of. */
export interface SubscriptionParts {
  readonly s: number;
  /** Its parameters, as canonical text. */
  readonly view: string;
  readonly document: DocumentName;
  readonly caller: Caller;
  readonly codec: Codec;
  readonly out: OutboundQueue;
  /** The fan-out of the document, which is loaded when an opening arrives. */
  readonly fanOut: () => FanOut;
  /** It is over, for a reason of the server's. */
  readonly onEnded: (subscription: Subscription) => void;
}

type State =
  | { readonly state: "opening"; readonly heldBack: (() => void)[] }
  | { readonly state: "open"; readonly fanOut: FanOut; readonly view: ViewStream }
  | { readonly state: "over" };

/** A stream of one document to one socket. */
export class Subscription implements Follower, Receiver {
  readonly s: number;
  readonly view: string;
  readonly document: DocumentName;
  readonly codec: Codec;
  caller: Caller;
  readonly #parts: SubscriptionParts;
  #state: State = { state: "opening", heldBack: [] };
  /** What this socket was sent, of all layers. */
  #at: Point = { epoch: 0, seq: 0 };

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.s = parts.s;
    this.view = parts.view;
    this.document = parts.document;
    this.caller = parts.caller;
    this.codec = parts.codec;
  }

  /** `[h, epoch, seq]` of what this socket was sent, for each layer; none while there is nothing to compare with. */
  get heads(): readonly (readonly [h: number, epoch: number, seq: number])[] {
    if (this.#state.state !== "open") return [];
    return this.#state.view.layers.map(({ handle }) => [handle, this.#at.epoch, this.#at.seq]);
  }

  /** True until its first payload is on its way. */
  get isOpening(): boolean {
    return this.#state.state === "opening";
  }

  /** Sends an answer right after the first payload. Only while it is opening. */
  holdBack(send: () => void): void {
    if (this.#state.state === "opening") this.#state.heldBack.push(send);
  }

  opened(opening: Opening): void {
    if (this.#state.state === "over") return;
    const heldBack = this.#state.state === "opening" ? this.#state.heldBack : [];
    if (opening.kind === "ended") this.#end(opening.code, opening);
    else this.#begin(opening);
    for (const send of heldBack) send();
  }

  receive(frame: OutgoingFrame, through: Point): void {
    this.#parts.out.sendShared(frame);
    this.#at = through;
  }

  /** Tells this socket of what was delivered and changed nothing, before an answer or heads that speak of it. All layers
   * at once: none is advanced past what another still has to send. */
  catchUp(): void {
    if (this.#state.state !== "open") return;
    const { fanOut, view } = this.#state;
    const { head } = fanOut;
    if (head.seq <= this.#at.seq) return;
    for (const layer of view.layers) this.#parts.out.sendPiece(layer.advance(this.codec, head));
    this.#at = head;
  }

  ended(code: ErrorCode): void {
    const heldBack = this.#state.state === "opening" ? this.#state.heldBack : [];
    this.#end(code);
    for (const send of heldBack) send();
  }

  /** The client closed it, or its connection is gone. Returns the answers that were held back. */
  leave(): readonly (() => void)[] {
    const heldBack = this.#state.state === "opening" ? this.#state.heldBack : [];
    this.#detach();
    return heldBack;
  }

  #begin(opening: Exclude<Opening, { kind: "ended" }>): void {
    const fanOut = this.#parts.fanOut();
    const view = opening.kind === "view" ? fanOut.view(opening.layers.map(({ layer }) => layer)) : fanOut.log;
    if (opening.kind === "view") this.#show(opening, view);
    else if (opening.kind === "resume") this.#resume(opening, view);
    else this.#reset(opening, view);
    view.attach(this);
    // A view that was seen before goes once the new one has its layers.
    if (this.#state.state === "open" && this.#state.view !== view) this.#state.view.detach(this);
    this.#state = { state: "open", fanOut, view };
  }

  #resume({ tag, prev, missed }: Extract<Opening, { kind: "resume" }>, { layers }: ViewStream): void {
    const { out, s, codec } = this.#parts;
    const held = { epoch: prev[0], seq: prev[1] };
    const changed = missed.some((row) => !isEmpty(row));
    const prevs = layers.map(({ chain }) => (changed ? held.seq : chain.seq));
    out.send(["opened", { s, h: handlesOf(layers), mode: ["resume"], prev: prevs, tag: [tag] }]);
    for (const { handle, chain } of layers) {
      for (const piece of encodeChain({ codec, handle }, held, missed, chain)) out.sendPiece(piece);
    }
    this.#at = pointOf(missed.at(-1) ?? held);
  }

  #reset({ tag, snapshot, events, gap }: Extract<Opening, { kind: "reset" }>, { layers }: ViewStream): void {
    const { out, s, codec } = this.#parts;
    const prev = layers.map(({ chain }) => chain.seq);
    out.send(["opened", { s, h: handlesOf(layers), mode: ["reset"], prev, tag: [tag], ...pastOf({ events, gap }) }]);
    for (const layer of layers) out.sendShared(layer.snapFrame(codec, snapshot, snapshot));
    this.#at = pointOf(snapshot);
  }

  /** What is replayed is one frame with `opened`; snapshots are shared, and take effect when the last one is there. */
  #show({ layers, at, events, gap }: ViewOpening, view: ViewStream): void {
    const { out, s, codec } = this.#parts;
    const opened: Opened = {
      s,
      h: handlesOf(view.layers),
      mode: layers.map(({ mode }) => mode),
      prev: layers.map((layer) => (layer.mode === "resume" ? layer.prev : layer.snapshot.seq)),
      tag: layers.map(({ tag }) => tag),
      ...pastOf({ events, gap }),
    };
    const pieces: Piece[] = [codec.encode(["opened", opened])];
    const snapshots: OutgoingFrame[] = [];
    view.layers.forEach((stream, index) => {
      const layer = layers[index];
      if (layer?.mode === "resume") pieces.push(...this.#replay(layer, stream, at));
      else if (layer !== undefined) snapshots.push(stream.snapFrame(codec, layer.snapshot, at));
    });
    out.sendShared(frameOf(codec, pieces));
    for (const frame of snapshots) out.sendShared(frame);
    this.#at = pointOf(at);
  }

  #replay({ deltas }: Extract<LayerOpening, { mode: "resume" }>, stream: LayerStream, at: Point): Piece[] {
    const { handle, chain } = stream;
    const pieces = deltas.map((delta) => encodeLayerDelta({ codec: this.codec, handle }, delta));
    if (at.seq > chain.seq) pieces.push(stream.advance(this.codec, at));
    return pieces;
  }

  #end(code: ErrorCode, details: { readonly afterMs?: number; readonly data?: Json } = {}): void {
    if (this.#state.state === "over") return;
    this.#detach();
    this.#parts.out.send(endedMessage(this.s, code, details));
    this.#parts.onEnded(this);
  }

  #detach(): void {
    if (this.#state.state === "open") this.#state.view.detach(this);
    this.#state = { state: "over" };
  }
}

/** Held for as long as the subscription lasts: nothing but the numbers. */
const pointOf = ({ epoch, seq }: Point): Point => ({ epoch, seq });

const handlesOf = (layers: readonly LayerStream[]): readonly number[] => layers.map(({ handle }) => handle);

function pastOf({ events, gap }: Pick<ViewOpening, "events" | "gap">): Pick<Opened, "events" | "gap"> {
  return { ...(events.length === 0 ? {} : { events: events.map(wireEvent) }), ...(gap ? { gap } : {}) };
}
