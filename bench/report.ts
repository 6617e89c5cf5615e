// The tables that a benchmark ends with. It computes nothing but column widths.
import { writeCurve, writeScenario } from "./format.js";
import type { CurveRecord, ScenarioRecord } from "./record.js";

/** Those scenarios that have at least one pair. */
export function scenarioTable(scenarios: readonly ScenarioRecord[]): string {
  const header = ["goal", "subject", "peer", "unit", "ratio", "(min-max)", "by CPU", "wanted", ""];
  const measured = scenarios.filter(({ pairs }) => pairs.length > 0);
  const rows = measured.map((scenario) => {
    const { subject, peer, ratio, range, byCpu, wanted, verdict } = writeScenario(scenario);
    const sides = [`${scenario.subject} ${subject}`, `${scenario.peer} ${peer}`];
    const word = `${verdict}${scenario.failure === undefined ? "" : " FAILED"}`;
    return [scenario.id, ...sides, scenario.unit, ratio, `(${range})`, byCpu, wanted, word];
  });
  const titles = measured.map(({ id, title }) => `${id}: ${title}`);
  return rows.length === 0 ? "" : [aligned([header, ...rows]), "", ...titles].join("\n");
}

/** One curve: a row for each x, a column for each series. */
export function curveTable(curve: CurveRecord): string {
  const { header, rows } = writeCurve(curve);
  const dashed = rows.map((row) => row.map((cell) => (cell === "" ? "-" : cell)));
  return [`${curve.id}: ${curve.title} (${curve.y.label}, ${curve.y.unit})`, aligned([header, ...dashed])].join("\n");
}

function aligned(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map(({ length }) => length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}
