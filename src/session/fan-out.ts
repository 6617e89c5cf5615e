// Everybody on this process who follows one document. A delta is encoded once per codec and its frame is shared by all
// sockets; this file never knows who they are.
import { type Codec, LIMITS, type Piece } from "@tidemark/protocol";
import { DocumentMap } from "../document/document-map.js";
import type { DocumentName } from "../document/document-store.js";
import type { Audience, Committed, Snapshot } from "../document/documents.js";
import { invariant } from "../runtime/invariant.js";
import { chainAfter, encodeAdvance, encodeChain, type Point } from "./delta-chain.js";
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
  #chain: Point = { epoch: 0, seq: 0 };

  constructor(handle: number, retired: () => void) {
    this.handle = handle;
    this.#retired = retired;
  }

  /** What the next delta links to. */
  get chain(): Point {
    return this.#chain;
  }

  begin(chain: Point): void {
    this.#chain = chain;
  }

  /** From now on it gets every delta. */
  attach(receiver: Receiver): void {
    const same = this.#receivers.get(receiver.codec);
    if (same === undefined) this.#receivers.set(receiver.codec, new Set([receiver]));
    else same.add(receiver);
  }

  /** It gets nothing more. */
  detach(receiver: Receiver): void {
    this.#receivers.get(receiver.codec)?.delete(receiver);
  }

  deliver(transactions: readonly Committed[]): void {
    const last = transactions.at(-1);
    if (last === undefined) return;
    const start = this.#chain;
    const end = chainAfter(start, transactions);
    this.#chain = end;
    this.#snapshots.clear();
    for (const [codec, receivers] of this.#receivers) {
      if (receivers.size === 0) continue;
      const pieces = encodeChain({ codec, handle: this.handle }, start, transactions, end);
      for (const frame of framesOf(codec, pieces)) {
        for (const receiver of receivers) receiver.receive(frame, last);
      }
    }
  }

  retire(): void {
    this.#retired();
  }

  /** The `snap` of a snapshot at the delivered head, encoded once for all who reset there. It bears the chain's point,
   * so that the next delta links to it; an advance to the head follows. */
  snapFrame(codec: Codec, snapshot: Snapshot): OutgoingFrame {
    const known = this.#snapshots.get(codec);
    if (known?.of === snapshot) return known.frame;
    const { epoch, seq } = this.#chain;
    const pieces = [codec.encodeSnap({ h: this.handle, epoch, seq, stateJson: snapshot.stateJson })];
    if (snapshot.seq > seq) pieces.push(encodeAdvance({ codec, handle: this.handle }, this.#chain, snapshot));
    const frame = frameOf(codec, pieces);
    this.#snapshots.set(codec, { of: snapshot, frame });
    return frame;
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
