// What `npm run bench` is asked for on its command line. It reads and checks; it runs nothing.
import { parseArgs } from "node:util";
import type { Measurable, RunLength } from "./scenario.js";
import { chosen, everything, GUARDED, list } from "./suites.js";

const DEFAULTS = { pairs: "3", seconds: "4", "warm-up": "2" } as const;
/** The guard's, so that it is over in three minutes. */
const GUARD_DEFAULTS = { pairs: "3", seconds: "3", "warm-up": "1" } as const;

/** What to do. */
export interface Options {
  readonly help: boolean;
  /** Measure these, in this order; none when a file of before is only looked at. */
  readonly measured: readonly Measurable[];
  readonly pairs: number;
  readonly length: RunLength;
  readonly resume: boolean;
  /** Undefined: named by the commit. */
  readonly json: string | undefined;
  readonly results: boolean;
  readonly report: boolean;
  readonly guard: "compare" | "record" | undefined;
}

/** Reads it. Throws with what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      pairs: { type: "string" },
      seconds: { type: "string" },
      "warm-up": { type: "string" },
      json: { type: "string" },
      resume: { type: "boolean", default: false },
      results: { type: "boolean", default: false },
      report: { type: "boolean", default: false },
      guard: { type: "boolean", default: false },
      record: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { json, resume, results, report, guard, record, help } = values;
  if (record && !guard) throw new Error("--record goes with --guard: it writes what the guard compares with");
  if (guard && (positionals.length > 0 || resume || results || report)) {
    throw new Error("--guard measures what it always measures: leave out names, --resume, --results and --report");
  }
  const defaults = guard ? GUARD_DEFAULTS : DEFAULTS;
  const isOnlyLookedAt = (results || report) && positionals.length === 0;
  return {
    help,
    measured: guard ? GUARDED : isOnlyLookedAt ? [] : positionals.length === 0 ? everything() : chosen(positionals),
    pairs: numberOf("pairs", values.pairs ?? defaults.pairs, { least: 1, isWhole: true }),
    length: {
      seconds: numberOf("seconds", values.seconds ?? defaults.seconds, { least: 0.1 }),
      warmUpSeconds: numberOf("warm-up", values["warm-up"] ?? defaults["warm-up"], { least: 0 }),
    },
    ...{ resume, json, results, report },
    guard: guard ? (record ? "record" : "compare") : undefined,
  };
}

function numberOf(
  name: string,
  text: string,
  { least, isWhole = false }: { least: number; isWhole?: boolean },
): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value < Number.POSITIVE_INFINITY && (!isWhole || Number.isInteger(value)))
    return value;
  throw new Error(`--${name} takes a ${isWhole ? "whole " : ""}number of at least ${least}, not "${text}"`);
}

/** The command that measures one scenario like this. */
export function commandOf(id: string, { pairs, length }: Pick<Options, "pairs" | "length">): string {
  const given = { pairs, seconds: length.seconds, "warm-up": length.warmUpSeconds };
  const names = ["pairs", "seconds", "warm-up"] as const;
  const odd = names.filter((name) => String(given[name]) !== DEFAULTS[name]);
  return ["npm run bench --", id, ...odd.map((name) => `--${name} ${given[name]}`)].join(" ");
}

/** The text of `--help`. */
export function help(): string {
  return `Usage: npm run bench -- [names] [options]

Measures the named suites, goals or parts of goals beside their peers; without names, all of them, which takes hours.

${list()}

Options
  --pairs N      runs of each side, interleaved (default ${DEFAULTS.pairs})
  --seconds N    length of each measured window (default ${DEFAULTS.seconds})
  --warm-up N    seconds before it (default ${DEFAULTS["warm-up"]})
  --json FILE    where each pair's figures go as it ends (default bench/results/COMMIT.json)
  --resume       measure only the pairs that this file does not have yet
  --results      write bench/RESULTS.md from the file; without names, from the newest there is, measuring nothing
  --report       the same as a page with charts, beside the file
  --guard        measure four decisive ratios in under three minutes and compare them with those in bench/guard.json;
                 --guard --record writes that file
  --help

Exits 1 when a load saw a gap, a difference, a refusal or a server that would not start, or when a guarded ratio is
clearly worse; a goal that is not met is printed, not an exit code.`;
}
