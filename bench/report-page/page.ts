// What runs in the report: it reads the record that is in the page and puts charts and words beside each other.
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { writeScenario } from "../format.js";
import { machineLine } from "../machine-line.js";
import type { BenchRecord, CurveRecord, ScenarioRecord } from "../record.js";
import { judge } from "../verdict.js";
import { type ChartOption, comparisonChart, curveChart, overviewChart, peersChart } from "./charts.js";

use([
  BarChart,
  LineChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  SVGRenderer,
]);

function element(
  name: string,
  { text, className }: { readonly text?: string; readonly className?: string } = {},
): HTMLElement {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
}

function draw(into: HTMLElement, option: ChartOption, heightPx: number): void {
  const holder = element("div", { className: "chart" });
  holder.style.height = `${heightPx}px`;
  into.append(holder);
  const chart = init(holder, undefined, { renderer: "svg" });
  chart.setOption(option);
  new ResizeObserver(() => chart.resize()).observe(holder);
}

function section(title: string, about: string): HTMLElement {
  const made = element("section");
  made.append(element("h2", { text: title }), element("p", { text: about }));
  document.querySelector("main")?.append(made);
  return made;
}

function card(into: HTMLElement, heading: string, about: string): HTMLElement {
  const made = element("article");
  made.append(element("h3", { text: heading }), element("p", { text: about }));
  into.append(made);
  return made;
}

function showHeader({ machine, commit }: BenchRecord, scenarios: readonly ScenarioRecord[]): void {
  const goals = scenarios.filter(({ goal }) => goal !== undefined);
  const met = goals.filter(({ goal, pairs }) => judge(goal, pairs).met).length;
  const changed = commit.changes === null ? "" : " with changes";
  const facts = [`commit ${commit.id}${changed}`, machineLine(machine)];
  if (goals.length > 0) facts.unshift(`${met} of ${goals.length} goals met`);
  const header = document.querySelector("header");
  header?.append(element("h1", { text: "Tidemark, measured beside its peers" }));
  header?.append(...facts.map((text) => element("p", { text })));
}

const ROW_PX = 26;
const BAR_PX = 36;
const AXES_PX = 92;

function showGoals(goals: readonly ScenarioRecord[]): void {
  const overview = section(
    "All goals",
    "Each goal is a ratio of two things that ran by turns. The bar begins at the goal and ends at the median pair; each dot is one pair.",
  );
  draw(overview, overviewChart(goals), goals.length * ROW_PX + AXES_PX);
  const each = section(
    "Goal by goal",
    "The bar is the median, each dot one run; the dashed line is where the goal is met.",
  );
  const grid = element("div", { className: "grid" });
  each.append(grid);
  for (const goal of goals) showComparison(grid, goal);
}

function showComparison(into: HTMLElement, scenario: ScenarioRecord): void {
  const { ratio, range, wanted, verdict } = writeScenario(scenario);
  const made = card(into, scenario.id, scenario.title);
  const line = element("p", { text: `ratio ${ratio} (${range}), wanted ${wanted}: ` });
  const { met } = judge(scenario.goal, scenario.pairs);
  line.append(element("strong", { text: verdict, className: met ? "met" : "not-met" }));
  made.append(line);
  draw(made, comparisonChart(scenario), 2 * BAR_PX + AXES_PX);
}

/** What has no goal: a card for each work, or for each scenario. */
function showWorks(all: HTMLElement, scenarios: readonly ScenarioRecord[]): void {
  const grid = element("div", { className: "grid" });
  all.append(grid);
  const works = new Set(scenarios.map(({ work, title }) => work ?? title));
  for (const work of works) {
    const same = scenarios.filter((one) => (one.work ?? one.title) === work);
    draw(card(grid, work, same[0]?.unit ?? ""), peersChart(same), (same.length + 1) * BAR_PX + AXES_PX);
  }
}

const CURVE_PX = 380;

function showCurves(curves: readonly CurveRecord[]): void {
  const all = section("Curves", "A line goes through the medians, each dot is one run.");
  const grid = element("div", { className: "grid" });
  all.append(grid);
  for (const curve of curves) draw(card(grid, curve.id, curve.title), curveChart(curve), CURVE_PX);
}

function showTable(scenarios: readonly ScenarioRecord[]): void {
  const all = section("As a table", "Medians; how each line was measured is in its command.");
  const table = element("table");
  const row = (cells: readonly string[], kind: "th" | "td"): HTMLElement => {
    const made = element("tr");
    made.append(...cells.map((text) => element(kind, { text })));
    return made;
  };
  table.append(row(["goal", "subject", "peer", "unit", "ratio (min-max)", "by CPU", "wanted", "", "command"], "th"));
  for (const scenario of scenarios) {
    const { subject, peer, ratio, range, byCpu, wanted, verdict } = writeScenario(scenario);
    const sides = [`${scenario.subject} ${subject}`, `${scenario.peer} ${peer}`, scenario.unit];
    table.append(row([scenario.id, ...sides, `${ratio} (${range})`, byCpu, wanted, verdict, scenario.command], "td"));
  }
  all.append(table);
}

const record: BenchRecord = JSON.parse(document.querySelector("#record")?.textContent ?? "{}");
const scenarios = record.scenarios.filter(({ pairs }) => pairs.length > 0);
const goals = scenarios.filter(({ goal }) => goal !== undefined);
const looked = scenarios.filter(({ goal, work }) => goal === undefined && work === undefined);
const peers = scenarios.filter(({ goal, work }) => goal === undefined && work !== undefined);
const curves = record.curves.filter(({ points }) => points.some(({ figures }) => figures !== null));
showHeader(record, scenarios);
if (goals.length > 0) showGoals(goals);
if (looked.length > 0)
  showWorks(section("Looked at, without a goal", "The bar is the median, each dot one run."), looked);
if (peers.length > 0)
  showWorks(
    section(
      "Other peers, the same work",
      "Each peer ran by turns with Tidemark; the bar is the median, each dot one run.",
    ),
    peers,
  );
if (curves.length > 0) showCurves(curves);
if (scenarios.length > 0) showTable(scenarios);
