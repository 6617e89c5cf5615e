// Ends the response to a poll: once it tells something that its client did not hold and nothing is owed any more, or when
// a ping is due. The last it says is where everything stands. It reads no more of a message than its type.
import type { Piece } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { Session } from "../session/session.js";
import type { ResponseWire } from "./response-wire.js";

/** What a poll is of. */
export interface PollParts {
  readonly session: Session;
  readonly wire: ResponseWire;
  readonly runtime: Runtime;
}

/** One poll. */
export class Poll {
  readonly #parts: PollParts;
  #hasNews = false;
  /** The newest of what was told is a ping. */
  #isPinged = false;
  #isLooking = false;

  constructor(parts: PollParts) {
    this.#parts = parts;
  }

  /** A message was written. */
  written(piece: Piece): void {
    const text = String(piece);
    this.#isPinged = text.startsWith('["ping"');
    // Every response begins with these, whether or not there is anything new.
    const isPrelude = text.startsWith('["welcome"') || text.startsWith('["opened"');
    this.#hasNews ||= !isPrelude;
    if (!this.#hasNews || this.#isLooking) return;
    this.#isLooking = true;
    // What happens in this turn is told together.
    this.#parts.runtime.defer(() => this.#look());
  }

  #look(): void {
    this.#isLooking = false;
    const { session, wire } = this.#parts;
    if (!session.isSettled) return;
    if (!this.#isPinged) return session.beat();
    session.socketClosed();
    wire.end();
  }
}
