// What a server still does as more and more is asked of it: an open loop offers a share of the peak that a closed loop found,
// each call with a second to be acked. What counts is what was acked in time, and how long that took.
import type { LoadShape } from "../load.js";
import { type Curve, type Figures, loadFigures, type RunLength } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";
import { SharedRuns } from "../shared-runs.js";
import { peakOf } from "./peak.js";

const DOCUMENTS = 100;
/** At each document, for the peak. */
const OUTSTANDING = 32;
const TTL_MS = 1_000;
/** Clients need this long to find how much the server takes. */
const WARM_UP_SECONDS_MIN = 3;
const TIMES = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4];

// One follower each, who must see every delta once and in order.
const shape: LoadShape = { mode: "tidemark", documents: DOCUMENTS, subscribers: 1 };

interface Offered {
  readonly figures: Figures;
  readonly goodPerSecond: number;
  readonly peakPerSecond: number;
  readonly p99Ms: number;
}

/** Measured anew with the first point of each round, so that all of a round are of one peak. */
let peakPerSecond = 0;

async function offer(times: number, length: RunLength): Promise<Offered> {
  if (times === TIMES[0] || peakPerSecond === 0)
    peakPerSecond = (await peakOf({ ...shape, outstanding: OUTSTANDING }, length)).acksPerSecond;
  const warmUpSeconds = Math.max(length.warmUpSeconds, WARM_UP_SECONDS_MIN);
  const rate = Math.round(times * peakPerSecond);
  const loaded = await loadAgainst(tidemark, { ...shape, rate, ttlMs: TTL_MS }, { ...length, warmUpSeconds });
  const perSecond = (count: number): number => Math.round(count / loaded.seconds);
  const note = `of ${Math.round(peakPerSecond)} calls/s: offered ${perSecond(loaded.offered)}, in time ${perSecond(loaded.good)}, late ${perSecond(loaded.late)}, given up ${perSecond(loaded.shed)}, refused ${perSecond(loaded.refusedCopies)}; p99 ${loaded.ackP99Ms.toFixed(1)} ms`;
  return {
    figures: { ...loadFigures(loaded, 0), note },
    goodPerSecond: loaded.good / loaded.seconds,
    peakPerSecond,
    p99Ms: loaded.ackP99Ms,
  };
}

const runs = new SharedRuns<Offered>(offer);
const [forGood, forPeak, forTail] = [runs.taker(), runs.taker(), runs.taker()];
const x: Curve["x"] = { label: "offered over the peak of a closed loop", scale: "linear" };

export const offeredGoodput: Curve = {
  ...{ id: "growth-rate-goodput", x, xs: TIMES },
  title: `acks in time of ${DOCUMENTS} documents and writers, by the rate that is offered`,
  y: { label: "acks within a second", unit: "acks/s", scale: "linear" },
  series: [
    {
      name: "tidemark",
      async measurePoint(times, length) {
        const { figures, goodPerSecond } = await forGood(times, length);
        return { ...figures, value: goodPerSecond };
      },
    },
    {
      name: "peak, closed loop",
      async measurePoint(times, length) {
        return { value: (await forPeak(times, length)).peakPerSecond, details: {} };
      },
    },
  ],
  aboutSeconds: 90,
};

export const offeredTail: Curve = {
  ...{ id: "growth-rate-p99", x, xs: TIMES },
  title: `how long acks of ${DOCUMENTS} documents and writers took, by the rate that is offered`,
  y: { label: "ack, 99th percentile", unit: "ms", scale: "log" },
  series: [
    {
      name: "tidemark",
      async measurePoint(times, length) {
        const { figures, p99Ms } = await forTail(times, length);
        return { ...figures, value: p99Ms };
      },
    },
  ],
  aboutSeconds: 1,
};
