// P24: a thousand viewers of one hot document, who are sent what happened each 50 ms as one merged delta, or every delta as
// it comes. What is compared is how many sends the same server acks; each merged delta is compared with the calls it is of,
// so that all viewers have the last state.
import type { LoadShape } from "../load.js";
import { rateFigures, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";

const EVERY_MS = 50;
const every: LoadShape = {
  ...{ mode: "tidemark", documents: 1, subscribers: 1_000 },
  ...{ outstanding: 16, freshValues: true },
};

const acks = (name: string, shape: LoadShape): Side => ({
  name,
  measure: async (length) => {
    const result = await loadAgainst(tidemark, shape, length);
    const note = `delivered p50 ${result.deliveryP50Ms.toFixed(1)} p99 ${result.deliveryP99Ms.toFixed(1)} ms after the send`;
    return { ...rateFigures(result, "acks"), note };
  },
});

export const pacedViewers: Scenario = {
  id: "P24",
  title: `acked sends to a document with 1,000 viewers at \`everyMs: ${EVERY_MS}\`, over the same with every delta delivered`,
  unit: "acks/s",
  subject: acks(`every ${EVERY_MS} ms`, { ...every, everyMs: EVERY_MS }),
  peer: acks("every delta", every),
  goal: { atLeast: 4 },
};
