// The one error of the author side: a definition that cannot work, met at start-up and never later.

const brand = Symbol.for("tidemark.definitionError");

/**
 * A definition cannot work. `property` names the offending one, e.g. `messages.add` or `state.cards.*.text`.
 * `instanceof` holds for errors of any copy of this package: an application may have loaded another than its server.
 */
export class DefinitionError extends Error {
  readonly [brand] = true;
  readonly property: string;

  constructor(property: string, message: string, options?: ErrorOptions) {
    super(`\`${property}\` ${message}`, options);
    this.name = "DefinitionError";
    this.property = property;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** The kind of a value, for messages: never the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

/** The value as a record; throws `DefinitionError` naming `property` when it is none. */
export function requireRecord(property: string, value: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw new DefinitionError(property, `must be an object, but is ${kindOf(value)}.`);
  return value;
}

/** Whether a value is an object whose properties are what counts: no array, Map, promise or the like. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Object]";
}
