// What the size of a document costs: a call to it, and opening it, in memory and from the disk. States are at most 4 MiB, which
// no option changes, so that is where the curves end.
import { onColdCopy } from "../cold-server.js";
import { type ColdShape, coldState } from "../cold-store.js";
import { type LoadResult, type LoadShape, runLoad } from "../load.js";
import { openOneByOne } from "../openings.js";
import { type Curve, type Figures, rateFigures } from "../scenario.js";
import { SharedRuns } from "../shared-runs.js";
import { quantile } from "./cold-start.js";

const x: Curve["x"] = { label: "size of the document", unit: "bytes", scale: "log" };
const xs = [1_000, 10_000, 100_000, 1_000_000, 4_000_000];
/** Documents of that size that are opened. */
const OPENED = 20;

/** What a document may be created with is a quarter of what it may be in the end: they come from a database. */
const storeOf = (stateBytes: number): ColdShape => ({ documents: OPENED, deltas: 2, tail: 0, stateBytes });

const shape: LoadShape = { mode: "tidemark", prefix: "cold", outstanding: 16 };
const calls = new SharedRuns<LoadResult>((stateBytes, length) =>
  onColdCopy(storeOf(stateBytes), (start) =>
    start(({ port, pid }) => runLoad(shape, { port, serverPid: pid, ...length })),
  ),
);
const [forRate, forCpu] = [calls.taker(), calls.taker()];

export const sizeCalls: Curve = {
  ...{ id: "growth-size-calls", x, xs },
  title: "acked calls of one document (16 outstanding) by its size",
  y: { label: "acked calls", unit: "calls/s", scale: "log" },
  series: [
    {
      name: "tidemark",
      measurePoint: async (bytes, length) => rateFigures(await forRate(bytes, length), "acks"),
    },
  ],
};

export const sizeCpu: Curve = {
  ...{ id: "growth-size-cpu", x, xs },
  title: "what a call takes of the server's CPU by the size of its document, snapshots for the store included",
  y: { label: "CPU of a call", unit: "us", scale: "log" },
  series: [
    {
      name: "tidemark",
      async measurePoint(bytes, length) {
        const { perCpuSecond = 0, ...figures } = rateFigures(await forCpu(bytes, length), "acks");
        return { ...figures, value: 1e6 / perCpuSecond };
      },
    },
  ],
  aboutSeconds: 1,
};

interface Opened {
  readonly inMemoryMs: number;
  readonly fromDiskMs: number;
}

/** Each twice, one after another; what came is compared with what was written. */
function open(stateBytes: number): Promise<Opened> {
  const documents = Array.from({ length: OPENED }, (_, i) => `sheet/cold-${i}`);
  const store = storeOf(stateBytes);
  const of = { documents, state: coldState(store), head: store.deltas };
  return onColdCopy(store, (start) =>
    start(async ({ port }) => {
      const medianMs = async (): Promise<number> => {
        const times = await openOneByOne({ port, ...of });
        return quantile(
          [...times].sort((a, b) => a - b),
          0.5,
        );
      };
      return { fromDiskMs: await medianMs(), inMemoryMs: await medianMs() };
    }),
  );
}

const openings = new SharedRuns<Opened>(open);
const opening = (name: string, figure: (opened: Opened) => number): Curve["series"][number] => {
  const take = openings.taker();
  return {
    name,
    async measurePoint(bytes, length): Promise<Figures> {
      return { value: figure(await take(bytes, length)), details: {} };
    },
  };
};

export const sizeOpenings: Curve = {
  ...{ id: "growth-size-open", x, xs },
  title: `until a client has the snapshot of a document, by its size (median of ${OPENED})`,
  y: { label: "opening", unit: "ms", scale: "log" },
  series: [
    opening("in memory", ({ inMemoryMs }) => inMemoryMs),
    opening("from the disk", ({ fromDiskMs }) => fromDiskMs),
  ],
  aboutSeconds: 30,
};
