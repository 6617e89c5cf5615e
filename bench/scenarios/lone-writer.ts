// P8: what one caller who waits for each answer pays over the disk itself: the median ack of a lone writer over the
// median of appending as many bytes to a file and syncing it, on the same file system.
import { join } from "node:path";
import { finished } from "../load.js";
import { nativeProgram } from "../native.js";
import { pinned } from "../pinning.js";
import type { Figures, RunLength, Scenario } from "../scenario.js";
import { loadAgainst, tidemark, withDirectory } from "../servers.js";

/** What one call leaves in the log: operations, receipt and columns. */
const ROW_BYTES = 200;

async function loneAppend(length: RunLength): Promise<Figures> {
  return withDirectory(async (directory) => {
    const args = [join(directory, "append"), String(ROW_BYTES), String(length.seconds)];
    const { exitCode, stdout, stderr } = await finished(...pinned("server", await nativeProgram("append-sync"), args));
    if (exitCode !== 0) throw new Error(`append-sync failed: ${stderr}`);
    const details: { p50Ms: number; p99Ms: number; perSecond: number } = JSON.parse(stdout);
    return { value: details.p50Ms, details };
  });
}

async function loneCall(length: RunLength): Promise<Figures> {
  const result = await loadAgainst(tidemark, { mode: "tidemark", documents: 1, outstanding: 1 }, length);
  const { failures: _failures, ...details } = result;
  return { value: result.ackP50Ms, details };
}

export const loneWriter: Scenario = {
  id: "P8",
  title: "a lone writer's ack p50 over a lone append + fdatasync of the same bytes",
  unit: "ms",
  subject: { name: "tidemark", measure: loneCall },
  peer: { name: "append + sync", measure: loneAppend },
  goal: { atMost: 2.5 },
};
