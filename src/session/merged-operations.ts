// Merges what several transactions did into one patch that does the same with less: what was overwritten is left out,
// appends to one text become one. It never sees the document, so it merges only where paths alone tell that nothing else
// depends on what it leaves out; what it cannot tell stays as it was.
import type { Json, PatchOperation } from "@tidemark/protocol";

/** A place in the document, and the operations at it and below it. Below an array whose elements have moved the same path
 * is another place. */
interface Place {
  readonly below: Map<string, Place>;
  /** Numbers of the operations at this very path, in order: first perhaps a `+` and a `-`, then at most one more. */
  at: number[];
  /** Numbers of operations below it by paths that have another meaning by now. */
  older: number[];
}

const newPlace = (): Place => ({ below: new Map(), at: [], older: [] });

/** An index, or the end of an array; perhaps only a key that looks like one. */
const ELEMENT = /^(-|0|[1-9][0-9]*)$/;

/** One patch that does what these do, in order; never longer than all of them. Objects keep the order of their keys. */
export function mergedOperations(patches: readonly (readonly PatchOperation[])[]): PatchOperation[] {
  const merging = new Merging();
  for (const operations of patches) for (const operation of operations) merging.take(operation);
  return merging.result;
}

class Merging {
  /** Those that were left out are undefined. */
  readonly #kept: (PatchOperation | undefined)[] = [];
  #root = newPlace();

  get result(): PatchOperation[] {
    return this.#kept.flatMap((operation) => (operation === undefined ? [] : [operation]));
  }

  take(operation: PatchOperation): void {
    switch (operation[0]) {
      case "=":
        return this.#replace(operation[1], operation[2]);
      case "~":
        return this.#append(operation[1], operation[2]);
      case "+":
        return this.#add(operation);
      case "-":
        return this.#remove(operation);
      case ">":
        // What is moved may rest on anything before it.
        this.#kept.push(operation);
        this.#root = newPlace();
    }
  }

  #replace(path: string, value: Json): void {
    if (path === "") {
      this.#kept.length = 0;
      this.#root = newPlace();
    }
    const place = this.#place(path);
    this.#leaveOutBelow(place);
    const last = place.at.at(-1);
    if (last !== undefined && this.#kept[last]?.[0] === "+") {
      this.#kept[last] = ["+", path, value];
      return;
    }
    this.#leaveOut(place.at);
    this.#keep(["=", path, value], place);
  }

  #append(path: string, suffix: string): void {
    const place = this.#place(path);
    const last = place.at.at(-1);
    const before = last === undefined ? undefined : this.#kept[last];
    if (last === undefined || before === undefined || (before[0] !== "~" && typeof before[2] !== "string")) {
      this.#keep(["~", path, suffix], place);
    } else if (before[0] === "~") {
      this.#kept[last] = ["~", path, before[2] + suffix];
    } else if (before[0] === "=" || before[0] === "+") {
      this.#kept[last] = [before[0], path, `${String(before[2])}${suffix}`];
    }
  }

  #add(operation: Extract<PatchOperation, readonly ["+", ...unknown[]]>): void {
    const [, path] = operation;
    if (this.#movesElements(path)) {
      this.#kept.push(operation);
      this.#place(parentOf(path)).older.push(this.#kept.length - 1);
      return;
    }
    const place = this.#place(path);
    this.#leaveOutBelow(place);
    this.#keep(operation, place);
  }

  #remove(operation: Extract<PatchOperation, readonly ["-", ...unknown[]]>): void {
    const [, path] = operation;
    const place = this.#place(path);
    this.#leaveOutBelow(place);
    if (ELEMENT.test(lastOf(path))) {
      // Of what may be an array: each `+` and `-` moved its elements, so whatever is here was done to this element.
      this.#leaveOut(place.at);
      this.#movesElements(path);
      this.#kept.push(operation);
      this.#place(parentOf(path)).older.push(this.#kept.length - 1);
      return;
    }
    const last = place.at.at(-1);
    const added = last !== undefined && this.#kept[last]?.[0] === "+" ? place.at.pop() : undefined;
    const before = place.at.at(-1);
    // It was there neither before nor after.
    if (added !== undefined && before !== undefined && this.#kept[before]?.[0] === "-") {
      this.#kept[added] = undefined;
      return;
    }
    this.#leaveOut(place.at);
    if (added !== undefined) {
      this.#kept[added] = ["+", path, 0];
      place.at.push(added);
    }
    this.#keep(operation, place);
  }

  /** If this is a place in what may be an array: paths below that have another meaning from now on. */
  #movesElements(path: string): boolean {
    if (!ELEMENT.test(lastOf(path))) return false;
    const array = this.#place(parentOf(path));
    for (const element of array.below.values()) collect(element, array.older);
    array.below.clear();
    return true;
  }

  #keep(operation: PatchOperation, place: Place): void {
    this.#kept.push(operation);
    place.at.push(this.#kept.length - 1);
  }

  #leaveOut(numbers: number[]): void {
    for (const number of numbers.splice(0)) this.#kept[number] = undefined;
  }

  #leaveOutBelow(place: Place): void {
    const numbers = place.older.splice(0);
    for (const child of place.below.values()) collect(child, numbers);
    place.below.clear();
    this.#leaveOut(numbers);
  }

  #place(path: string): Place {
    let place = this.#root;
    if (path === "") return place;
    for (const token of path.slice(1).split("/")) {
      let next = place.below.get(token);
      if (next === undefined) {
        next = newPlace();
        place.below.set(token, next);
      }
      place = next;
    }
    return place;
  }
}

/** Every operation at a place and below it. */
function collect(place: Place, into: number[]): void {
  into.push(...place.at, ...place.older);
  for (const child of place.below.values()) collect(child, into);
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
