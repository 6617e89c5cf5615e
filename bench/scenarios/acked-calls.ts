// P5: how much of a bare echo is left when each answer waits for a durable commit. A thousand documents, each with one
// writer that has one call outstanding; the echo gets the same frames.
import type { LoadShape } from "../load.js";
import { rateFigures, type Scenario } from "../scenario.js";
import { echo, loadAgainst, tidemark } from "../servers.js";

const shape: LoadShape = { mode: "tidemark", documents: 1_000, outstanding: 1 };

export const ackedCalls: Scenario = {
  id: "P5",
  title: "acked durable calls, 1,000 documents x 1 outstanding, over a bare ws echo of the same frames",
  unit: "calls/s",
  subject: {
    name: "tidemark",
    measure: async (length) => rateFigures(await loadAgainst(tidemark, shape, length), "acks"),
  },
  peer: {
    name: "ws echo",
    measure: async (length) => rateFigures(await loadAgainst(echo, { ...shape, mode: "echo" }, length), "acks"),
  },
  goal: { atLeast: 0.6 },
};
