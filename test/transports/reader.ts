// What a reader of one document has seen, whatever way it came by: a state for each seq, and every event.
import type { Json } from "@tidemark/protocol";
import { canonicalJson } from "@tidemark/protocol";

/** A document that is read. */
export interface Read {
  readonly url: string;
  readonly token: string;
  /** `type/key`. */
  readonly doc: string;
}

/** Everything that was seen. */
export class Sight {
  readonly states = new Map<number, string>();
  /** `seq name data`. */
  readonly events: string[] = [];
  readonly problems: string[] = [];
  seq = 0;
  #waiting: (() => void)[] = [];

  state(seq: number, state: Json): void {
    const text = canonicalJson(state);
    const known = this.states.get(seq);
    if (known !== undefined && known !== text) this.problems.push(`two states at ${seq}`);
    if (seq < this.seq) this.problems.push(`${seq} after ${this.seq}`);
    this.states.set(seq, text);
    this.at(seq);
  }

  event(seq: number, name: string, data: Json): void {
    this.events.push(`${seq} ${name} ${canonicalJson(data)}`);
  }

  /** Nothing that is shown has changed up to here. */
  at(seq: number): void {
    this.seq = Math.max(this.seq, seq);
    for (const tell of this.#waiting.splice(0)) tell();
  }

  /** Resolves when it has seen this seq. */
  async reached(seq: number): Promise<void> {
    while (this.seq < seq) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Somebody who reads. */
export interface Reader {
  readonly sight: Sight;
  /** Loses its connection, and finds its way back. */
  cut(): void;
  close(): void;
}
