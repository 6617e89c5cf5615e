// Windows that are forgotten and read again, and documents that fail while they are told of their commit.
import { LIMITS } from "@tidemark/protocol";
import { expect, it } from "vitest";
import type { ClientWindow } from "../../../src/document/client-window.js";
import { ClientWindows } from "../../../src/document/client-windows.js";
import { Committer, type Committing } from "../../../src/document/committer.js";
import type { Append, DocumentStore } from "../../../src/document/document-store.js";
import type { Origin } from "../../../src/document/documents.js";
import { CallWork } from "../../../src/document/work.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { ControlledStore } from "../../support/controlled-store.js";
import { boardName, callerOf } from "../../support/document-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const callOf = (client: string, n = 1, origin: Partial<Origin> = {}): CallWork =>
  new CallWork(
    {
      document: boardName(),
      origin: { caller: callerOf("ann"), client, conn: 1, answer: () => undefined, ...origin },
      ...{ n, name: "nothing", input: null, query: false, low: 0, born: 0, ttlMs: undefined, ifSeq: undefined },
    },
    0,
  );

async function setUp(windowsMax: number) {
  const runtime = new VirtualRuntime();
  const store = new ControlledStore(new MemoryStore({ disk: new MemoryDisk(), runtime }));
  const taken: { readonly client: string; readonly window: ClientWindow }[] = [];
  const windows = new ClientWindows({
    store,
    runtime,
    windowsMax,
    take: ({ call }, window) => void taken.push({ client: call.origin.client, window }),
    failed: (error) => {
      throw error;
    },
  });
  windows.reset((await store.load(boardName())).ref);
  return { runtime, store, windows, taken };
}

it("[R14] forgets the oldest windows beyond the bound, but none that a copy of a call may still need", async () => {
  const { runtime, store, windows, taken } = await setUp(2);
  for (const client of ["a", "b", "c"]) windows.take(callOf(client));
  await runtime.settle();
  windows.evict(100);
  windows.take(callOf("a"));
  expect(store.counts.receipts).toBe(3);
  await runtime.advance(LIMITS.idleUnloadMs + 1);
  windows.evict(100);
  for (const client of ["a", "b", "c"]) windows.take(callOf(client));
  await runtime.settle();
  expect(store.counts.receipts).toBe(4);
  expect(taken).toHaveLength(7);
});

it("[R6] keeps a window whose receipts are not durable yet, and one that is being read", async () => {
  const { runtime, store, windows, taken } = await setUp(0);
  windows.take(callOf("a"));
  await runtime.settle();
  taken[0]?.window.applied({ n: 1, seq: 7, epoch: 1, born: 0, hash: 0, result: undefined });
  store.hold("receipts");
  windows.take(callOf("b"));
  await runtime.advance(LIMITS.idleUnloadMs + 1);
  windows.evict(6);
  expect(windows.waiting).toBe(1);
  windows.take(callOf("a"));
  expect(taken).toHaveLength(2);
  await runtime.advance(LIMITS.idleUnloadMs + 1);
  windows.evict(7);
  windows.take(callOf("a"));
  expect(windows.waiting).toBe(2);
});

it("[R14] of clients that make one call no window outlives its commit, however many come", async () => {
  const { runtime, windows, taken } = await setUp(10_000);
  for (let seq = 1; seq <= 1_000; seq += 1) {
    windows.take(callOf(`key-${seq}`, 1, { callsMax: 1 }));
    await runtime.settle();
    taken.at(-1)?.window.applied({ n: 1, seq, epoch: 1, born: 0, hash: 0, result: undefined });
    // The last ten are not durable yet.
    windows.evict(seq - 10);
  }
  expect(windows.count).toBeLessThan(100);
});

it("[R5] [R6] of passing clients those stay that are being read, not durable, or hold back what comes after", async () => {
  const { runtime, store, windows, taken } = await setUp(10_000);
  const passing = (client: string, callsMax: number, n = 1) => windows.take(callOf(client, n, { callsMax }));
  for (const client of ["latched", "undurable", "done"]) passing(client, 2);
  for (let other = 0; other < 100; other += 1) passing(`other-${other}`, 1);
  await runtime.settle();
  taken[0]?.window.refused(1, { code: "overloaded" });
  taken[1]?.window.applied({ n: 1, seq: 7, epoch: 1, born: 0, hash: 0, result: undefined });
  store.hold("receipts");
  passing("reading", 1);
  windows.evict(6);
  expect(windows.count).toBe(3);
  const before = store.counts.receipts;
  for (const client of ["latched", "undurable"]) passing(client, 2, 2);
  expect(store.counts.receipts).toBe(before);
  passing("done", 2, 2);
  expect(store.counts.receipts).toBe(before + 1);
});

it("[R6] receipts of a client that is new to the world are not looked for, until the document was loaded again", async () => {
  const { store, windows, taken } = await setUp(10_000);
  windows.take(callOf("once-1", 1, { callsMax: 1, isFresh: true }));
  expect([taken.length, store.counts.receipts]).toEqual([1, 0]);
  windows.reset((await store.load(boardName())).ref);
  windows.take(callOf("once-1", 1, { callsMax: 1, isFresh: true }));
  expect(store.counts.receipts).toBe(1);
});

it("[R19] loses the document that throws when it is told of its commit, and tells the others", async () => {
  const runtime = new VirtualRuntime();
  const store: Pick<DocumentStore, "append"> = { append: async (batch) => batch.map(() => "committed") };
  const committer = new Committer({ store: store as DocumentStore, runtime });
  const heard: string[] = [];
  const document = (name: string, committed: () => void): Committing => ({
    take: (): Append => ({ ref: { name: boardName(name) }, transactions: [] }),
    committed,
    fenced: () => void heard.push(`${name} fenced`),
    lost: ({ certainty }) => void heard.push(`${name} lost ${certainty}`),
  });
  committer.enqueue(
    document("a", () => {
      throw new Error("a bug");
    }),
  );
  committer.enqueue(document("b", () => void heard.push("b committed")));
  await runtime.settle();
  expect(heard).toEqual(["a lost indeterminate", "b committed"]);
});
