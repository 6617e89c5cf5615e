// What a campaign came to, as text for a person.
import { FAULT_NAMES } from "../faults/fault.js";
import type { Totals } from "./totals.js";

const HOUR_MS = 3_600_000;
const COLUMNS = 4;

const number = (value: number): string => value.toLocaleString("en-US");

/** Several lines. */
export function summaryOf(totals: Totals): string {
  const { seeds, spentMs, slowest, virtualMs, events, rows, streamed, adopted, healed, resets, failures } = totals;
  const each = spentMs / Math.max(1, seeds);
  const kinds = Object.entries(healed).map(([kind, count]) => `${kind} ${number(count)}`);
  const reasons = Object.entries(resets).map(([reason, count]) => `${reason} ${number(count)}`);
  const all = Object.values(healed).reduce((sum, count) => sum + count, 0);
  return [
    `${number(seeds)} ${seeds === 1 ? "seed" : "seeds"}, ${failures.length === 0 ? "clean" : `${number(failures.length)} failed`}`,
    `${(virtualMs / HOUR_MS).toFixed(1)} simulated hours, ${number(events)} events, ${number(rows)} transactions`,
    `${number(streamed.replay)} resumes by replay, ${number(streamed.snapshot)} by snapshot; ${number(adopted)} calls of pages that were gone adopted`,
    `${number(streamed.marked)} streams marked slow; ${number(streamed.inParts)} snapshots in ${number(streamed.parts)} parts; ${number(streamed.merged)} merged deltas`,
    `${number(all)} divergences healed: ${kinds.join(", ")}`,
    `resets: ${reasons.join(", ")}`,
    `${each.toFixed(1)} ms of a processor for each, ${(1_000 / Math.max(1e-9, each)).toFixed(0)} a second; at most ${slowest.ms.toFixed(0)} (seed ${slowest.seed})`,
    "faults that happened:",
    ...columns(
      FAULT_NAMES.filter((name) => seeds > 1 || totals.faults[name] > 0).map(
        (name) => `${name} ${number(totals.faults[name])}`,
      ),
    ),
  ].join("\n");
}

function columns(cells: readonly string[]): readonly string[] {
  const width = Math.max(...cells.map(({ length }) => length)) + 2;
  const rows: string[] = [];
  for (let first = 0; first < cells.length; first += COLUMNS) {
    const row = cells.slice(first, first + COLUMNS);
    rows.push(`  ${row.map((cell) => cell.padEnd(width)).join("")}`.trimEnd());
  }
  return rows;
}
