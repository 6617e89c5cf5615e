// What all connections of one dialogue together know of documents: the state of each layer at each position, and what a
// handle stands for. Two that contradict each other are a fault.
import { type Json, jsonEquals } from "@tidemark/protocol";
import { Failure } from "../dialogue/failure.js";
import { shown } from "../dialogue/pattern.js";

/** A seq and its epoch. */
export interface Point {
  readonly epoch: number;
  readonly seq: number;
}

/** The common knowledge of one run. */
export class KnownStates {
  readonly #states = new Map<string, Json>();
  readonly #handles = new Map<string, string>();

  /** The state at a position that some connection passed. */
  at(layer: string, { epoch, seq }: Point): Json | undefined {
    return this.#states.get(`${layer} ${epoch} ${seq}`);
  }

  /** A connection holds this state there; whoever was there before must have held the same (SEQ-7). */
  agree(layer: string, { epoch, seq }: Point, state: Json): void {
    const name = `${layer} ${epoch} ${seq}`;
    const known = this.#states.get(name);
    if (known === undefined) this.#states.set(name, state);
    else if (!jsonEquals(known, state)) {
      const expected = `the state of ${layer} at [${epoch}, ${seq}] that came before: ${shown(known)}`;
      throw new Failure({ rule: "SEQ-7", expected, came: shown(state) });
    }
  }

  /** A server process uses a handle for this layer, and must never use it for another (OPEN-6). */
  handle(server: string, handle: number, layer: string): void {
    const name = `${server} ${handle}`;
    const known = this.#handles.get(name) ?? layer;
    this.#handles.set(name, known);
    if (known === layer) return;
    throw new Failure({ rule: "OPEN-6", expected: `handle ${handle} to be that of ${known} for good`, came: layer });
  }
}
