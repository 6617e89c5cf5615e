// P18: a document that a thousand people follow, each of whom sees something of their own. What is compared is the server's
// CPU for a call: one that changes what a single one of them sees, with the same under one view and one viewer; and one that
// changes what none of them sees, with the same document without views or viewers.
import { LIMITS } from "@tidemark/protocol";
import type { LoadShape } from "../load.js";
import { rateFigures, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";

/** As many as a document may have; the writer had one too, before it wrote. */
const GROUPS = LIMITS.viewGroupsMax - 1;
const OUTSTANDING = 16;

function cpuPerCall(name: string, shape: Omit<LoadShape, "mode">): Side {
  return {
    name,
    async measure(length) {
      const result = await loadAgainst(tidemark, { mode: "tidemark", outstanding: OUTSTANDING, ...shape }, length);
      const { perCpuSecond, ...figures } = rateFigures(result, "acks");
      return { ...figures, value: 1e6 / (perCpuSecond ?? 0) };
    },
  };
}

export const oneOfManyViews: Scenario = {
  id: "P18-one",
  title: `CPU of a call that changes what one of ${GROUPS} viewers sees, each with a view of their own, over the same with one view`,
  unit: "us CPU/call",
  subject: cpuPerCall(`${GROUPS} views`, { subscribers: GROUPS, type: "own-cards", key: "viewer-0", views: true }),
  peer: cpuPerCall("one view", { subscribers: 1, type: "shared-cards", key: "viewer-0", views: true }),
  goal: { atMost: 3 },
};

export const noneOfManyViews: Scenario = {
  id: "P18-none",
  title: `CPU of a call that changes what none of ${GROUPS} viewers sees, over the same without views and viewers`,
  unit: "us CPU/call",
  subject: cpuPerCall(`${GROUPS} views`, {
    ...{ subscribers: GROUPS, type: "own-cards", message: "note", key: "nobody", views: true },
  }),
  peer: cpuPerCall("no views", { subscribers: 0, type: "plain-cards", message: "note", key: "nobody" }),
  goal: { atMost: 1.2 },
};
