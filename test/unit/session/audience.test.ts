import { beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { documentType } from "../../../src/document/definition/document-type.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { call, SessionBench } from "../../support/session-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const room = documentType({
  state: z.object({ count: z.number() }),
  events: {
    said: { data: z.string() },
    whispered: {
      data: z.string(),
      audience: () => {
        throw new Error("an audience that throws");
      },
    },
  },
  canCreate: () => true,
  init: () => ({ count: 0 }),
  messages: (message) => ({
    say: message(z.string(), (ctx, text) => {
      ctx.state.count += 1;
      ctx.emit("said", text);
      ctx.emit("whispered", text);
    }),
  }),
});

const failures: string[] = [];
let bench: SessionBench;

beforeEach(() => {
  failures.length = 0;
  const store = new MemoryStore({ disk: new MemoryDisk(), runtime: new VirtualRuntime() });
  bench = new SessionBench({
    types: { room },
    store,
    handlerFailed: (_, name, error) => failures.push(`${name}: ${error}`),
  });
});

it("[EVENT-3] an audience that throws lets nobody hear, stops nothing, and is told once", async () => {
  const ann = await bench.greeted("ann");
  ann.say(["open", { s: 1, doc: "room/r", create: true }]);
  await bench.settle();
  ann.wire.take();
  ann.say(call(1, 1, "say", "hello"));
  await bench.settle();
  const deltas = ann.wire.take().filter(([type]) => type === "d");
  expect(deltas).toMatchObject([
    ["d", expect.any(Number), 1, 2, [["=", "/count", 1]], { ev: [[2, expect.any(Number), "said", "hello"]] }],
  ]);
  expect(failures).toEqual(["events.whispered.audience: Error: an audience that throws"]);
});
