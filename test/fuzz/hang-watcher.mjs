// The other thread of hang-watch.ts: looks whether inputs still go by. When one does not end it writes that input to the
// findings and ends the process, which cannot end itself. Plain JavaScript, because a worker loads no TypeScript.
import { appendFileSync, mkdirSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { setInterval } from "node:timers";
import { workerData } from "node:worker_threads";

const { file, target, stuckMs } = workerData;
const state = new Int32Array(workerData.state);
let last = 0;
let looks = 0;

setInterval(() => {
  const runs = Atomics.load(state, 0);
  looks = runs === last ? looks + 1 : 0;
  last = runs;
  if (runs === 0 || looks < 10) return;
  const line = Buffer.from(workerData.line).toString("latin1", 0, Atomics.load(state, 1));
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `# it does not end\n${line}\n`);
  writeSync(2, `\n${target}: an input does not end; it was added to ${file}\n`);
  process.kill(process.pid, "SIGKILL");
}, stuckMs / 10);
