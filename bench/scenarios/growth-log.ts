// What the length of one document's log costs: opening it cold, a call to it, and a look at its beginning. The logs are made once,
// through the product's own store, and each run has a copy. The newest snapshot is as old as it ever gets: 499 deltas.
import { onColdCopy } from "../cold-server.js";
import { type ColdShape, coldState } from "../cold-store.js";
import { runLoad } from "../load.js";
import { openOneByOne } from "../openings.js";
import type { ServerProcess } from "../process.js";
import type { Curve, Figures, RunLength } from "../scenario.js";
import { SharedRuns } from "../shared-runs.js";
import { quantile } from "./cold-start.js";

const TYPE = "logged-sheet";
const TAIL = 499;
const STARTS = 5;
const READS = 20;
const PAGE = 100;
const MS = 1_000;

interface LogFigures {
  readonly openSeconds: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  readonly firstPageMs: number;
}

async function measureLog(deltas: number, length: RunLength): Promise<LogFigures> {
  const shape: ColdShape = { documents: 1, deltas, type: TYPE, tail: TAIL };
  return onColdCopy(shape, async (start) => {
    const openings: number[] = [];
    for (let i = 0; i < STARTS; i++) openings.push(await start((server) => openCold(server, shape)));
    return start(async (server) => {
      const firstPageMs = await firstPage(server);
      // The load checks each delta and ack against the call that it made, from the head that it found.
      const played = { mode: "tidemark", type: TYPE, prefix: "cold", subscribers: 1 } as const;
      const { ackP50Ms, ackP99Ms } = await runLoad(played, { port: server.port, serverPid: server.pid, ...length });
      return { openSeconds: medianOf(openings) / MS, ackP50Ms, ackP99Ms, firstPageMs };
    });
  });
}

async function openCold({ port }: ServerProcess, shape: ColdShape): Promise<number> {
  const of = { documents: [`${TYPE}/cold-0`], state: coldState(shape), head: shape.deltas };
  const [took = Number.NaN] = await openOneByOne({ port, ...of });
  return took;
}

/** Median of reading the first deltas over HTTP, each time from a loaded document. Rejects when they are not the first. */
async function firstPage({ port }: ServerProcess): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < READS; i++) {
    const began = performance.now();
    const url = `http://127.0.0.1:${port}/v1/docs/${TYPE}/cold-0/history?after=0&limit=${PAGE}`;
    const response = await fetch(url, { headers: { authorization: "Bearer dev:reader" } });
    const body = await response.text();
    times.push(performance.now() - began);
    if (!response.ok) throw new Error(`history answered ${response.status}: ${body}`);
    const { entries }: { entries: readonly { readonly seq: number }[] } = JSON.parse(body);
    if (entries.length !== PAGE || entries.some(({ seq }, at) => seq !== at + 1))
      throw new Error("history did not begin at the beginning");
  }
  return medianOf(times);
}

const medianOf = (times: readonly number[]): number =>
  quantile(
    [...times].sort((a, b) => a - b),
    0.5,
  );

const runs = new SharedRuns<LogFigures>(measureLog);
const x: Curve["x"] = { label: "deltas of the document", scale: "log" };
const xs = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

function of(
  id: string,
  title: string,
  y: Curve["y"],
  figure: (log: LogFigures) => number,
  aboutSeconds: number,
): Curve {
  const take = runs.taker();
  const measurePoint = async (deltas: number, length: RunLength): Promise<Figures> => {
    const log = await take(deltas, length);
    return { value: figure(log), details: { ...log } };
  };
  return { ...{ id, title, x, y, xs, aboutSeconds }, series: [{ name: "tidemark", measurePoint }] };
}

export const logOpening = of(
  "growth-log-open",
  `opening a document that is not in memory, ${TAIL} deltas behind its snapshot, by the length of its log (median of ${STARTS} starts)`,
  { label: "opening", unit: "s", scale: "log" },
  ({ openSeconds }) => openSeconds,
  90,
);

export const logAck = of(
  "growth-log-ack",
  "a lone call to a document, by the length of its log",
  { label: "ack, median", unit: "ms", scale: "linear" },
  ({ ackP50Ms }) => ackP50Ms,
  1,
);

export const logFirstPage = of(
  "growth-log-history",
  `reading the first ${PAGE} deltas of a document, by the length of its log`,
  { label: "page, median", unit: "ms", scale: "linear" },
  ({ firstPageMs }) => firstPageMs,
  1,
);
