// bench/RESULTS.md: the recorded figures as tables that can be read and committed. It measures nothing.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatFigure, writeCurve, writeScenario } from "./format.js";
import { machineLine } from "./machine-line.js";
import type { BenchRecord, CurveRecord, ScenarioRecord } from "./record.js";
import type { Figures } from "./scenario.js";
import { spreadOf } from "./verdict.js";

const PATH = fileURLToPath(new URL("RESULTS.md", import.meta.url));

/** Writes the page and says where. */
export function writeResults(record: BenchRecord, path = PATH): string {
  writeFileSync(path, resultsPage(record));
  return path;
}

/** Its text. */
export function resultsPage(record: BenchRecord): string {
  const { machine, commit, curves } = record;
  const scenarios = record.scenarios.filter(({ pairs }) => pairs.length > 0);
  const goals = scenarios.filter(({ goal }) => goal !== undefined);
  const looked = scenarios.filter(({ goal, work }) => goal === undefined && work === undefined);
  const peers = scenarios.filter(({ goal, work }) => goal === undefined && work !== undefined);
  const unfinished = [...record.scenarios, ...curves].filter(({ failure }) => failure !== undefined);
  const sections = [
    `# Results\n\nWritten by \`npm run bench -- --results\`; [README.md](README.md) says what each line measures and by which rules.`,
    `- Machine: ${machineLine(machine)}\n- Commit: ${commit.id}${commit.changes === null ? "" : `, with changes (${commit.changes})`}\n- Measured: ${dates(record)}`,
    goals.length === 0 ? "" : `## Goals\n\n${goalTable(goals)}`,
    looked.length === 0 ? "" : `## Looked at, without a goal\n\n${goalTable(looked)}`,
    peers.length === 0 ? "" : `## Other peers, the same work\n\n${peerTable(peers)}`,
    ...curves.filter(({ points }) => points.length > 0).map(curveSection),
    scenarios.length === 0 ? "" : `## What the servers used\n\n${usageTable(scenarios)}`,
    unfinished.length === 0
      ? ""
      : `## Failed\n\n${unfinished.map(({ id, failure }) => `- ${id}: ${oneLine(failure ?? "")}`).join("\n")}`,
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function dates({ scenarios, curves }: BenchRecord): string {
  const all = [...scenarios.flatMap(({ pairs }) => pairs), ...curves.flatMap(({ points }) => points)];
  const sorted = all.map(({ at }) => at.slice(0, 16).replace("T", " ")).sort();
  return `${sorted[0] ?? "never"} to ${sorted.at(-1) ?? "never"} UTC`;
}

function goalTable(scenarios: readonly ScenarioRecord[]): string {
  const rows = scenarios.map((scenario) => {
    const { id, title, unit } = scenario;
    const { subject, peer, ratio, range, byCpu, wanted, verdict } = writeScenario(scenario);
    const sides = [`${scenario.subject}: ${subject} ${unit}`, `${scenario.peer}: ${peer} ${unit}`];
    return [id, title, ...sides, `**${ratio}** (${range})`, byCpu, wanted, verdict, `\`${scenario.command}\``];
  });
  return markdown(
    ["goal", "what", "subject", "peer", "ratio, median (min-max)", "by CPU", "wanted", "", "command"],
    rows,
  );
}

function peerTable(scenarios: readonly ScenarioRecord[]): string {
  const rows = scenarios.map((scenario) => {
    const { id, unit, work = "", command } = scenario;
    const { subject, peer, ratio, range, byCpu, verdict } = writeScenario(scenario);
    const sides = [scenario.peer, `${subject} ${unit}`, `${peer} ${unit}`];
    return [id, work, ...sides, `**${ratio}** (${range})`, byCpu, verdict, `\`${command}\``];
  });
  return markdown(
    ["", "work", "peer", "tidemark", "the peer", "ratio, median (min-max)", "by CPU", "", "command"],
    rows,
  );
}

function curveSection(curve: CurveRecord): string {
  const { header, rows } = writeCurve(curve);
  const { title, y, command } = curve;
  return `## ${title}\n\n${y.label}, ${y.unit}; \`${command}\`\n\n${markdown(header, rows)}`;
}

function usageTable(scenarios: readonly ScenarioRecord[]): string {
  const rows = scenarios.flatMap(({ id, subject, peer, pairs }) => [
    [id, subject, ...usageOf(pairs.map((pair) => pair.subject))],
    [id, peer, ...usageOf(pairs.map((pair) => pair.peer))],
  ]);
  const isKnown = (row: readonly string[]): boolean => row.slice(2).some((cell) => cell !== "");
  return markdown(["", "server", "cores", "RSS at most, MB", "heap at most, MB", "load's core"], rows.filter(isKnown));
}

/** Medians: cores, memory, and how busy the load was; empty where it is not known. */
function usageOf(runs: readonly Figures[]): string[] {
  const of = (figure: (run: Figures) => number | undefined): string => {
    const values = runs.map(figure).filter((value) => value !== undefined);
    return values.length === 0 ? "" : formatFigure(spreadOf(values).median);
  };
  return [
    of(({ cpuSeconds, wallSeconds }) => (cpuSeconds && wallSeconds ? cpuSeconds / wallSeconds : undefined)),
    of(({ memory }) => memory?.rssMaxMb),
    of(({ memory }) => memory?.heapMaxMb),
    of(({ loadCpu }) => loadCpu),
  ];
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
