// A session's wire whose peer is told what a Teller makes of its messages. It writes nothing itself and knows no HTTP.
import { type Codec, jsonCodec, type Piece, type ServerMessage } from "@tidemark/protocol";
import type { OutgoingFrame, Wire } from "../session/wire.js";
import type { Teller } from "./teller.js";
import { endOfCode, type Held, type Told } from "./told.js";

/** Who is told. */
export interface Listener {
  /** The subscription has begun: from now on there is something to tell. */
  opened(): void;
  /** What is told together, and what is held then. */
  told(told: readonly Told[], held: Held): void;
  /** What was told and not taken. */
  readonly bufferedBytes: number;
  /** Grows while somebody takes what is told. */
  readonly takenBytes: number;
}

/** What a wire is made of. */
export interface ToldWireParts {
  readonly teller: Teller;
  readonly listener: Listener;
  /** The teller needs states: the document is to be opened anew. Called in the midst of a write. */
  readonly onStatesNeeded: () => void;
  /** Nothing could be made of what came: a bug of this server. */
  readonly onFailed: (error: unknown) => void;
}

/** What many are sent is read once for all of them. */
const read = new WeakMap<OutgoingFrame, readonly ServerMessage[]>();

/** One connection's messages, told. */
export class ToldWire implements Wire {
  readonly codec: Codec = jsonCodec;
  readonly oneWay = true;
  /** Whoever greets here was identified. */
  readonly loopback = false;
  onDrained: (() => void) | undefined = undefined;
  readonly #parts: ToldWireParts;
  #isOpen = true;
  #isAnnounced = false;

  constructor(parts: ToldWireParts) {
    this.#parts = parts;
  }

  get bufferedBytes(): number {
    return this.#parts.listener.bufferedBytes;
  }

  get receivedBytes(): number {
    return this.#parts.listener.takenBytes;
  }

  writeMessage(piece: Piece): void {
    this.#take(() => messagesIn(this.codec.frame(piece)));
  }

  write(frames: readonly OutgoingFrame[]): void {
    this.#take(() => frames.flatMap(messagesOf));
  }

  close(code: number): void {
    if (this.#isOpen) this.#parts.listener.told([endOfCode(code)], this.#parts.teller.held);
    this.stop();
  }

  /** Tells nothing more. */
  stop(): void {
    this.#isOpen = false;
  }

  #take(messages: () => readonly ServerMessage[]): void {
    if (!this.#isOpen) return;
    try {
      this.#tell(messages());
    } catch (error) {
      this.#parts.onFailed(error);
    }
  }

  #tell(messages: readonly ServerMessage[]): void {
    const { teller, listener, onStatesNeeded } = this.#parts;
    const needed = teller.needsStates;
    const told = teller.take(messages);
    if (teller.isOpened && !this.#isAnnounced) {
      this.#isAnnounced = true;
      listener.opened();
    }
    if (told.length > 0) listener.told(told, teller.held);
    if (teller.needsStates && !needed) onStatesNeeded();
  }
}

const messagesIn = (frame: Uint8Array | string): readonly ServerMessage[] => JSON.parse(String(frame));

function messagesOf(frame: OutgoingFrame): readonly ServerMessage[] {
  const known = read.get(frame);
  if (known !== undefined) return known;
  const messages = messagesIn(frame.codec.join(frame.pieces));
  read.set(frame, messages);
  return messages;
}
