// What one connection has to send in the current flush, in order. One flush is one write to the socket; what the peer
// does not take is counted, and past the hard limit the connection ends (R14).
import { LIMITS, type Piece, type ServerMessage } from "@tidemark/protocol";
import type { Flusher } from "./flusher.js";
import { OutgoingFrame, type Wire } from "./wire.js";

/** Outgoing frames of one connection. */
export class OutboundQueue {
  readonly #wire: Wire;
  readonly #flusher: Flusher;
  readonly #overflowed: () => void;
  #frames: OutgoingFrame[] = [];
  #own: Piece[] = [];
  #ownBytes = 0;

  constructor(wire: Wire, flusher: Flusher, overflowed: () => void) {
    this.#wire = wire;
    this.#flusher = flusher;
    this.#overflowed = overflowed;
  }

  /** Sends a message of this connection's own. */
  send(message: ServerMessage): void {
    this.sendPiece(this.#wire.codec.encode(message));
  }

  /** Sends an encoded message of this connection's own. */
  sendPiece(piece: Piece): void {
    if (this.#own.length >= LIMITS.frameMessagesMax || this.#ownBytes >= LIMITS.frameFlushBytes) this.#sealOwn();
    this.#own.push(piece);
    this.#ownBytes += piece.length;
    this.#flusher.add(this);
  }

  /** Sends a frame that others send as well. */
  sendShared(frame: OutgoingFrame): void {
    this.#sealOwn();
    this.#frames.push(frame);
    this.#flusher.add(this);
  }

  /** Hands everything to the socket in one write. */
  flush(): void {
    this.#sealOwn();
    const frames = this.#frames;
    if (frames.length === 0) return;
    this.#frames = [];
    this.#wire.write(frames);
    if (this.#wire.bufferedBytes > LIMITS.outboundHardBytes) this.#overflowed();
  }

  #sealOwn(): void {
    if (this.#own.length === 0) return;
    this.#frames.push(new OutgoingFrame(this.#wire.codec, this.#own, this.#ownBytes));
    this.#own = [];
    this.#ownBytes = 0;
  }
}
