// What a server does as calls get larger, up to the megabyte that an input may have: ten documents with four subscribers each,
// every value another one, so that all of it is stored and sent.
import type { LoadShape, MeasuredLoad } from "../load.js";
import { type Curve, rateFigures } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";
import { SharedRuns } from "../shared-runs.js";
import { loneAppend } from "./lone-writer.js";

const DOCUMENTS = 10;
const SUBSCRIBERS = 4;
/** Of each document; more of the largest would not fit into what a server holds that is not durable yet. */
const OUTSTANDING = 4;
const MB = 1_000_000;

const shape: LoadShape = {
  ...{ mode: "tidemark", documents: DOCUMENTS, subscribers: SUBSCRIBERS, outstanding: OUTSTANDING },
  // One key: the state is as large as one call, whatever that is.
  ...{ freshValues: true, key: "k" },
};

const runs = new SharedRuns<MeasuredLoad>((payloadBytes, length) =>
  loadAgainst(tidemark, { ...shape, payloadBytes }, length),
);
const x: Curve["x"] = { label: "text in each call", unit: "bytes", scale: "log" };
const xs = [37, 370, 4_000, 37_000, 370_000, 1_000_000];
const [forCalls, forBytes, forDeliveries] = [runs.taker(), runs.taker(), runs.taker()];

export const payloadCalls: Curve = {
  ...{ id: "growth-payload-calls", x, xs },
  title: `acked calls of ${DOCUMENTS} documents (${OUTSTANDING} outstanding, ${SUBSCRIBERS} subscribers each) by what a call carries`,
  y: { label: "acked calls", unit: "calls/s", scale: "log" },
  series: [
    {
      name: "tidemark",
      measurePoint: async (bytes, length) => rateFigures(await forCalls(bytes, length), "acks"),
    },
  ],
  aboutSeconds: 60,
};

export const payloadBytes: Curve = {
  ...{ id: "growth-payload-bytes", x, xs },
  title: `text that was acked by what a call carries (${DOCUMENTS} documents), that reached subscribers, and that the disk alone takes, each append durable before the next`,
  y: { label: "text", unit: "MB/s", scale: "log" },
  series: [
    {
      name: "acked",
      async measurePoint(bytes, length) {
        const figures = rateFigures(await forBytes(bytes, length), "acks");
        return { ...figures, value: (figures.value * bytes) / MB };
      },
    },
    {
      name: "delivered",
      async measurePoint(bytes, length) {
        const figures = rateFigures(await forDeliveries(bytes, length), "deliveries");
        return { ...figures, value: (figures.value * bytes) / MB };
      },
    },
    {
      name: "disk alone, one by one",
      async measurePoint(bytes, length) {
        const figures = await loneAppend(length, bytes);
        return { ...figures, value: ((figures.details["perSecond"] ?? Number.NaN) * bytes) / MB };
      },
    },
  ],
  aboutSeconds: 35,
};
