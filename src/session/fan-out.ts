// Everybody on this process who follows one document. A delta is encoded once per codec and its frame is shared by all
// sockets; this file never knows who they are.
import { type Codec, LIMITS, type Piece } from "@tidemark/protocol";
import { DocumentMap } from "../document/document-map.js";
import type { DocumentName } from "../document/document-store.js";
import type { Audience, Committed, Snapshot } from "../document/documents.js";
import { invariant } from "../runtime/invariant.js";
import { encodeAdvance, encodeChain, lastChange, type Point } from "./delta-chain.js";
import { OutgoingFrame } from "./wire.js";

/** A subscriber, as far as deltas go. */
export interface Receiver {
  readonly codec: Codec;
  /** Takes a shared frame; `through` is the position after it. */
  receive(frame: OutgoingFrame, through: Point): void;
}

/** The followers of one document, and the handle its bytes go out under. */
export class FanOut implements Audience {
  /** Never reused on this process. */
  readonly handle: number;
  readonly #receivers = new Map<Codec, Set<Receiver>>();
  readonly #snapshots = new Map<Codec, { readonly of: Snapshot; readonly frame: OutgoingFrame }>();

  readonly #retired: () => void;
  /** The chain: two numbers, because it moves with every commit and is seldom asked for. */
  #epoch = 0;
  #seq = 0;
  /** What was delivered last; followers may not have been told of it. */
  #head: Point = { epoch: 0, seq: 0 };

  constructor(handle: number, retired: () => void) {
    this.handle = handle;
    this.#retired = retired;
  }

  /** What the next delta links to. */
  get chain(): Point {
    return { epoch: this.#epoch, seq: this.#seq };
  }

  /** The last transaction that was delivered, be it empty. */
  get head(): Point {
    return this.#head;
  }

  begin({ epoch, seq }: Point): void {
    this.#epoch = epoch;
    this.#seq = seq;
  }

  /** From now on it gets every delta. */
  attach(receiver: Receiver): void {
    const same = this.#receivers.get(receiver.codec);
    if (same === undefined) this.#receivers.set(receiver.codec, new Set([receiver]));
    else same.add(receiver);
  }

  /** It gets nothing more. */
  detach(receiver: Receiver): void {
    const same = this.#receivers.get(receiver.codec);
    same?.delete(receiver);
    if (same?.size === 0) this.#receivers.delete(receiver.codec);
  }

  deliver(transactions: readonly Committed[]): void {
    // clear() makes a new table, even of an empty one.
    if (this.#snapshots.size > 0) this.#snapshots.clear();
    const start = this.#receivers.size > 0 ? this.chain : undefined;
    const last = transactions.at(-1);
    if (last === undefined) return;
    // Followers hold on to it, and must not hold on to the transaction.
    this.#head = { epoch: last.epoch, seq: last.seq };
    const end = lastChange(transactions);
    // What changed nothing is not pushed by itself: followers are told of it before the next thing they are sent.
    if (end === undefined) return;
    this.begin(end);
    if (start !== undefined) this.#send(start, transactions);
  }

  retire(): void {
    this.#retired();
  }

  /** The `snap` of a snapshot at the delivered head, encoded once for all who reset there. It bears the chain's point,
   * so that the next delta links to it; an advance to the head follows. */
  snapFrame(codec: Codec, snapshot: Snapshot): OutgoingFrame {
    const known = this.#snapshots.get(codec);
    if (known?.of === snapshot) return known.frame;
    const { handle, chain } = this;
    const pieces = [codec.encodeSnap({ h: handle, epoch: chain.epoch, seq: chain.seq, stateJson: snapshot.stateJson })];
    if (snapshot.seq > chain.seq) pieces.push(encodeAdvance({ codec, handle }, chain, snapshot));
    const frame = frameOf(codec, pieces);
    this.#snapshots.set(codec, { of: snapshot, frame });
    return frame;
  }

  #send(start: Point, transactions: readonly Committed[]): void {
    const { handle, chain, head } = this;
    for (const [codec, receivers] of this.#receivers) {
      for (const frame of framesOf(codec, encodeChain({ codec, handle }, start, transactions, chain))) {
        for (const receiver of receivers) receiver.receive(frame, head);
      }
    }
  }
}

const frameOf = (codec: Codec, pieces: readonly Piece[]): OutgoingFrame =>
  new OutgoingFrame(
    codec,
    pieces,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );

/** As many frames as their bounds ask for (FRAME-11). */
export function framesOf(codec: Codec, pieces: readonly Piece[]): OutgoingFrame[] {
  const frames: OutgoingFrame[] = [];
  let first = 0;
  let bytes = 0;
  pieces.forEach((piece, index) => {
    bytes += piece.length;
    if (index + 1 - first < LIMITS.frameMessagesMax && bytes < LIMITS.frameFlushBytes) return;
    frames.push(new OutgoingFrame(codec, pieces.slice(first, index + 1), bytes));
    first = index + 1;
    bytes = 0;
  });
  if (first < pieces.length) frames.push(frameOf(codec, pieces.slice(first)));
  return frames;
}

/** The fan-outs of this process by document. */
export class FanOuts {
  readonly #byDocument = new DocumentMap<FanOut>();
  #handles = 0;

  /** A new one, when a document's host comes up. */
  create(document: DocumentName): FanOut {
    this.#handles += 1;
    const fanOut = new FanOut(this.#handles, () => void this.#byDocument.delete(document));
    this.#byDocument.set(document, fanOut);
    return fanOut;
  }

  /** The one of a document that is loaded. */
  get(document: DocumentName): FanOut {
    const fanOut = this.#byDocument.get(document);
    invariant(fanOut !== undefined, "a loaded document has a fan-out");
    return fanOut;
  }
}
