// What the documents in the store cost a server that has them on its disk and none in memory: a start, and opening one of them.
// The databases are made once, through the product's own store.
import type { ColdShape } from "../cold-store.js";
import type { Curve } from "../scenario.js";
import { SharedRuns } from "../shared-runs.js";
import { type ColdStart, coldFigures, quantile, startCold } from "./cold-start.js";

/** A creation and one more: a million documents are made within minutes. */
const DELTAS = 2;
const OPENED = 1_000;
const x: Curve["x"] = { label: "documents in the store", scale: "log" };
const xs = [1_000, 10_000, 100_000, 1_000_000];

const runs = new SharedRuns<ColdStart>((documents) => {
  const shape: ColdShape = { documents, deltas: DELTAS };
  return startCold(shape, OPENED);
});

const series = (name: string, figure: (start: ColdStart) => number): Curve["series"][number] => {
  const take = runs.taker();
  return {
    name,
    async measurePoint(documents, length) {
      const start = await take(documents, length);
      return coldFigures(start, figure(start));
    },
  };
};

export const storeStart: Curve = {
  ...{ id: "growth-store-start", x, xs },
  title: "from the start of a server until it serves, by the documents in its store",
  y: { label: "start", unit: "s", scale: "linear" },
  series: [series("tidemark", ({ servingSeconds }) => servingSeconds)],
  aboutSeconds: 30,
};

export const storeOpenings: Curve = {
  ...{ id: "growth-store-open", x, xs },
  title: `opening a document that is not in memory, ${OPENED} one after another, by the documents in the store`,
  y: { label: "opening", unit: "ms", scale: "log" },
  series: [
    series("median", ({ openingMs }) => quantile(openingMs, 0.5)),
    series("99th percentile", ({ openingMs }) => quantile(openingMs, 0.99)),
  ],
  aboutSeconds: 1,
};
