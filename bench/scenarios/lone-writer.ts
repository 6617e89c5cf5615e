// P8: what a caller pays over the disk itself: the median ack of a lone writer, and the 99th percentile when a third of
// what the server can do is asked of it, over the median of appending as many bytes to a file and syncing it, on the
// same file system.
import { join } from "node:path";
import { finished, type LoadShape } from "../load.js";
import { nativeProgram } from "../native.js";
import { pinned } from "../pinning.js";
import { type Figures, loadFigures, type RunLength, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, tidemark, withDirectory } from "../servers.js";
import { peakOf } from "./peak.js";

/** What one call leaves in the log: operations, receipt and columns. */
const ROW_BYTES = 200;

async function loneAppend(length: RunLength): Promise<Figures> {
  return withDirectory(async (directory) => {
    const args = [join(directory, "append"), String(ROW_BYTES), String(length.seconds)];
    const { exitCode, stdout, stderr } = await finished(...pinned("server", await nativeProgram("append-sync"), args));
    if (exitCode !== 0) throw new Error(`append-sync failed: ${stderr}`);
    const details: { p50Ms: number; p99Ms: number; perSecond: number } = JSON.parse(stdout);
    return { value: details.p50Ms, wallSeconds: length.seconds, details };
  });
}

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

const append: Side = { name: "append + sync", measure: loneAppend };

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
