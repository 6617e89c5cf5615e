// The connections of a server that nobody has identified yet. Their number is bounded: when there is no room, the one
// that has been silent longest goes, so that sockets which say nothing cannot keep out those who do.
import { LIMITS } from "@tidemark/protocol";

/** A connection before it is welcomed. */
export interface Newcomer {
  /** There is no room for it any more. */
  crowdedOut(): void;
}

/** Newcomers by how far they are. */
export class Newcomers {
  readonly #max: number;
  /** Silent so far, the oldest first. */
  readonly #silent = new Set<Newcomer>();
  /** They have said who they are, and it is being checked. */
  readonly #greeting = new Set<Newcomer>();
  #crowdedOut = 0;

  constructor(max: number = LIMITS.newcomersMax) {
    this.#max = max;
  }

  /** How many there are. */
  get size(): number {
    return this.#silent.size + this.#greeting.size;
  }

  /** No room, and nobody silent who could make some. */
  get isFull(): boolean {
    return this.size >= this.#max && this.#silent.size === 0;
  }

  /** How many had to go since it was asked last. */
  takeCrowdedOut(): number {
    const count = this.#crowdedOut;
    this.#crowdedOut = 0;
    return count;
  }

  /** One has come. */
  arrived(newcomer: Newcomer): void {
    if (this.size >= this.#max) this.#makeRoom();
    this.#silent.add(newcomer);
  }

  /** It has said who it is. */
  spoke(newcomer: Newcomer): void {
    if (this.#silent.delete(newcomer)) this.#greeting.add(newcomer);
  }

  /** It is identified, or gone. */
  left(newcomer: Newcomer): void {
    if (!this.#silent.delete(newcomer)) this.#greeting.delete(newcomer);
  }

  #makeRoom(): void {
    const [oldest] = this.#silent;
    if (oldest === undefined) return;
    this.#silent.delete(oldest);
    this.#crowdedOut += 1;
    oldest.crowdedOut();
  }
}
