// Frames of encoded messages, within their bounds (FRAME-11), and how long they are.
import { type Codec, LIMITS, type Piece } from "@tidemark/protocol";
import { OutgoingFrame } from "./wire.js";

const bytesOf = (piece: Piece): number => (typeof piece === "string" ? Buffer.byteLength(piece) : piece.length);

/** Pieces that leave together. */
export const frameOf = (codec: Codec, pieces: readonly Piece[]): OutgoingFrame =>
  new OutgoingFrame(
    codec,
    pieces,
    pieces.reduce((sum, piece) => sum + bytesOf(piece), 0),
  );

/** The same frame, to be sent behind something else many times. */
export const asOnePiece = ({ codec, pieces, bytes }: OutgoingFrame): OutgoingFrame =>
  new OutgoingFrame(codec, [joined(codec, pieces)], bytes);

/** The same messages behind one more. */
export const frameBehind = (before: Piece, { codec, pieces, bytes }: OutgoingFrame): OutgoingFrame =>
  new OutgoingFrame(codec, [before, ...pieces], bytesOf(before) + bytes);

/** Pieces as one: what is joined to it is joined to all of them. */
const joined = (codec: Codec, pieces: readonly Piece[]): Piece =>
  codec.binary
    ? Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)))
    : pieces.join(",");

/** A frame that is being filled. */
export class FrameFilling {
  readonly #codec: Codec;
  #pieces: Piece[] = [];
  #bytes = 0;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Nothing more goes in. */
  get isFull(): boolean {
    return this.#pieces.length >= LIMITS.frameMessagesMax || this.#bytes >= LIMITS.frameFlushBytes;
  }

  add(piece: Piece): void {
    this.#pieces.push(piece);
    this.#bytes += bytesOf(piece);
  }

  /** The frame so far; the next one is empty. */
  take(): OutgoingFrame {
    const frame = new OutgoingFrame(this.#codec, this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    return frame;
  }
}
