// Ends the response to a poll: once it tells something that its client did not hold and nothing is owed any more, or when
// a ping is due. The last it says is where everything stands. It reads no more of a message than its type.
import type { Piece } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { ResponseWire } from "./response-wire.js";
import type { Follows } from "./sessions.js";

/** One poll. */
export class Poll {
  readonly #runtime: Runtime;
  #follows: Follows | undefined;
  #wire: ResponseWire | undefined;
  #hasNews = false;
  /** The newest of what was told is a ping. */
  #isPinged = false;
  #isLooking = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** What it is of. */
  begin(follows: Follows, wire: ResponseWire): void {
    this.#follows = follows;
    this.#wire = wire;
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
    this.#runtime.defer(() => this.#look());
  }

  #look(): void {
    this.#isLooking = false;
    const follows = this.#follows;
    if (follows?.isSettled !== true) return;
    if (!this.#isPinged) return follows.beat();
    follows.socketClosed();
    this.#wire?.end();
  }
}
