// What an operator reads in the log: a real server on a memory of its own is not needed for it, only its parts.
import { expect, it } from "vitest";
import { z } from "zod";
import { documentType } from "../../src/document/definition/document-type.js";
import { makeLogger } from "../../src/observability/logger.js";
import { logFigures } from "../../src/server-figures.js";
import { MemoryDisk } from "../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../src/storage/memory/memory-store.js";
import { SessionBench } from "../support/session-bench.js";
import { VirtualRuntime } from "../support/virtual-runtime.js";

const note = documentType({
  state: z.object({ text: z.string() }),
  canCreate: () => true,
  init: () => ({ text: "" }),
  messages: () => ({}),
});

function logged() {
  const runtime = new VirtualRuntime();
  const bench = new SessionBench({ types: { note }, store: new MemoryStore({ disk: new MemoryDisk(), runtime }) });
  const lines: { figures: object }[] = [];
  const logger = makeLogger("info", { write: (line) => void lines.push(JSON.parse(line)) });
  const sockets = { takeSentAway: () => 0 };
  const stop = logFigures({ ...bench, sockets }, { runtime: bench.runtime, logger, everyMs: 1_000 });
  return { bench, stop, take: () => lines.splice(0).map(({ figures }) => figures) };
}

it("[HEAD-5] [R15] an interval's figures are one line: what clients reported, what was refused, what was built", async () => {
  const { bench, take, stop } = logged();
  await bench.runtime.advance(5_000);
  expect(take()).toEqual([]);
  const ann = await bench.greeted("ann");
  const bob = await bench.greeted("bob", { client: "cd".repeat(16) });
  bench.connect();
  for (const client of [ann, bob]) client.say(["open", { s: 1, doc: "note/a", create: true }]);
  ann.say(["ping", 1, [], { stats: { late: 2 } }]);
  await bench.runtime.advance(1_000);
  expect(take()).toEqual([
    {
      connections: 2,
      newcomers: 1,
      sentAway: 0,
      crowdedOut: 0,
      documents: {
        loaded: 1,
        snapshots: 1,
        snapshotsAgain: 0,
        logReads: 0,
        resumed: 0,
        reset: 2,
        refused: 0,
        turnMaxMs: 0,
        commitMaxMs: 0,
      },
      clients: { reports: 1, counted: { late: { reports: 1, sum: 2, max: 2 } }, measured: {} },
    },
  ]);
  await bench.runtime.advance(1_000);
  expect(take()).toMatchObject([{ documents: { reset: 0 }, clients: { reports: 0 } }]);
  stop();
  await bench.runtime.advance(10_000);
  expect(take()).toEqual([]);
});
