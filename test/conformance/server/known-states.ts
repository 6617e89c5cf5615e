// What all connections of one dialogue together know of documents: their state at each position, and which document a
// handle stands for. Two that contradict each other are a fault.
import { type JsonObject, jsonEquals } from "@tidemark/protocol";
import { Failure } from "../dialogue/failure.js";
import { shown } from "../dialogue/pattern.js";

/** A seq and its epoch. */
export interface Point {
  readonly epoch: number;
  readonly seq: number;
}

/** The common knowledge of one run. */
export class KnownStates {
  readonly #states = new Map<string, JsonObject>();
  readonly #documents = new Map<string, string>();

  /** The state at a position that some connection passed. */
  at(doc: string, { epoch, seq }: Point): JsonObject | undefined {
    return this.#states.get(`${doc} ${epoch} ${seq}`);
  }

  /** A connection holds this state there; whoever was there before must have held the same (SEQ-7). */
  agree(doc: string, { epoch, seq }: Point, state: JsonObject): void {
    const name = `${doc} ${epoch} ${seq}`;
    const known = this.#states.get(name);
    if (known === undefined) this.#states.set(name, state);
    else if (!jsonEquals(known, state)) {
      const expected = `the state of ${doc} at [${epoch}, ${seq}] that came before: ${shown(known)}`;
      throw new Failure({ rule: "SEQ-7", expected, came: shown(state) });
    }
  }

  /** A server process uses a handle for this document, and must never use it for another (OPEN-6). */
  handle(server: string, handle: number, doc: string): void {
    const name = `${server} ${handle}`;
    const known = this.#documents.get(name) ?? doc;
    this.#documents.set(name, known);
    if (known === doc) return;
    throw new Failure({ rule: "OPEN-6", expected: `handle ${handle} to be that of ${known} for good`, came: doc });
  }
}
