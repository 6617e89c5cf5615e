// What a server does as the same calls go to more and more documents, all of them in memory, and what each of those takes. So
// many calls are outstanding over all; each document is called in turn.
import { type DocumentsResult, runDocuments } from "../documents-load.js";
import { type Curve, type Figures, type RunLength, rateFigures } from "../scenario.js";
import { tidemarkWith, withServer } from "../servers.js";
import { SharedRuns } from "../shared-runs.js";

const OUTSTANDING = 256;
const CONNECTIONS_MAX = 100;
const STATE_BYTES = 1_000;
const MB = 1_000_000;
/** Nothing is unloaded meanwhile. */
const kept = tidemarkWith({ idleMs: 3_600_000 });

const runs = new SharedRuns<DocumentsResult>((documents, length) => {
  const connections = Math.min(documents, CONNECTIONS_MAX);
  const shape = { connections, documents, outstanding: OUTSTANDING, stateBytes: STATE_BYTES };
  return withServer(kept, ({ port, pid }) => runDocuments(shape, { port, serverPid: pid, ...length }));
});

const x: Curve["x"] = { label: "documents", scale: "log" };
const [forCalls, forFirst, forMemory] = [runs.taker(), runs.taker(), runs.taker()];

async function firstCalls(documents: number, length: RunLength): Promise<Figures> {
  const { firstCallsSeconds } = await forFirst(documents, length);
  return { value: documents / firstCallsSeconds, wallSeconds: firstCallsSeconds, details: { firstCallsSeconds } };
}

export const documentsCalls: Curve = {
  ...{ id: "growth-documents", x, xs: [1, 10, 100, 1_000, 10_000, 100_000] },
  title: `acked calls to documents in memory (${OUTSTANDING} outstanding over all), by how many there are`,
  y: { label: "acked calls", unit: "calls/s", scale: "log" },
  series: [
    {
      name: "tidemark",
      measurePoint: async (documents, length) => rateFigures(await forCalls(documents, length), "acks"),
    },
    {
      name: "first of a client",
      // Of few documents it is over before it can be timed.
      measurePoint: async (documents, length) => (documents < 1_000 ? undefined : firstCalls(documents, length)),
    },
  ],
  aboutSeconds: 110,
};

export const documentsMemory: Curve = {
  ...{ id: "growth-documents-memory", x, xs: [1_000, 10_000, 100_000] },
  title: `resident memory of the server with so many documents of ${STATE_BYTES} bytes in memory`,
  y: { label: "resident memory", unit: "MB", scale: "log" },
  series: [
    {
      name: "opened",
      async measurePoint(documents, length) {
        const { serverRssBeforeMb } = await forMemory(documents, length);
        const note = `${Math.round((serverRssBeforeMb * MB) / documents)} bytes each, the rest of the server included`;
        return { value: serverRssBeforeMb, details: {}, note };
      },
    },
  ],
  aboutSeconds: 1,
};
