// The charts of the report: recorded figures as options of the chart library. It draws nothing itself and reads no file.
import type { BarSeriesOption, LineSeriesOption, ScatterSeriesOption } from "echarts/charts";
import type { GridComponentOption, LegendComponentOption, TooltipComponentOption } from "echarts/components";
import type { ComposeOption } from "echarts/core";
import { formatFigure, writeScenario } from "../format.js";
import type { CurveRecord, ScenarioRecord } from "../record.js";
import type { Figures, Goal } from "../scenario.js";
import { judge, spreadOf } from "../verdict.js";

/** What a chart is made of. */
export type ChartOption = ComposeOption<
  | BarSeriesOption
  | LineSeriesOption
  | ScatterSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | TooltipComponentOption
>;

const INK = "#1d2733";
const FAINT = "#c9d1da";
const MET = "#1f7a4d";
const NOT_MET = "#c2410c";
const SUBJECT = "#1d5fa8";
const PEER = "#8a94a0";
const RUN = "#0b1f33";
const LINES = ["#1d5fa8", "#c2410c", "#1f7a4d", "#7b3fa0", "#8a6d00", "#5b6672", "#b0256b"] as const;
/** Figures further apart than this need a logarithm to be seen together. */
const LINEAR_SPAN = 25;
/** Less than this is clearer without one. */
const LOG_SPAN = 8;
const TEXT = { color: INK, fontSize: 13, fontFamily: "system-ui, sans-serif" } as const;

const FRAME = { animation: false, textStyle: TEXT } as const;

/** A short number for an axis: 1.5M, 20k, 0.25. */
export function shortFigure(value: number): string {
  const steps = [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const;
  const step = steps.find(([size]) => Math.abs(value) >= size);
  if (step === undefined) return String(Number(value.toPrecision(3)));
  return `${Number((value / step[0]).toPrecision(3))}${step[1]}`;
}

function axisOf(name: string, scale: "log" | "linear") {
  return {
    type: scale === "log" ? ("log" as const) : ("value" as const),
    name,
    nameLocation: "middle" as const,
    nameGap: 30,
    nameTextStyle: TEXT,
    axisLabel: { ...TEXT, formatter: shortFigure, hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: FAINT } },
    splitLine: { lineStyle: { color: "#e6eaee" } },
  };
}

function rowsOf(names: readonly string[], width: number) {
  return {
    type: "category" as const,
    data: [...names],
    inverse: true,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: FAINT } },
    axisLabel: { ...TEXT, width, overflow: "break" as const, interval: 0 },
  };
}

/** How far past its goal a ratio is: above 1 it is met, whichever way the goal points. */
function pastGoal(goal: Goal, ratio: number): number {
  return "atLeast" in goal ? ratio / goal.atLeast : goal.atMost / ratio;
}

/** All goals on one axis: each pair as a dot, the median as a bar from the goal. */
export function overviewChart(scenarios: readonly ScenarioRecord[]): ChartOption {
  const rows = scenarios.flatMap((scenario) => {
    const { id, goal, pairs } = scenario;
    if (goal === undefined) return [];
    const written = writeScenario(scenario);
    const { ratio, met } = judge(goal, pairs);
    const runs = pairs.map(({ subject, peer }) => pastGoal(goal, subject.value / peer.value));
    const label = `${written.ratio}, wanted ${written.wanted}`;
    return [{ id, label, runs, median: pastGoal(goal, ratio.median), color: met ? MET : NOT_MET }];
  });
  const dots = rows.flatMap(({ id, runs }) => runs.map((run) => [run, id] as [number, string]));
  const furthest = Math.max(2, ...rows.flatMap(({ runs }) => runs.map((run) => Math.max(run, 1 / run))));
  const bound = 2 ** Math.ceil(Math.log2(furthest));
  return {
    ...FRAME,
    grid: { left: 130, right: 190, top: 8, bottom: 52 },
    tooltip: tooltipIn(""),
    xAxis: {
      ...axisOf("how far past its goal (1: just met, 2: twice as good as wanted)", "log"),
      ...{ logBase: 2, min: 1 / bound, max: bound, startValue: 1 },
    },
    yAxis: rowsOf(
      rows.map(({ id }) => id),
      120,
    ),
    series: [
      {
        type: "bar",
        name: "median of the pairs",
        barWidth: 12,
        data: rows.map(({ median, color }) => ({ value: median, itemStyle: { color } })),
      },
      { type: "scatter", name: "a pair", symbolSize: 8, itemStyle: { color: RUN }, data: dots },
      // Beside the chart, so that no bar and no dot is under a text.
      words(rows.map(({ id, label, color }) => ({ at: bound, row: id, text: label, color }))),
    ],
  };
}

/** Texts to the right of points. */
function words(
  texts: readonly { readonly at: number; readonly row: string; readonly text: string; readonly color?: string }[],
): ScatterSeriesOption {
  return {
    type: "scatter",
    silent: true,
    symbolSize: 0,
    itemStyle: { opacity: 1 },
    data: texts.map(({ at, row, text, color = INK }) => ({
      value: [at, row] as [number, string],
      label: { show: true, position: "right" as const, formatter: text, color, fontSize: 13, distance: 10 },
    })),
  };
}

function tooltipIn(unit: string): TooltipComponentOption {
  const valueFormatter = (value: unknown): string =>
    typeof value === "number" ? `${formatFigure(value)} ${unit}`.trimEnd() : String(value);
  return { trigger: "item", valueFormatter };
}

interface Row {
  readonly name: string;
  readonly runs: readonly Figures[];
  readonly color: string;
  /** Behind the figure. */
  readonly note?: string;
}

/** A bar for each row, a dot for each run, and a line at what is wanted. */
function barChart(
  rows: readonly Row[],
  { unit, wanted }: { readonly unit: string; readonly wanted?: number },
): ChartOption {
  const values = rows.map(({ name, runs }) => ({ name, runs: runs.map(({ value }) => value) }));
  const medians = values.map(({ runs }) => spreadOf(runs).median);
  const all = [...values.flatMap(({ runs }) => runs), ...(wanted === undefined ? [] : [wanted])];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const isLog = most / least > LINEAR_SPAN;
  return {
    ...FRAME,
    grid: {
      left: 150,
      right: rows.some(({ note = "" }) => note !== "") ? 170 : 72,
      top: wanted === undefined ? 8 : 24,
      bottom: 50,
    },
    tooltip: tooltipIn(unit),
    xAxis: {
      ...axisOf(isLog ? `${unit}, logarithmic` : unit, isLog ? "log" : "linear"),
      ...(isLog ? { min: 10 ** Math.floor(Math.log10(least / 1.5)), max: most * 1.3 } : { min: 0, max: most * 1.1 }),
      axisLabel: { ...TEXT, formatter: shortFigure, hideOverlap: true, showMaxLabel: false },
    },
    yAxis: rowsOf(
      rows.map(({ name }) => name),
      140,
    ),
    series: [
      {
        type: "bar",
        name: "median",
        barWidth: 18,
        data: rows.map(({ color }, i) => ({ value: medians[i] ?? 0, itemStyle: { color } })),
        ...(wanted === undefined ? {} : { markLine: goalLine(wanted) }),
      },
      {
        type: "scatter",
        name: "one run",
        symbolSize: 7,
        itemStyle: { color: RUN, opacity: 0.75 },
        data: values.flatMap(({ name, runs }) => runs.map((value) => [value, name] as [number, string])),
      },
      words(
        values.map(({ name, runs }, i) => ({
          at: Math.max(...runs),
          row: name,
          text: `${shortFigure(medians[i] ?? 0)}${rows[i]?.note ?? ""}`,
        })),
      ),
    ],
  };
}

function goalLine(at: number) {
  return {
    silent: true,
    symbol: "none",
    lineStyle: { color: INK, type: "dashed" as const, width: 1.5 },
    label: { ...TEXT, formatter: "goal", position: "start" as const },
    data: [{ xAxis: at }],
  };
}

/** One comparison; the line is where the subject meets its goal beside the peer's median. */
export function comparisonChart({ subject, peer, unit, goal, pairs }: ScenarioRecord): ChartOption {
  const verdict = judge(goal, pairs);
  const factor = goal === undefined ? undefined : "atLeast" in goal ? goal.atLeast : goal.atMost;
  const rows: Row[] = [
    { name: subject, runs: pairs.map((pair) => pair.subject), color: SUBJECT },
    { name: peer, runs: pairs.map((pair) => pair.peer), color: PEER },
  ];
  return barChart(rows, { unit, ...(factor === undefined ? {} : { wanted: factor * verdict.peer.median }) });
}

/** Several peers at the same work, the best first. */
export function peersChart(scenarios: readonly ScenarioRecord[]): ChartOption {
  const [first] = scenarios;
  if (first === undefined) throw new Error("no peers");
  const own: Row = {
    name: first.subject,
    runs: scenarios.flatMap(({ pairs }) => pairs.map((pair) => pair.subject)),
    color: SUBJECT,
  };
  const others = scenarios.map(({ peer, goal, pairs }): Row => {
    const note = judge(goal, pairs).saturated.peer ? ", load saturated" : "";
    return { name: peer, runs: pairs.map((pair) => pair.peer), color: PEER, note };
  });
  const medianOf = ({ runs }: Row): number => spreadOf(runs.map(({ value }) => value)).median;
  const rows = [own, ...others].sort((a, b) => medianOf(b) - medianOf(a));
  return barChart(rows, { unit: first.unit });
}

/** A logarithmic axis goes from one power of ten to another, and is none where there is little to see on it. */
function rangeOf<T extends { readonly type: "log" | "value" }>(axis: T, values: readonly number[]) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (axis.type === "value" || least <= 0 || most / least < LOG_SPAN) return { ...axis, type: "value" as const };
  return { ...axis, min: 10 ** Math.floor(Math.log10(least)), max: 10 ** Math.ceil(Math.log10(most)) };
}

/** A line for each series through its medians, a dot for each run. */
export function curveChart({ x, y, points }: CurveRecord): ChartOption {
  const names = [...new Set(points.map(({ series }) => series))];
  const runsOf = (name: string): [number, number][] =>
    points.flatMap((point) =>
      point.series === name && point.figures !== null ? [[point.x, point.figures.value]] : [],
    );
  const mediansOf = (name: string): [number, number][] => {
    const runs = runsOf(name);
    const xs = [...new Set(runs.map(([at]) => at))].sort((a, b) => a - b);
    return xs.map((at) => [at, spreadOf(runs.filter(([where]) => where === at).map(([, value]) => value)).median]);
  };
  const xName = x.unit === undefined ? x.label : `${x.label} (${x.unit})`;
  const all = names.flatMap(runsOf);
  return {
    ...FRAME,
    grid: { left: 84, right: 36, top: 44, bottom: 56 },
    legend: { top: 4, left: 76, textStyle: TEXT, data: names },
    tooltip: { trigger: "item" },
    xAxis: rangeOf(
      axisOf(xName, x.scale),
      all.map(([at]) => at),
    ),
    yAxis: {
      ...rangeOf(
        axisOf(`${y.label} (${y.unit})`, y.scale),
        all.map(([, value]) => value),
      ),
      nameGap: 58,
    },
    series: names.flatMap((name, i) => {
      const color = LINES[i % LINES.length] ?? INK;
      return [
        {
          type: "line" as const,
          name,
          data: mediansOf(name),
          color,
          lineStyle: { width: 2.5 },
          symbol: "circle",
          symbolSize: 8,
        },
        { type: "scatter" as const, name, data: runsOf(name), color, symbolSize: 5, itemStyle: { opacity: 0.5 } },
      ];
    }),
  };
}
