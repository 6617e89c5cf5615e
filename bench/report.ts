// What a benchmark prints: a line for each run while it goes, and one table at the end. It computes nothing.
import { cpus } from "node:os";
import type { Verdict } from "./measure.js";
import { otherWorkShare, pinningNote } from "./pinning.js";
import type { Figures, Scenario, Side } from "./scenario.js";

/** A number with three or four significant digits and thousands separators. */
export function formatFigure(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** One run, as it ends. */
export function progressLine(scenario: Scenario, side: Side, pair: number, figures: Figures): string {
  const { ackP50Ms, ackP99Ms, deliveryP50Ms, deliveryP99Ms, serverCores, serverRssMb } = figures.details;
  const { serverRssGrownMb, wakeSeconds, stoppedResets } = figures.details;
  const parts = [`${formatFigure(figures.value)} ${scenario.unit}`];
  if (ackP50Ms !== undefined && ackP50Ms >= 0) parts.push(`ack p50 ${ackP50Ms} p99 ${ackP99Ms} ms`);
  if (deliveryP50Ms !== undefined && deliveryP50Ms >= 0)
    parts.push(`delivery p50 ${deliveryP50Ms} p99 ${deliveryP99Ms} ms`);
  if (serverCores !== undefined) parts.push(`server ${serverCores.toFixed(2)} cores`);
  if (figures.loadCpu !== undefined) parts.push(`load ${figures.loadCpu.toFixed(2)}`);
  if (serverRssMb) parts.push(`${formatFigure(serverRssMb)} MB`);
  if (stoppedResets) {
    parts.push(`grown by ${formatFigure(serverRssGrownMb ?? 0)} MB`);
    parts.push(`woken in ${formatFigure(wakeSeconds ?? 0)} s by ${stoppedResets} resets`);
  }
  const line = `${scenario.id.padEnd(8)} pair ${pair + 1}  ${side.name.padEnd(13)} ${parts.join(", ")}`;
  return figures.note === undefined ? line : `${line}\n${" ".repeat(17)}${figures.note}`;
}

/** The machine and the pinning, without which no figure means anything. */
export async function machineLine(): Promise<string> {
  const [first] = cpus();
  const others = await otherWorkShare();
  const busy = others > 0.05 ? `; OTHER PROGRAMS USE ${Math.round(others * 100)}% of the machine: expect spread` : "";
  return `Node ${process.version}, ${cpus().length} x ${first?.model ?? "unknown processor"}; ${pinningNote()}${busy}`;
}

/** The verdicts as a table. */
export function table(verdicts: readonly Verdict[]): string {
  const header = ["goal", "subject", "peer", "unit", "ratio", "(min-max)", "by CPU", "wanted", ""];
  const rows = verdicts.map((v) => [
    v.scenario.id,
    `${v.scenario.subject.name} ${formatFigure(v.subject)}`,
    `${v.scenario.peer.name} ${formatFigure(v.peer)}`,
    v.scenario.unit,
    formatFigure(v.ratio),
    `(${formatFigure(v.ratioMin)}-${formatFigure(v.ratioMax)})`,
    v.ratioByCpu === undefined ? "" : formatFigure(v.ratioByCpu),
    "atLeast" in v.scenario.goal ? `>= ${v.scenario.goal.atLeast}` : `<= ${v.scenario.goal.atMost}`,
    `${v.met ? "met" : "NOT MET"}${v.loadSaturated ? " (load saturated)" : ""}`,
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  const titles = verdicts.map((v) => `${v.scenario.id}: ${v.scenario.title}`);
  return [line(header), ...rows.map(line), "", ...titles].join("\n");
}
