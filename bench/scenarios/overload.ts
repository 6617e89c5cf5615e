// P12 and R15: what a server still does when more is asked of it than it can do. The peak is found with a closed loop,
// then calls come at a multiple of that rate, whatever the server answers, each with a second to be acked. What counts is
// the goodput: acks in time.
import type { LoadShape, MeasuredLoad } from "../load.js";
import { type Figures, type RunLength, rateFigures, type Scenario } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";
import { peakOf } from "./peak.js";

interface Overload {
  readonly id: string;
  readonly title: string;
  readonly documents: number;
  /** At each document, for the peak. */
  readonly outstanding: number;
  /** Offered over the peak. */
  readonly times: number;
  readonly goal: number;
}

const TTL_MS = 1_000;
/** Clients need this long to find how much the server takes. */
const WARM_UP_SECONDS_MIN = 3;
/** Memory may be twice that of the peak, and this. */
const SLACK_MB = 128;

function overload({ id, title, documents, outstanding, times, goal }: Overload): Scenario {
  // One follower each, who must see every delta once and in order.
  const shape: LoadShape = { mode: "tidemark", documents, subscribers: 1 };
  let peak: MeasuredLoad | undefined;
  return {
    id,
    title,
    unit: "acks/s",
    subject: {
      name: `${times}x offered`,
      async measure(length) {
        peak = await peakOf({ ...shape, outstanding }, length);
        const rate = Math.round(times * peak.acksPerSecond);
        const warmUpSeconds = Math.max(length.warmUpSeconds, WARM_UP_SECONDS_MIN);
        const loaded = await loadAgainst(tidemark, { ...shape, rate, ttlMs: TTL_MS }, { ...length, warmUpSeconds });
        return goodput(loaded, peak);
      },
    },
    peer: {
      name: "peak",
      async measure(length: RunLength) {
        return rateFigures(peak ?? (await peakOf({ ...shape, outstanding }, length)), "acks");
      },
    },
    goal: { atLeast: goal },
    aboutSeconds: 40,
  };
}

function goodput(loaded: MeasuredLoad, peak: MeasuredLoad): Figures {
  const rssMaxMb = 2 * peak.serverRssMaxMb + SLACK_MB;
  if (loaded.serverRssMaxMb > rssMaxMb)
    throw new Error(`the server grew to ${loaded.serverRssMaxMb} MB; at its peak it had ${peak.serverRssMaxMb}`);
  const perSecond = (count: number): string => Math.round(count / loaded.seconds).toLocaleString("en-US");
  const note =
    `per second: offered ${perSecond(loaded.offered)}, in time ${perSecond(loaded.good)}, late ${perSecond(loaded.late)}, ` +
    `given up ${perSecond(loaded.shed)}, expired ${perSecond(loaded.expired)}, refused ${perSecond(loaded.refusedCopies)}; ` +
    `at most ${Math.round(loaded.serverRssMaxMb)} MB, at the peak ${Math.round(peak.serverRssMaxMb)}`;
  const figures = rateFigures(loaded, "acks");
  return { ...figures, value: loaded.good / loaded.seconds, note };
}

export const twiceTheCapacity = overload({
  id: "P12-thousand",
  title: "acks in time when twice the peak is offered, 1,000 documents and their writers, over the peak",
  documents: 1_000,
  outstanding: 2,
  times: 2,
  goal: 0.9,
});

export const twiceTheCapacityOfFew = overload({
  id: "P12-few",
  title: "the same with 100 documents and writers",
  documents: 100,
  outstanding: 32,
  times: 2,
  goal: 0.9,
});

export const tenTimesTheCapacity = overload({
  id: "R15",
  title: "acks in time when ten times the peak is offered, 1,000 documents and their writers, over the peak",
  documents: 1_000,
  outstanding: 2,
  times: 10,
  goal: 0.8,
});
