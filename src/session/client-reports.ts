// What clients say they saw (HEAD-5), added up for the operator. It believes nobody: names are a fixed list, values are
// bounded, and beside each sum stands how many reports it came from, which no single client can inflate.
import type { JsonObject } from "@tidemark/protocol";

/** What is counted since the last report; durations in ms. */
const COUNTED = [
  "connections",
  "liveMs",
  "notLiveMs",
  "firstPayloads",
  "firstPayloadMs",
  "late",
  "absent",
  "healed.behind",
  "healed.ahead",
  "healed.otherHistory",
  "healed.gap",
  "healed.audit",
  "resets.behind",
  "resets.other_history",
  "resets.view_changed",
  "resets.slow_reader",
  "resets.diverged",
  "adopted",
] as const;
/** What is measured: of these the sum means nothing, their spread does. */
const MEASURED = ["rttMs", "firstPayloadMaxMs"] as const;
/** Upper ends of the classes that measured values are counted in, ms; what is above the last is counted apart. */
const CLASSES_MS = [10, 30, 100, 300, 1_000, 3_000, 10_000] as const;
/** More than any honest client has to say in one report. */
const VALUE_MAX = 1e12;

/** One number as many clients saw it. */
export interface Reported {
  /** How many reports named it, with more than zero. */
  readonly reports: number;
  readonly sum: number;
  readonly max: number;
}

/** A measured one: `atMost[300]` were above 100 and at most 300 ms; `Infinity` holds the rest. */
export interface Measured extends Reported {
  readonly atMost: { readonly [ms: string]: number };
}

/** What was reported. Only what was named by somebody is there. */
export interface ReportedByClients {
  readonly reports: number;
  readonly counted: { readonly [name: string]: Reported };
  readonly measured: { readonly [name: string]: Measured };
}

/** The sum of all reports since it was taken last. Its size is fixed, whoever reports what. */
export class ClientReports {
  #counted = new Map<string, Sum>();
  #measured = new Map<string, Spread>();
  #reports = 0;

  /** Adds one report. Unknown names, and values that are no numbers from 0 up, are ignored. */
  add(stats: JsonObject): void {
    this.#reports += 1;
    for (const name of COUNTED) addTo(this.#counted, name, stats, () => new Sum());
    for (const name of MEASURED) addTo(this.#measured, name, stats, () => new Spread());
  }

  /** Everything since the last time, and begins anew. */
  take(): ReportedByClients {
    const taken = {
      reports: this.#reports,
      counted: Object.fromEntries([...this.#counted].map(([name, sum]) => [name, sum.value])),
      measured: Object.fromEntries([...this.#measured].map(([name, spread]) => [name, spread.value])),
    };
    this.#counted = new Map();
    this.#measured = new Map();
    this.#reports = 0;
    return taken;
  }
}

class Sum {
  #reports = 0;
  #sum = 0;
  #max = 0;

  get value(): Reported {
    return { reports: this.#reports, sum: this.#sum, max: this.#max };
  }

  add(value: number): void {
    this.#reports += 1;
    this.#sum = Math.min(this.#sum + value, Number.MAX_SAFE_INTEGER);
    this.#max = Math.max(this.#max, value);
  }
}

class Spread {
  readonly #sum = new Sum();
  readonly #atMost = new Map<number, number>();

  get value(): Measured {
    return { ...this.#sum.value, atMost: Object.fromEntries(this.#atMost) };
  }

  add(value: number): void {
    this.#sum.add(value);
    const ms = CLASSES_MS.find((end) => value <= end) ?? Number.POSITIVE_INFINITY;
    this.#atMost.set(ms, (this.#atMost.get(ms) ?? 0) + 1);
  }
}

function addTo<S extends { add(value: number): void }>(
  sums: Map<string, S>,
  name: string,
  stats: JsonObject,
  make: () => S,
): void {
  const value = Object.hasOwn(stats, name) ? stats[name] : undefined;
  if (typeof value !== "number" || !(value > 0)) return;
  const sum = sums.get(name) ?? make();
  sums.set(name, sum);
  sum.add(Math.min(value, VALUE_MAX));
}
