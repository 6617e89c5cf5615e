// P11: a call must cost what it changes, not what the document weighs. The same calls to a document of 1 MB and to one
// of 1 KB; compared is the server's CPU per call, snapshots included.
import { rateFigures, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";

function cpuPerCall(name: string, stateBytes: number): Side {
  return {
    name,
    async measure(length) {
      const shape = { mode: "tidemark", documents: 1, outstanding: 16, stateBytes } as const;
      const { perCpuSecond, ...figures } = rateFigures(await loadAgainst(tidemark, shape, length), "acks");
      return { ...figures, value: 1e6 / (perCpuSecond ?? 0) };
    },
  };
}

export const largeDocument: Scenario = {
  id: "P11",
  title: "server CPU of a call on a 1 MB document over one on a 1 KB document",
  unit: "us CPU/call",
  subject: cpuPerCall("1 MB", 1_000_000),
  peer: cpuPerCall("1 KB", 1_000),
  goal: { atMost: 2 },
};
