// P7 and P8: the disk itself beside the server, on the same file system. A lone append and its sync are what a lone writer's
// ack is measured against, and the 99th percentile when a third of what the server can do is asked of it; how many of
// them there are in a second, against the acks of 64 writers at once.
import { join } from "node:path";
import { finished, type LoadShape } from "../load.js";
import { nativeProgram } from "../native.js";
import { pinned } from "../pinning.js";
import { type Figures, loadFigures, type RunLength, rateFigures, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, tidemark, withDirectory } from "../servers.js";
import { peakOf } from "./peak.js";

/** What one call leaves in the log: operations, receipt and columns. */
const ROW_BYTES = 200;

/** Appends of so many bytes, each made durable before the next, with nothing else to do; its value is their median, ms. */
export async function loneAppend(length: RunLength, bytes = ROW_BYTES): Promise<Figures> {
  return withDirectory(async (directory) => {
    const args = [join(directory, "append"), String(bytes), String(length.seconds)];
    const { exitCode, stdout, stderr } = await finished(...pinned("server", await nativeProgram("append-sync"), args));
    if (exitCode !== 0) throw new Error(`append-sync failed: ${stderr}`);
    const details: { p50Ms: number; p99Ms: number; perSecond: number } = JSON.parse(stdout);
    return { value: details.p50Ms, wallSeconds: length.seconds, details };
  });
}

async function appendsPerSecond(length: RunLength): Promise<Figures> {
  const figures = await loneAppend(length);
  return { ...figures, value: figures.details["perSecond"] ?? Number.NaN };
}

function acksPerSync(id: string, whose: string, shape: Pick<LoadShape, "documents" | "outstanding">): Scenario {
  return {
    id,
    title: `durable acks of 64 concurrent calls, ${whose}, for each append + fdatasync that the disk does in the same time`,
    unit: "/s",
    subject: {
      name: "tidemark, acks",
      measure: async (length) =>
        rateFigures(await loadAgainst(tidemark, { mode: "tidemark", ...shape }, length), "acks"),
    },
    peer: { name: "append + sync", measure: appendsPerSecond },
    goal: { atLeast: 12 },
  };
}

export const acksOfEight = acksPerSync("P7-eight", "8 of each of 8 writers", { documents: 8, outstanding: 8 });

/** Each call is a read and a write of its own. */
export const acksOfEachAlone = acksPerSync("P7-alone", "one of each of 64 writers", { documents: 64, outstanding: 1 });

async function loneCall(length: RunLength): Promise<Figures> {
  const result = await loadAgainst(tidemark, { mode: "tidemark", documents: 1, outstanding: 1 }, length);
  return loadFigures(result, result.ackP50Ms);
}

const MANY: LoadShape = { mode: "tidemark", documents: 100 };
/** Of each document's writer, for the peak. */
const OUTSTANDING = 8;
const TTL_MS = 10_000;

async function thirdOfPeak(length: RunLength): Promise<Figures> {
  const peak = await peakOf({ ...MANY, outstanding: OUTSTANDING }, length);
  const rate = Math.round(peak.acksPerSecond / 3);
  const result = await loadAgainst(tidemark, { ...MANY, rate, ttlMs: TTL_MS }, length);
  const note = `${rate} calls/s of ${Math.round(peak.acksPerSecond)} at the peak`;
  return { ...loadFigures(result, result.ackP99Ms), note };
}

const append: Side = { name: "append + sync", measure: (length) => loneAppend(length) };

export const loneWriter: Scenario = {
  id: "P8-lone",
  title: "a lone writer's ack p50 over a lone append + fdatasync of the same bytes",
  unit: "ms",
  subject: { name: "tidemark", measure: loneCall },
  peer: append,
  goal: { atMost: 2 },
};

export const writersAtAThird: Scenario = {
  id: "P8-third",
  title: "ack p99 of 100 writers that ask for a third of their peak, over the p50 of a lone append + fdatasync",
  unit: "ms",
  subject: { name: "tidemark p99", measure: thirdOfPeak },
  peer: append,
  goal: { atMost: 15 },
  aboutSeconds: 25,
};
