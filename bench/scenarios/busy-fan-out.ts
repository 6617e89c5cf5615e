// P1 and P2: one document with a thousand subscribers. What is compared is deliveries: with one call outstanding, where
// there is nothing to coalesce, against bare sockets that get a delta with each write; with 16, against the same
// documents and store with a `ws.send` for each subscriber and delta, and against bare sockets that get 16 deltas with
// each write. P4 is the same with 10,000 subscribers.
import type { LoadShape } from "../load.js";
import { rateFigures, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, naiveFanOut, rawLoop, type ServerKind, tidemark } from "../servers.js";

const SUBSCRIBERS = 1_000;
const MANY_SUBSCRIBERS = 10_000;
/** Of a raw loop beside a document with 16 calls outstanding. */
export const DELTAS_PER_WRITE = 16;
const calm: LoadShape = { mode: "tidemark", documents: 1, subscribers: SUBSCRIBERS, outstanding: 1 };
const busy: LoadShape = { ...calm, outstanding: 16 };
const sink: LoadShape = { mode: "sink", subscribers: SUBSCRIBERS };
/** A delta of this load, as long as the real ones are. */
export const DELTA = `[["d",1,10000,10001,[["=","/entries/k10","${"x".repeat(37)}"],["=","/at",1000000000000]]]]`;

function deliveries(name: string, kind: ServerKind, played: LoadShape): Side {
  return {
    name,
    measure: async (length) => rateFigures(await loadAgainst(kind, played, length), "deliveries"),
  };
}

export const calmFanOut: Scenario = {
  id: "P1",
  title:
    "deliveries to 1,000 subscribers with nothing to coalesce (10 documents x 1 outstanding), over a raw `net` loop with the same bytes",
  unit: "deliveries/s",
  subject: deliveries("tidemark", tidemark, calm),
  peer: deliveries("raw loop", rawLoop(SUBSCRIBERS, DELTA, 1), sink),
  goal: { atLeast: 0.65 },
};

export const busyFanOut: Scenario = {
  id: "P2-naive",
  title: "a busy document (16 outstanding) to 1,000 subscribers, over one ws.send per subscriber and delta",
  unit: "deliveries/s",
  subject: deliveries("tidemark", tidemark, busy),
  peer: deliveries("ws.send each", naiveFanOut, busy),
  goal: { atLeast: 12 },
};

export const busyFanOutFloor: Scenario = {
  id: "P2-floor",
  title: "the same load over a raw `net` loop that writes 16 deltas at a time",
  unit: "deliveries/s",
  subject: deliveries("tidemark", tidemark, busy),
  peer: deliveries("raw loop x 16", rawLoop(SUBSCRIBERS, DELTA, DELTAS_PER_WRITE), sink),
  goal: { atLeast: 0.7 },
};

const crowded: LoadShape = { ...busy, subscribers: MANY_SUBSCRIBERS };

export const crowdedFanOut: Scenario = {
  id: "P4",
  title: "a busy document (16 outstanding) to 10,000 subscribers, over one ws.send per subscriber and delta",
  unit: "deliveries/s",
  subject: deliveries("tidemark", tidemark, crowded),
  peer: deliveries("ws.send each", naiveFanOut, crowded),
  goal: { atLeast: 12 },
  aboutSeconds: 40,
};
