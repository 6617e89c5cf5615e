// The session's side of a socket, or of what stands in for one: frames go out, an end comes. The rooms transport and http
// implement it.
import type { Codec, Piece } from "@tidemark/protocol";

/** Messages that leave together. Shared by many sockets when `wire` is worth keeping. */
export class OutgoingFrame {
  readonly codec: Codec;
  readonly pieces: readonly Piece[];
  /** How long its pieces are; of a connection's own messages in characters. */
  readonly bytes: number;
  /** What the transport made of it the first time. */
  wire: Uint8Array | undefined = undefined;

  constructor(codec: Codec, pieces: readonly Piece[], bytes: number) {
    this.codec = codec;
    this.pieces = pieces;
    this.bytes = bytes;
  }
}

/** One socket. */
export interface Wire {
  readonly codec: Codec;
  /** The peer is this machine. */
  readonly loopback: boolean;
  /** Bytes handed over that the peer's kernel has not taken. */
  readonly bufferedBytes: number;
  /** Bytes that came in so far; of a one-way wire, bytes that its peer took. */
  readonly receivedBytes: number;
  /** Nothing comes in after the greeting and what came with it: nobody answers a ping, or hears an `ok` here. */
  readonly oneWay?: boolean;
  /** Set by the session: called whenever everything handed over was taken after it had been much. */
  onDrained?: (() => void) | undefined;
  /** Writes a frame of one message of this socket's own: what nearly every flush is. */
  writeMessage(piece: Piece): void;
  /** Writes all frames with one call to the socket. */
  write(frames: readonly OutgoingFrame[]): void;
  /** Ends the socket with a close code, after what was written. */
  close(code: number, reason: string): void;
}
