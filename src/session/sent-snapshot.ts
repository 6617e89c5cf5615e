// A snapshot as it is sent under one handle: whole, in one frame, or in parts. Either is encoded once for all who reset
// there, however many they are and whenever they come.
import { type Codec, LIMITS, type Piece, type StateSlice } from "@tidemark/protocol";
import type { Snapshot } from "../document/documents.js";
import type { Point } from "./delta-chain.js";
import { frameOf } from "./frames.js";
import type { OutgoingFrame } from "./wire.js";

/** Under which handle, at which point of its chain. */
export interface SnapshotLabel {
  readonly codec: Codec;
  readonly handle: number;
  readonly chain: Point;
}

/** What a snapshot becomes. */
export type SentSnapshot = WholeSnapshot | SlicedSnapshot;

/** No character of JSON text takes more bytes in msgpack: a number with a fraction is four of them, and a comma. */
const MSGPACK_GROWTH = 9 / 4;
/** Nor more than these in UTF-8. */
const UTF8_GROWTH = 3;

/** Encodes a snapshot. `advance`: what follows it in the same frame. */
export function sentSnapshot(label: SnapshotLabel, { stateJson }: Snapshot, advance: Piece | undefined): SentSnapshot {
  const { codec } = label;
  const growth = codec.binary ? MSGPACK_GROWTH : UTF8_GROWTH;
  if (stateJson.length * growth > LIMITS.snapshotWholeBytesMax) {
    const slices = codec.sliceState(stateJson, LIMITS.snapshotPartBytes);
    const sliced = new SlicedSnapshot(label, slices, advance);
    if (sliced.bytes > LIMITS.snapshotWholeBytesMax) return sliced;
  }
  return new WholeSnapshot(label, stateJson, advance);
}

/** All of it in one message. */
export class WholeSnapshot {
  readonly count = 1;
  readonly #frame: OutgoingFrame;

  constructor({ codec, handle, chain }: SnapshotLabel, stateJson: string, advance: Piece | undefined) {
    const snap = codec.encodeSnap({ h: handle, epoch: chain.epoch, seq: chain.seq, stateJson });
    this.#frame = frameOf(codec, advance === undefined ? [snap] : [snap, advance]);
  }

  get bytes(): number {
    return this.#frame.bytes;
  }

  /** The same for all, with the advance. */
  frame(_index: number): OutgoingFrame {
    return this.#frame;
  }

  /** The same, to be sent with something else. */
  pieces(_index: number): readonly Piece[] {
    return this.#frame.pieces;
  }
}

/** An announcement and many parts, each made when it is first sent. */
export class SlicedSnapshot {
  /** Of the encoded state. */
  readonly bytes: number;
  readonly announcement: OutgoingFrame;
  readonly #codec: Codec;
  readonly #handle: number;
  readonly #slices: readonly StateSlice[];
  readonly #advance: Piece | undefined;
  readonly #frames: (OutgoingFrame | undefined)[] = [];

  constructor({ codec, handle, chain }: SnapshotLabel, slices: readonly StateSlice[], advance: Piece | undefined) {
    this.bytes = slices.reduce((sum, slice) => sum + codec.sliceBytes(slice), 0);
    this.#codec = codec;
    this.#handle = handle;
    this.#slices = slices;
    this.#advance = advance;
    const parts = { bytes: this.bytes, parts: slices.length };
    this.announcement = frameOf(codec, [codec.encode(["snap", handle, chain.epoch, chain.seq, null, parts])]);
  }

  /** How many parts there are. */
  get count(): number {
    return this.#slices.length;
  }

  /** One part, the last with the advance behind it: the same for all. */
  frame(index: number): OutgoingFrame {
    const known = this.#frames[index];
    if (known !== undefined) return known;
    const frame = frameOf(this.#codec, this.pieces(index));
    this.#frames[index] = frame;
    return frame;
  }

  /** The same, to be sent with something else. */
  pieces(index: number): readonly Piece[] {
    const slice = this.#slices[index] ?? "";
    const part = this.#codec.encodePart({ h: this.#handle, index, slice });
    return index < this.count - 1 || this.#advance === undefined ? [part] : [part, this.#advance];
  }
}
