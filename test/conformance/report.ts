// What a person or a program reads of a run: a line for each dialogue and codec, and after a failure what it takes to see why.
import type { Outcome } from "./dialogue/outcome.js";

/** How many there were of each kind. */
export type Tally = { readonly [Kind in Outcome["kind"]]: number };

const WORDS: { readonly [Kind in Outcome["kind"]]: string } = {
  held: "ok     ",
  skipped: "skipped",
  failed: "FAILED ",
};

/** The lines of one run. */
export function lines(
  run: { readonly name: string; readonly codec: string; readonly rules: readonly string[] },
  outcome: Outcome,
): string {
  const title = `${WORDS[outcome.kind]} ${run.codec.padEnd(7)} ${run.name}`;
  if (outcome.kind === "held") return title;
  if (outcome.kind === "skipped") return `${title}: ${outcome.reason}`;
  const { step, written, rule, expected, came, transcript } = outcome;
  return [
    title,
    `          step ${step}: ${written}`,
    `          expected ${expected}`,
    `          came     ${came}`,
    `          ${rule === undefined ? `about ${run.rules.join(", ")}` : `breaks ${rule}`} of protocol/SPEC.md`,
    ...transcript.map((line) => `            ${line}`),
  ].join("\n");
}

/** The same as a line of JSON, for programs. */
export function outcomeLine(
  run: { readonly name: string; readonly file: string; readonly codec: string; readonly rules: readonly string[] },
  outcome: Outcome,
): string {
  const { name, file, codec, rules } = run;
  const { kind, ...details } = outcome;
  return JSON.stringify({ name, file, codec, rules, outcome: kind, ...details });
}

/** The last line of JSON. */
export function countsLine({ held, skipped, failed }: Tally): string {
  return JSON.stringify({ held, skipped, failed });
}

/** The last line. */
export function summary({ held, skipped, failed }: Tally): string {
  const left = skipped === 0 ? "" : `, ${skipped} skipped`;
  return failed === 0 ? `${held} held${left}` : `${failed} FAILED, ${held} held${left}`;
}
