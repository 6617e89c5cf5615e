// The names that one run of a dialogue has bound, and what its values become when they are said. It compares nothing:
// that is pattern.ts.
import type { Json, JsonObject } from "@tidemark/protocol";

/** A dialogue that cannot be run as it is written; not a fault of whoever is driven. */
export class DialogueError extends Error {
  override readonly name = "DialogueError";
}

/** What `{"$name": operand}` says, by name; an operand that is a list comes as several. */
export type Sayings = { readonly [name: string]: (...operands: readonly (Json | undefined)[]) => Json };

/** An object with one key that starts with `$`. */
export function operationOf(value: Json): { readonly name: string; readonly operand: Json } | undefined {
  if (!isObject(value)) return undefined;
  const [entry, ...others] = Object.entries(value);
  if (entry === undefined || others.length > 0 || !entry[0].startsWith("$")) return undefined;
  return { name: entry[0], operand: entry[1] };
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const NAME = /^\$([A-Za-z][A-Za-z0-9]*)$/;
const IN_TEXT = /\{([A-Za-z][A-Za-z0-9]*)\}/g;

/** What is bound in one run. */
export class Names {
  readonly #bound = new Map<string, Json>();
  readonly #sayings: Sayings;

  constructor(sayings: Sayings, given: { readonly [name: string]: Json }) {
    this.#sayings = { ...SAYINGS, ...sayings };
    for (const [name, value] of Object.entries(given)) this.bind(name, value);
  }

  get(name: string): Json | undefined {
    return this.#bound.get(name);
  }

  bind(name: string, value: Json): void {
    this.#bound.set(name, value);
  }

  /** The name that a text stands for: `$held` for `held`. */
  static nameIn(text: string): string | undefined {
    return NAME.exec(text)?.[1];
  }

  /** A value as it is said. Throws DialogueError for a name that is not bound. */
  value(written: Json): Json {
    if (typeof written === "string") return this.#text(written);
    if (isList(written)) return written.map((item) => this.value(item));
    if (!isObject(written)) return written;
    const operation = operationOf(written);
    if (operation !== undefined) return this.#operate(operation.name, operation.operand);
    return Object.fromEntries(Object.entries(written).map(([key, item]) => [key, this.value(item)]));
  }

  /** A text with the names in its braces filled in. */
  filled(text: string): string {
    return text.replace(IN_TEXT, (_whole, name: string) => String(this.#required(name)));
  }

  /** The value of an operation that says one, such as `$plus`; undefined for those that only compare. */
  operation(written: Json): Json | undefined {
    const operation = operationOf(written);
    if (operation === undefined || !Object.hasOwn(this.#sayings, operation.name)) return undefined;
    return this.#operate(operation.name, operation.operand);
  }

  #text(written: string): Json {
    const name = Names.nameIn(written);
    return name === undefined ? this.filled(plain(written)) : this.#required(name);
  }

  #operate(name: string, operand: Json): Json {
    const say = Object.hasOwn(this.#sayings, name) ? this.#sayings[name] : undefined;
    if (say === undefined) throw new DialogueError(`${name} is nothing that can be said`);
    return isList(operand) ? say(...operand.map((item) => this.value(item))) : say(this.value(operand));
  }

  #required(name: string): Json {
    const value = this.#bound.get(name);
    if (value === undefined) throw new DialogueError(`the name ${name} is not bound yet`);
    return value;
  }
}

/** A text as it is meant: `$$head` is `$head`. */
export const plain = (text: string): string => (text.startsWith("$$") ? text.slice(1) : text);

/** A number that an operation needs. */
export function numberFor(name: string, value: Json | undefined): number {
  if (typeof value === "number") return value;
  throw new DialogueError(`${name} needs a number, not ${JSON.stringify(value)}`);
}

const SAYINGS: Sayings = {
  $plus: (one, other) => numberFor("$plus", one) + numberFor("$plus", other),
  $repeat: (text, times) => String(text).repeat(numberFor("$repeat", times)),
};
