// Reads query parameters and headers strictly: what is not known, twice there or no number is refused by name, so that a
// misspelt parameter is never taken for an absent one.
import { type Json, LIMITS, TidemarkError } from "@tidemark/protocol";
import { jsonValue } from "./json-body.js";

/** The least and the most that a number may be. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Any whole number. */
export const WHOLE: Bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** Parameters that a request may have. */
export class Parameters {
  readonly #given: ReadonlyMap<string, string>;

  /** Throws TidemarkError `invalid_input`. */
  constructor(query: unknown, known: readonly string[]) {
    this.#given = new Map(
      Object.entries(query ?? {}).map(([name, value]) => {
        if (!known.includes(name)) throw invalid("query", `no parameter but ${known.join(", ")}`);
        if (typeof value !== "string") throw invalid(name, "one value");
        return [name, value];
      }),
    );
  }

  /** Its text; undefined when absent. */
  text(name: string): string | undefined {
    return this.#given.get(name);
  }

  /** Its value, written as JSON; undefined when absent. Throws TidemarkError for what is not JSON. */
  json(name: string): Json | undefined {
    const text = this.#given.get(name);
    return text === undefined ? undefined : jsonValue(Buffer.from(text), LIMITS.targetLengthMax, `parameter ${name}`);
  }

  /** A whole number within bounds, both included; undefined when absent. Throws TidemarkError `invalid_input`. */
  whole(name: string, bounds: Bounds): number | undefined {
    return wholeNumber(name, this.#given.get(name), bounds);
  }
}

/** Whether a query has a parameter of that name. */
export const isGiven = (query: unknown, name: string): boolean => Object.hasOwn(query ?? {}, name);

/** For a route without parameters. Throws TidemarkError `invalid_input`. */
export function refuseParameters(query: unknown): void {
  if (Object.keys(query ?? {}).length > 0) throw invalid("query", "no parameters");
}

/** A whole number in text. Throws TidemarkError `invalid_input`. */
export function wholeNumber(path: string, text: string | undefined, { min, max }: Bounds): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw invalid(path, `a whole number from ${min} to ${max}`);
  return value;
}

/** A refusal that names what is wrong and never repeats what was sent. */
export const invalid = (path: string, expected: string): TidemarkError =>
  new TidemarkError("invalid_input", { data: [{ path, expected, received: "something else" }] });
