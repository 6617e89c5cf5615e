// The storages of all machines of a run, by name: two tabs of one machine share one.
import type { Chances } from "../world/chance.js";
import { CallShelf } from "./call-shelf.js";

/** Shelves by name. */
export class CallShelves {
  readonly #chances: Chances;
  readonly #shelves = new Map<string, CallShelf>();

  constructor(chances: Chances) {
    this.#chances = chances;
  }

  /** All there are, by name. */
  get all(): ReadonlyMap<string, CallShelf> {
    return this.#shelves;
  }

  /** Made when it is first asked for. */
  of(name: string): CallShelf {
    const shelf = this.#shelves.get(name) ?? new CallShelf(this.#chances.of(`${name} shelf`));
    this.#shelves.set(name, shelf);
    return shelf;
  }
}
