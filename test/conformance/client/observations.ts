// What a client showed, and what of it a dialogue has asked about. What a client shows of one document or call is in
// order; statuses may come and go in between, so that only the one that is waited for counts.
import type { Json, JsonObject } from "@tidemark/protocol";
import { Failure, unlike } from "../dialogue/failure.js";
import { isObject, type Names } from "../dialogue/names.js";
import { match, shown } from "../dialogue/pattern.js";
import type { Adapter } from "./adapter-process.js";

/** Kinds of which those nobody waits for do not count. */
const PASSING: readonly (Json | undefined)[] = ["status", "document"];
/** Kinds of which nothing may be left: an answer or an event too many is a fault. */
const COUNTED: readonly (Json | undefined)[] = ["answer", "event", "gap", "signal", "presence"];

/** The observations of one run. */
export class Observations {
  readonly #adapter: Adapter;
  readonly #names: Names;
  readonly #used = new Set<number>();

  constructor(adapter: Adapter, names: Names) {
    this.#adapter = adapter;
    this.#names = names;
  }

  /** The place of the observation that fits, when it has come. Throws Failure for another in its stead. */
  find(pattern: Json): number | undefined {
    this.noErrors();
    const track = this.#trackOf(pattern);
    for (const [index, seen] of this.#adapter.seen.entries()) {
      if (this.#used.has(index) || !isOf(seen, track)) continue;
      const difference = match(pattern, seen, this.#names);
      if (difference !== undefined && !PASSING.includes(track["saw"])) throw unlike(pattern, seen, difference);
      this.#used.add(index);
      if (difference === undefined) return index;
    }
    return undefined;
  }

  /** Throws Failure when something was shown that no step asked about. */
  nothingLeft(): void {
    this.noErrors();
    for (const [index, seen] of this.#adapter.seen.entries()) {
      if (this.#used.has(index) || !COUNTED.includes(seen["saw"])) continue;
      throw new Failure({ expected: "nothing more to be observed", came: shown(seen) });
    }
  }

  /** Throws Failure when the adapter said that something went wrong. */
  noErrors(): void {
    const error = this.#adapter.seen.find(({ saw }) => saw === "error");
    if (error === undefined) return;
    throw new Failure({ expected: "an adapter without errors", came: String(error["message"]) });
  }

  #trackOf(pattern: Json): JsonObject {
    const { saw, doc, call }: JsonObject = isObject(pattern) ? pattern : {};
    const track = { ...(saw === undefined ? {} : { saw }), ...(doc === undefined ? {} : { doc }) };
    const value = this.#names.value(call === undefined ? track : { ...track, call });
    return isObject(value) ? value : {};
  }
}

const isOf = (seen: JsonObject, track: JsonObject): boolean =>
  Object.entries(track).every(([key, value]) => seen[key] === value);
