// P2: one busy document with a thousand subscribers. What is compared is deliveries: against the same documents and
// store with a `ws.send` for each subscriber and delta, and against bare sockets that get 16 deltas in a write.
import type { LoadShape } from "../load.js";
import { rateFigures, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, naiveFanOut, rawLoop, type ServerKind, tidemark } from "../servers.js";

const SUBSCRIBERS = 1_000;
const shape: LoadShape = { mode: "tidemark", documents: 1, subscribers: SUBSCRIBERS, outstanding: 16 };
/** A delta of this load, as long as the real ones are. */
const DELTA = `[["d",1,10000,10001,[["=","/entries/k10","${"x".repeat(37)}"],["=","/at",1000000000000]]]]`;

function deliveries(name: string, kind: ServerKind, played: LoadShape): Side {
  return {
    name,
    measure: async (length) => rateFigures(await loadAgainst(kind, played, length), "deliveries"),
  };
}

const subject = deliveries("tidemark", tidemark, shape);

export const busyFanOut: Scenario = {
  id: "P2",
  title: "a busy document (16 outstanding) to 1,000 subscribers, over one ws.send per subscriber and delta",
  unit: "deliveries/s",
  subject,
  peer: deliveries("ws.send each", naiveFanOut, shape),
  goal: { atLeast: 8 },
};

export const busyFanOutFloor: Scenario = {
  id: "P2 floor",
  title: "the same load over a raw `net` loop that writes 16 deltas at a time",
  unit: "deliveries/s",
  subject,
  peer: deliveries("raw loop", rawLoop(SUBSCRIBERS, DELTA), { mode: "sink", subscribers: SUBSCRIBERS }),
  goal: { atLeast: 0.7 },
};
