// What looks only, what is bounded, and how a document comes to rest.
import { type Json, LIMITS } from "@tidemark/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nameKey } from "../../../src/storage/name-key.js";
import { type BenchClient, boardName, DocumentBench, type Sent } from "../../support/document-bench.js";

let bench: DocumentBench;
let ann: BenchClient;

beforeEach(async () => {
  bench = new DocumentBench();
  ann = bench.client("ann");
  ann.send("$create", true);
  await bench.settle();
});

afterEach(() => expect(bench.violations).toEqual([]));

const epoch = (): number => bench.rows().at(-1)?.epoch ?? 0;
const resultOf = ({ answers }: Sent): Json => {
  const answer = answers.at(-1);
  return answer?.kind === "ok" ? JSON.parse(answer.resultJson ?? "null") : (answer?.code ?? null);
};

async function ask(client: BenchClient, name: string, input: Json = null): Promise<Json> {
  const sent = client.query(name, input);
  await bench.settle();
  return resultOf(sent);
}

describe("looking", () => {
  it("[REQ-18] $head answers the position, $get the state at it or at an older seq", async () => {
    ann.send("add", { by: 1 });
    ann.send("add", { by: 1 });
    await bench.settle();
    expect(await ask(ann, "$head")).toEqual([epoch(), 3]);
    expect(await ask(ann, "$get")).toEqual({ state: bench.durableState(), at: [epoch(), 3] });
    expect(await ask(ann, "$get", { seq: 2 })).toMatchObject({ state: { n: 1 }, at: [epoch(), 2] });
    expect(await ask(ann, "$get", { seq: 4 })).toBe("not_found");
    expect(await ask(ann, "$get", { seq: 0 })).toBe("not_found");
  });

  it("[REQ-18] $history pages through the log as RFC 6902, appends as whole texts", async () => {
    ann.send("write", "ab");
    ann.send("add", { by: 5 });
    ann.send("write", "cd");
    ann.send("say", "hi");
    ann.send("nothing");
    await bench.settle();
    const all = (await ask(ann, "$history")) as { seq: number; patch: Json; events: Json }[];
    expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(all[3]?.patch).toEqual([{ op: "replace", path: "/text", value: "abcd" }]);
    expect(all[4]?.events).toEqual([{ name: "said", data: { text: "hi" } }]);
    expect(all[5]?.patch).toEqual([]);
    expect(await ask(ann, "$history", { after: 3, limit: 1 })).toEqual([all[3]]);
    expect(await ask(ann, "$history", { after: 3, limit: 0 })).toEqual([all[3]]);
    expect(await ask(ann, "$history", { after: 6 })).toEqual([]);
  });

  it("[REQ-18] says that history was trimmed, and gives what is kept", async () => {
    for (let n = 0; n < 150; n += 1) ann.send("note", "x");
    await bench.runtime.advance(200_000);
    expect(await ask(ann, "$history", { after: 10 })).toBe("history_trimmed");
    expect(await ask(ann, "$get", { seq: 10 })).toBe("history_trimmed");
    expect(await ask(ann, "$history", { after: 140 })).toHaveLength(11);
  });

  it("[REQ-18] knows no state at a tombstone, and the one created after it", async () => {
    ann.send("add", { by: 3 });
    ann.send("$delete");
    ann.send("$create", { n: 8 });
    await bench.settle();
    expect(await ask(ann, "$get", { seq: 2 })).toMatchObject({ state: { n: 3 } });
    expect(await ask(ann, "$get", { seq: 3 })).toBe("not_found");
    expect(await ask(ann, "$get", { seq: 4 })).toMatchObject({ state: { n: 8 } });
  });

  it("[R18] shows history to those who may only", async () => {
    const bob = bench.client("bob");
    expect(await ask(bob, "$history")).toBe("denied");
    expect(await ask(bob, "$get", { seq: 1 })).toBe("denied");
    expect(await ask(bench.client("thrower"), "$head")).toBe("denied");
  });

  it("[REQ-3] a query stands in line behind its client's calls whose window is being read", async () => {
    const bob = bench.client("bob");
    bob.send("add", { by: 1 });
    expect(await ask(bob, "total")).toBe(1);
  });

  it("[GATE-2] a query that reads the log is made again when the document is lost meanwhile", async () => {
    bench.store.hold("read");
    const sent = ann.query("$history");
    bench.store.holdCommits();
    ann.send("add", { by: 1 });
    await bench.settle();
    bench.store.decide("lost");
    bench.store.plan = () => "commit";
    bench.store.letGo("read");
    await bench.settle();
    expect(resultOf(sent)).toHaveLength(1);
  });
});

describe("bounds", () => {
  it("[R14] [R15] executes so much ahead of the disk, keeps so much waiting in order, and refuses the rest", async () => {
    bench.store.holdCommits();
    const total = LIMITS.undurableTransactionsMax + LIMITS.mailboxMax + 10;
    const sent = Array.from({ length: total }, () => ann.send("nothing"));
    expect(sent.filter(({ answers }) => answers.length > 0)).toHaveLength(10);
    expect(sent.at(-1)?.answers).toEqual([{ kind: "no", code: "overloaded", afterMs: expect.any(Number) }]);
    bench.store.plan = () => "commit";
    await bench.settle();
    expect(bench.durable()).toBe(1 + total - 10);
    const seqs = sent.flatMap(({ answers }) =>
      answers.flatMap((answer) => (answer.kind === "ok" ? [answer.at?.seq] : [])),
    );
    expect(seqs).toEqual(Array.from({ length: total - 10 }, (_, index) => index + 2));
  });

  it("[R14] bounds what waits to be said, not only what waits to be written", async () => {
    bench.store.holdCommits();
    ann.send("fill", { key: "a", bytes: 100_000 });
    const queries = Array.from({ length: 1_500 }, () => ann.query("items"));
    const refused = queries.filter(({ answers }) => answers.length > 0);
    expect(refused.length).toBeGreaterThan(300);
    bench.store.plan = () => "commit";
    await bench.settle();
    expect(queries.every(({ answers }) => answers.length === 1)).toBe(true);
  });

  it("[R14] bounds the calls that wait for windows", async () => {
    bench.restart();
    await bench.runtime.advance(0);
    bench.follow("bob");
    await bench.settle();
    bench.store.hold("receipts");
    const sent = Array.from({ length: LIMITS.mailboxMax + 5 }, (_, n) => bench.client(`c${n}`).send("nothing"));
    expect(sent.filter(({ answers }) => answers.length > 0)).toHaveLength(5);
    bench.store.letGo("receipts");
    await bench.settle();
    expect(bench.durable()).toBe(1 + LIMITS.mailboxMax);
  });

  it("[R15] refuses an opening for want of room with a hint", async () => {
    bench.restart();
    bench.store.hold("load");
    for (let n = 0; n < LIMITS.mailboxMax; n += 1) ann.query("total");
    const follower = bench.follow("bob");
    expect(follower.opening).toEqual({ kind: "ended", code: "overloaded", afterMs: expect.any(Number) });
  });
});

describe("rest", () => {
  const document = () => bench.disk.documents.get(nameKey(boardName()));

  it("[R6] unloads only when nobody follows, nothing waits, and no copy of a call can be under way", async () => {
    const follower = bench.follow("bob");
    await bench.runtime.advance(300_000);
    expect(bench.local.loadedCount).toBe(1);
    follower.leave();
    await bench.runtime.advance(59_000);
    expect(bench.local.loadedCount).toBe(1);
    bench.store.holdCommits();
    ann.send("nothing");
    await bench.runtime.advance(300_000);
    expect(bench.local.loadedCount).toBe(1);
    bench.store.plan = () => "commit";
    bench.store.decide("commit");
    await bench.runtime.advance(300_000);
    expect(bench.local.loadedCount).toBe(0);
    expect(bench.audiences.get(nameKey(boardName()))?.retired).toBe(true);
    expect(bench.store.counts.release).toBe(1);
  });

  it("[R6] does not unload while calls wait for receipts that cannot be read", async () => {
    bench.store.failNext("receipts", 1_000);
    const sent = bench.client("bob").send("nothing");
    await bench.runtime.advance(150_000);
    expect(bench.local.loadedCount).toBe(1);
    bench.store.failNext("receipts", 0);
    await bench.runtime.advance(1_000);
    expect(sent.answers).toMatchObject([{ kind: "ok" }]);
  });

  it("[SEQ-7] writes a snapshot when it unloads, and loads the same state from it", async () => {
    ann.send("note", "x");
    await bench.runtime.advance(300_000);
    expect(document()?.snapshot?.seq).toBe(2);
    expect(await ask(ann, "$get")).toMatchObject({ state: bench.durableState() });
  });

  it("[R19] keeps a document loaded until its snapshot could be written", async () => {
    ann.send("note", "x");
    await bench.settle();
    bench.store.failNext("saveSnapshot", 2);
    await bench.runtime.advance(300_000);
    expect(bench.local.loadedCount).toBe(0);
    expect(document()?.snapshot?.seq).toBe(2);
    expect(bench.reports.filter(({ kind }) => kind === "loadFailed")).toHaveLength(2);
  });

  it("[SEQ-7] writes a snapshot once the log has outgrown the last one, durable states only, and trims by the type", async () => {
    bench.store.holdCommits();
    for (let n = 0; n < 600; n += 1) ann.send("add", { by: 1 });
    await bench.settle();
    expect(bench.store.counts.saveSnapshot).toBe(0);
    bench.store.plan = () => "commit";
    bench.store.decide("commit");
    await bench.settle();
    expect(bench.store.counts.saveSnapshot).toBe(1);
    expect(document()?.snapshot).toMatchObject({ seq: 601, body: expect.stringContaining('"n":600') });
    expect(bench.store.trims).toEqual([{ deltas: 100, since: bench.runtime.now() - 7 * 86_400_000 }]);
  });
});
