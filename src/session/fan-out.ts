// Everybody on this process who follows one document. A delta is encoded once per codec and its frame is shared by all
// sockets; this file never knows who they are.
import { type Codec, type DeltaExtension, type Json, LIMITS, type Piece, type WireEvent } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Audience, Committed, Snapshot } from "../document/documents.js";
import { invariant } from "../runtime/invariant.js";
import { OutgoingFrame } from "./wire.js";

/** A subscriber, as far as deltas go. */
export interface Receiver {
  readonly codec: Codec;
  /** Takes a shared frame; `through` is the position after it. */
  receive(frame: OutgoingFrame, through: { readonly epoch: number; readonly seq: number }): void;
}

/** One transaction as a `d`. */
export function encodeDelta(codec: Codec, h: number, committed: Committed): Piece {
  const { seq, operations } = committed;
  return codec.encodeDelta({ h, prev: seq - 1, seq, operationsJson: operations, extension: extensionOf(committed) });
}

function extensionOf({ seq, at, epoch, previousEpoch, events, by }: Committed): DeltaExtension {
  const e = epoch === previousEpoch ? undefined : epoch;
  const ev = events === undefined ? undefined : wireEvents(seq, at, events);
  return { ...(e === undefined ? {} : { e }), ...(ev === undefined ? {} : { ev }), at, ...(by === undefined ? {} : { by }) };
}

function wireEvents(seq: number, at: number, text: string): WireEvent[] {
  const events: readonly (readonly [string, Json])[] = JSON.parse(text);
  return events.map(([name, data]) => [seq, at, name, data]);
}

/** The followers of one document, and the handle its bytes go out under. */
export class FanOut implements Audience {
  /** Never reused on this process. */
  readonly handle: number;
  readonly #receivers = new Map<Codec, Set<Receiver>>();
  readonly #snapshots = new Map<Codec, { readonly of: Snapshot; readonly frame: OutgoingFrame }>();

  readonly #retired: () => void;

  constructor(handle: number, retired: () => void) {
    this.handle = handle;
    this.#retired = retired;
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
    this.#snapshots.clear();
    for (const [codec, receivers] of this.#receivers) {
      if (receivers.size === 0) continue;
      for (const frame of this.#frames(codec, transactions)) {
        for (const receiver of receivers) receiver.receive(frame, last);
      }
    }
  }

  retire(): void {
    this.#retired();
  }

  /** The `snap` of a snapshot, encoded once for all who reset there. */
  snapFrame(codec: Codec, snapshot: Snapshot): OutgoingFrame {
    const known = this.#snapshots.get(codec);
    if (known?.of === snapshot) return known.frame;
    const { epoch, seq, stateJson } = snapshot;
    const piece = codec.encodeSnap({ h: this.handle, epoch, seq, stateJson });
    const frame = new OutgoingFrame(codec, [piece], piece.length);
    this.#snapshots.set(codec, { of: snapshot, frame });
    return frame;
  }

  #frames(codec: Codec, transactions: readonly Committed[]): OutgoingFrame[] {
    const frames: OutgoingFrame[] = [];
    let pieces: Piece[] = [];
    let bytes = 0;
    for (const transaction of transactions) {
      const piece = encodeDelta(codec, this.handle, transaction);
      if (pieces.length > 0 && (pieces.length >= LIMITS.frameMessagesMax || bytes + piece.length > LIMITS.frameFlushBytes)) {
        frames.push(new OutgoingFrame(codec, pieces, bytes));
        pieces = [];
        bytes = 0;
      }
      pieces.push(piece);
      bytes += piece.length;
    }
    frames.push(new OutgoingFrame(codec, pieces, bytes));
    return frames;
  }
}

/** The fan-outs of this process by document. */
export class FanOuts {
  readonly #byDocument = new Map<string, FanOut>();
  #handles = 0;

  /** A new one, when a document's host comes up. */
  create(document: DocumentName): FanOut {
    const id = idOf(document);
    this.#handles += 1;
    const fanOut = new FanOut(this.#handles, () => this.#byDocument.delete(id));
    this.#byDocument.set(id, fanOut);
    return fanOut;
  }

  /** The one of a document that is loaded. */
  get(document: DocumentName): FanOut {
    const fanOut = this.#byDocument.get(idOf(document));
    invariant(fanOut !== undefined, "a loaded document has a fan-out");
    return fanOut;
  }
}

const idOf = ({ space, type, key }: DocumentName): string => `${type}/${key}/${space}`;
