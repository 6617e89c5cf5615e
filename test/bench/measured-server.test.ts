// What a server under measurement holds is asked of the server itself, whichever Node program it is; and it ends with those
// who measure.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { MemoryWatch, rssMbOf } from "../../bench/memory.js";
import { CACHE_DIRECTORY } from "../../bench/native.js";
import { type ServerProcess, startServer } from "../../bench/process.js";
import { withDirectory } from "../../bench/servers.js";

const PROCESS = new URL("../../bench/process.ts", import.meta.url).href;
const ECHO = fileURLToPath(new URL("../../bench/peers/echo.mjs", import.meta.url));
let server: ServerProcess | undefined;
afterEach(() => server?.stop());

test("a server says what it holds, also when it has collected its garbage", async () => {
  server = await startServer([ECHO]);
  const usage = await server.memory();
  expect(usage.rss).toBeGreaterThan(usage.heapUsed);
  expect((await server.memory({ collect: true })).heapUsed).toBeGreaterThan(1_000_000);
});

test("what it held while it was measured is its last and its largest", async () => {
  const heaps = [3_000_000, 9_000_000, 5_000_000];
  let told: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    told = resolve;
  });
  const ask = async (): Promise<NodeJS.MemoryUsage> => {
    const heapUsed = heaps.shift();
    if (heapUsed !== undefined) return { ...process.memoryUsage(), heapUsed };
    told();
    throw new Error("it was stopped");
  };
  const watch = new MemoryWatch(process.pid, { ask, everyMs: 1 });
  await all;
  const memory = watch.stop();
  expect(memory).toMatchObject({ heapMb: 5, heapMaxMb: 9 });
  expect(memory?.rssMaxMb).toBeGreaterThanOrEqual(memory?.rssMb ?? Number.NaN);
});

test("a server that ended cannot be asked", async () => {
  server = await startServer([ECHO]);
  const asked = server.memory();
  await server.kill();
  await expect(asked.then(() => server?.memory())).rejects.toThrow();
});

test("what a killed benchmark left on the disk is removed by the next", async () => {
  const gone = spawn("true");
  await once(gone, "exit");
  const [abandoned, own] = [gone.pid, process.pid].map((pid) => join(CACHE_DIRECTORY, `bench-${pid}-x`));
  for (const path of [abandoned, own]) mkdirSync(path ?? "", { recursive: true });
  const during = await withDirectory(async (directory) =>
    [directory, abandoned, own].map((path) => existsSync(path ?? "")),
  );
  expect(during).toEqual([true, false, true]);
  rmSync(own ?? "", { recursive: true });
});

test("a server does not outlive a benchmark that was killed", async () => {
  const program = `const { startServer } = await import(${JSON.stringify(PROCESS)});
    const { pid } = await startServer([${JSON.stringify(ECHO)}]);
    console.log(pid);`;
  const benchmark = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [printed] = await once(benchmark.stdout, "data");
  const pid = Number(String(printed));
  expect(rssMbOf(pid)).toBeGreaterThan(0);
  benchmark.kill("SIGKILL");
  await vi.waitFor(() => expect(rssMbOf(pid) || 0).toBe(0), { timeout: 10_000 });
});
