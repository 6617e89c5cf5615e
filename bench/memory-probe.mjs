// Preloaded into every Node server that is measured: it says what the process holds when the benchmark asks over the
// channel between them, and ends the server when the benchmark is gone. It does nothing in threads or children of it.
import { isMainThread } from "node:worker_threads";

if (isMainThread && process.env.BENCH_MEMORY_PROBE === "1" && process.channel) {
  // Children inherit the preload; they answer to somebody else.
  delete process.env.BENCH_MEMORY_PROBE;
  process.on("message", async (message) => {
    if (message?.bench !== "memory") return;
    if (message.collect) await collect();
    process.send({ bench: "memory", usage: process.memoryUsage() });
  });
  process.once("disconnect", () => process.exit(1));
  process.channel.unref();
}

/** Garbage is not what a server needs; it is collected where bytes per thing are counted. */
async function collect() {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import("node:v8"), import("node:vm")]);
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
