// Compares what came with what a dialogue expects: literals, placeholders, names that are bound at first sight. Objects
// match by the keys that are given (FRAME-9). Names are bound only by a match of the whole.
import { type Json, jsonEquals } from "@tidemark/protocol";
import { DialogueError, isObject, Names, operationOf, plain } from "./names.js";

/** Where the first difference is: `path` is like `[1].code`. */
export interface Difference {
  readonly path: string;
  readonly expected: string;
  readonly came: string;
}

/** Compares and, when all of it matches, binds the names that were met. */
export function match(pattern: Json, value: Json, names: Names): Difference | undefined {
  const found = new Map<string, Json>();
  const difference = new Comparison(names, found).compare(pattern, value, "");
  if (difference === undefined) for (const [name, bound] of found) names.bind(name, bound);
  return difference;
}

/** A value in one line, cut when it is long. */
export function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}... (${text.length} characters)` : text;
}

const SHOWN_MAX = 600;

const PLACEHOLDERS: { readonly [text: string]: (value: Json) => boolean } = {
  $any: () => true,
  $integer: (value) => Number.isSafeInteger(value),
  $text: (value) => typeof value === "string",
  $list: (value) => Array.isArray(value),
};
const ABSENT = "$absent";
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

class Comparison {
  readonly #names: Names;
  readonly #found: Map<string, Json>;

  constructor(names: Names, found: Map<string, Json>) {
    this.#names = names;
    this.#found = found;
  }

  compare(pattern: Json, value: Json, path: string): Difference | undefined {
    if (typeof pattern === "string") return this.#text(pattern, value, path);
    if (isList(pattern)) return this.#list(pattern, value, path);
    if (!isObject(pattern)) return pattern === value ? undefined : differs(path, shown(pattern), value);
    const operation = operationOf(pattern);
    if (operation === undefined) return this.#object(pattern, value, path);
    return this.#operation(pattern, { ...operation, value, path });
  }

  #text(pattern: string, value: Json, path: string): Difference | undefined {
    const placeholder = PLACEHOLDERS[pattern];
    if (placeholder !== undefined) return placeholder(value) ? undefined : differs(path, pattern, value);
    const name = Names.nameIn(pattern);
    if (name === undefined) {
      const text = this.#names.filled(plain(pattern));
      return text === value ? undefined : differs(path, shown(text), value);
    }
    const known = this.#found.get(name) ?? this.#names.get(name);
    if (known === undefined) {
      this.#found.set(name, value);
      return undefined;
    }
    return jsonEquals(known, value) ? undefined : differs(path, `${shown(known)} (${pattern})`, value);
  }

  #list(pattern: readonly Json[], value: Json, path: string): Difference | undefined {
    if (!isList(value)) return differs(path, shown(pattern), value);
    for (const [index, item] of pattern.entries()) {
      const there = value[index];
      if (there === undefined) return differs(path, `${pattern.length} items, the next ${shown(item)}`, value);
      const difference = this.compare(item, there, `${path}[${index}]`);
      if (difference !== undefined) return difference;
    }
    // A message may carry more at its end than was asked about; a list of values may not.
    const more = value.length > pattern.length && path !== "";
    return more ? differs(path, `${pattern.length} items: ${shown(pattern)}`, value) : undefined;
  }

  #object(pattern: { readonly [key: string]: Json }, value: Json, path: string): Difference | undefined {
    if (!isObject(value)) return differs(path, shown(pattern), value);
    for (const [written, item] of Object.entries(pattern)) {
      const key = this.#names.filled(written);
      const there = Object.hasOwn(value, key) ? value[key] : undefined;
      if (item === ABSENT) {
        if (there !== undefined) return differs(`${path}.${key}`, "nothing", there);
        continue;
      }
      const difference =
        there === undefined ? missing(`${path}.${key}`, item) : this.compare(item, there, `${path}.${key}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  #operation(
    pattern: Json,
    { name, operand, value, path }: { name: string; operand: Json; value: Json; path: string },
  ): Difference | undefined {
    const said = this.#names.operation(pattern);
    if (said !== undefined) return jsonEquals(said, value) ? undefined : differs(path, shown(said), value);
    switch (name) {
      case "$exactly":
        return this.#exactly(operand, value, path);
      case "$not":
        return this.compare(operand, value, path) === undefined ? differs(path, shown(pattern), value) : undefined;
      case "$atLeast": {
        const least = this.#names.value(operand);
        const fits = typeof value === "number" && typeof least === "number" && value >= least;
        return fits ? undefined : differs(path, `at least ${shown(least)}`, value);
      }
      case "$between": {
        const bounds = this.#names.value(operand);
        const [from, to] = isList(bounds) ? bounds : [];
        const numbers = typeof value === "number" && typeof from === "number" && typeof to === "number";
        return numbers && value >= from && value <= to ? undefined : differs(path, `from ${from} to ${to}`, value);
      }
      default:
        throw new DialogueError(`${name} is nothing that can be compared with`);
    }
  }

  /** No keys and items but the ones given. */
  #exactly(pattern: Json, value: Json, path: string): Difference | undefined {
    const expected = this.#names.value(pattern);
    return jsonEquals(expected, value) ? undefined : differs(path, shown(expected), value);
  }
}

const missing = (path: string, item: Json): Difference => ({ path, expected: shown(item), came: "nothing" });

const differs = (path: string, expected: string, value: Json): Difference => ({ path, expected, came: shown(value) });
