// What one connection has to send in the current flush, in order. One flush is one write to the socket; what the peer
// does not take is counted: past the soft limit nothing more of its streams is let in, past the hard limit the connection
// ends (R14).
import { type Codec, LIMITS, type Piece, type ServerMessage } from "@tidemark/protocol";
import type { Flusher } from "./flusher.js";
import { OutgoingFrame, type Wire } from "./wire.js";

/** A connection, as far as what it has to send goes. */
export interface QueueHolder {
  /** Its peer leaves more than may wait. */
  overflowed(): void;
}

/** Outgoing frames of one connection. */
export class OutboundQueue {
  readonly #wire: Wire;
  readonly #flusher: Flusher;
  readonly #holder: QueueHolder;
  /** All there is to send, when that is one message of this connection's own: most often it is one answer, and then
   * nothing is made to gather it in. */
  #only: Piece | undefined = undefined;
  /** All there is to send, when it is more than that. */
  #gathered: Gathered | undefined = undefined;
  /** How much that is. */
  #pendingBytes = 0;
  /** What the socket held when it was last looked at: since then it can only have become less. */
  #bufferedBytes = 0;
  /** All that was ever written, about. */
  #writtenBytes = 0;

  constructor(wire: Wire, flusher: Flusher, holder: QueueHolder) {
    this.#wire = wire;
    this.#flusher = flusher;
    this.#holder = holder;
  }

  /** What the peer has not taken. */
  get unsentBytes(): number {
    this.#bufferedBytes = this.#wire.bufferedBytes;
    return this.#bufferedBytes + this.#pendingBytes;
  }

  /** Rises with what the peer takes. */
  get takenBytes(): number {
    return this.#writtenBytes - this.#wire.bufferedBytes;
  }

  /** Whether a frame of so many bytes may be sent for a stream: up to the soft limit, and whatever it is when nothing else
   * waits. What a connection is owed besides its streams, answers and heartbeats, does not ask. */
  admits(bytes: number): boolean {
    return this.fits(bytes) || this.unsentBytes === 0;
  }

  /** Whether so many bytes keep below the soft limit. */
  fits(bytes: number): boolean {
    if (this.#bufferedBytes + this.#pendingBytes + bytes <= LIMITS.outboundSoftBytes) return true;
    this.flush();
    return this.unsentBytes + bytes <= LIMITS.outboundSoftBytes;
  }

  /** Sends a message of this connection's own. */
  send(message: ServerMessage): void {
    this.sendPiece(this.#wire.codec.encode(message));
  }

  /** Sends an encoded message of this connection's own. */
  sendPiece(piece: Piece): void {
    if (this.#only === undefined && this.#gathered === undefined) {
      this.#only = piece;
      this.#flusher.add(this);
    } else {
      this.#answer(piece);
    }
    this.#pending(piece.length);
  }

  /** Sends a frame that others send as well. */
  sendShared(frame: OutgoingFrame): void {
    if (this.#only === undefined && this.#gathered === undefined) this.#flusher.addToSweep(this);
    this.#gather().addShared(frame);
    this.#pending(frame.bytes);
  }

  /** Hands everything to the socket in one write; nothing happens when there is nothing. */
  flush(): void {
    const only = this.#only;
    const gathered = this.#gathered;
    this.#only = undefined;
    this.#gathered = undefined;
    this.#writtenBytes += this.#pendingBytes;
    this.#pendingBytes = 0;
    if (only !== undefined) this.#wire.writeMessage(only);
    else if (gathered !== undefined) this.#wire.write(gathered.seal());
    else return;
    this.#bufferedBytes = this.#wire.bufferedBytes;
    if (this.#bufferedBytes > LIMITS.outboundHardBytes) this.#holder.overflowed();
  }

  /** What one turn gathers is bounded too. */
  #pending(bytes: number): void {
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > LIMITS.outboundSoftBytes) this.flush();
  }

  /** What waits for its turn in a sweep does not wait for it any more: an answer is behind it. */
  #answer(piece: Piece): void {
    const gathered = this.#gather();
    if (!gathered.isAnswered) this.#flusher.add(this);
    gathered.isAnswered = true;
    gathered.add(piece);
  }

  #gather(): Gathered {
    if (this.#gathered !== undefined) return this.#gathered;
    this.#gathered = new Gathered(this.#wire.codec);
    if (this.#only !== undefined) {
      this.#gathered.isAnswered = true;
      this.#gathered.add(this.#only);
    }
    this.#only = undefined;
    return this.#gathered;
  }
}

/** A flush of several messages: frames of its own within their bounds (FRAME-11), between the shared ones. */
class Gathered {
  /** Some of it is this connection's own. */
  isAnswered = false;
  readonly #codec: Codec;
  readonly #frames: OutgoingFrame[] = [];
  #own: Piece[] = [];
  #ownBytes = 0;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  add(piece: Piece): void {
    if (this.#own.length >= LIMITS.frameMessagesMax || this.#ownBytes >= LIMITS.frameFlushBytes) this.#sealOwn();
    this.#own.push(piece);
    this.#ownBytes += piece.length;
  }

  addShared(frame: OutgoingFrame): void {
    this.#sealOwn();
    this.#frames.push(frame);
  }

  /** Its frames; nothing can be added any more. */
  seal(): readonly OutgoingFrame[] {
    this.#sealOwn();
    return this.#frames;
  }

  #sealOwn(): void {
    if (this.#own.length === 0) return;
    this.#frames.push(new OutgoingFrame(this.#codec, this.#own, this.#ownBytes));
    this.#own = [];
    this.#ownBytes = 0;
  }
}
