// Commits that fail or are in doubt, stores that answer late or not at all: nothing acked is lost, nothing is told twice.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BenchClient, boardName, DocumentBench } from "../../support/document-bench.js";

let bench: DocumentBench;
let ann: BenchClient;
let bob: BenchClient;

beforeEach(async () => {
  bench = new DocumentBench();
  ann = bench.client("ann");
  bob = bench.client("bob");
  ann.send("$create", true);
  await bench.settle();
  bob.send("nothing");
  await bench.settle();
  bench.left.length = 0;
});

afterEach(() => expect(bench.violations).toEqual([]));

const log = (): readonly string[] => (bench.durableState() as { log: string[] }).log;
const answers = (who: BenchClient): string[] =>
  bench.left.flatMap((left) =>
    left.what === "answer" && left.who === who.client
      ? [left.answer.kind === "ok" ? `ok${left.n}` : `${left.answer.code}${left.n}`]
      : [],
  );

describe("commits in doubt", () => {
  it("[GATE-2] [R6] answers from receipts what was written after all; followers see neither gap nor repeat", async () => {
    const follower = bench.follow("bob");
    bench.store.holdCommits();
    const sent = ann.send("note", "a");
    ann.send("say", "hello");
    await bench.settle();
    bench.store.decide("kept");
    await bench.settle();
    expect(answers(ann)).toEqual(["ok2", "ok3"]);
    expect(sent.answers).toEqual([
      { kind: "ok", at: { epoch: expect.any(Number), seq: 3 }, resultJson: '{"seq":3,"length":1}' },
    ]);
    expect(bench.order()).toEqual(["opened:bob:reset", "d3", "d4", "ok2", "ok3"]);
    expect(follower.events.map(({ seq }) => seq)).toEqual([4]);
    expect(follower.state).toEqual(bench.durableState());
    expect(bench.rows()).toHaveLength(4);
  });

  it("[GATE-2] [R5] runs again in order what was not written", async () => {
    const follower = bench.follow("bob");
    bench.store.holdCommits();
    ann.send("note", "a");
    ann.send("ifLess", 0);
    await bench.settle();
    ann.send("note", "b");
    bob.send("note", "c");
    await bench.settle();
    bench.store.decide("lost");
    await bench.settle();
    ann.send("note", "d");
    bench.store.plan = () => "commit";
    bench.store.decide("commit");
    await bench.settle();
    expect(log()).toEqual(["a", "b", "c", "d"]);
    expect(answers(ann)).toEqual(["ok2", "rejected3", "ok4", "ok5"]);
    expect(follower.state).toEqual(bench.durableState());
  });

  it("[R2] [R8] makes queries, rejections, snapshots and openings at the gate anew: what they rested on never was", async () => {
    bench.store.holdCommits();
    ann.send("add", { by: 5 }, { ifSeq: 2 });
    bob.send("ifLess", 5);
    const total = bob.query("total");
    const get = bob.query("$get");
    const carl = bench.follow("carl");
    bob.send("add", { by: 1 }, { ifSeq: 2 });
    await bench.settle();
    // By the time the first call runs again it is too late for it.
    bench.store.decide("lost");
    bench.store.plan = () => "commit";
    await bench.settle();
    expect(total.answers).toMatchObject([{ kind: "ok", resultJson: "5" }]);
    expect(get.answers).toMatchObject([{ kind: "ok", resultJson: expect.stringContaining('"n":5') }]);
    expect(carl.state).toEqual(bench.durableState());
    expect(carl.seq).toBe(bench.durable());
  });

  it("[R4] never serves a lost state as the snapshot of the transaction that took its seq", async () => {
    bench.store.holdCommits();
    ann.send("note", "lost", { ttlMs: 1_000 });
    const carl = bench.follow("carl");
    await bench.settle();
    bench.store.hold("load");
    bench.store.decide("lost");
    await bench.runtime.advance(2_000);
    bench.store.letGo("load");
    await bench.settle();
    bench.store.plan = () => "commit";
    bob.send("note", "other");
    const dora = bench.follow("dora");
    await bench.settle();
    expect(log()).toEqual(["other"]);
    expect(dora.state).toEqual(bench.durableState());
    expect(carl.state).toEqual(bench.durableState());
  });

  it("[R1] loses nothing acked when one batch is kept and the next is lost", async () => {
    bench.store.holdCommits();
    ann.send("note", "a");
    await bench.settle();
    ann.send("note", "b");
    bench.store.decide("commit");
    await bench.settle();
    bench.store.decide("kept");
    await bench.settle();
    ann.send("note", "c");
    await bench.settle();
    bench.store.decide("lost");
    bench.store.plan = () => "commit";
    await bench.settle();
    expect(log()).toEqual(["a", "b", "c"]);
    expect(answers(ann)).toEqual(["ok2", "ok3", "ok4"]);
  });

  it("[GATE-1] [R18] ends one who was denied by a commit in doubt before its delta", async () => {
    const eve = bench.follow("eve");
    bench.store.holdCommits();
    ann.send("ban", "eve");
    await bench.settle();
    bench.store.decide("kept");
    await bench.settle();
    expect(eve.endedWith).toBe("denied");
    expect(eve.seq).toBe(2);
  });

  it("[OPEN-8] ends followers of a document whose deletion was in doubt, after what came before it", async () => {
    const follower = bench.follow("bob");
    bench.store.holdCommits();
    ann.send("note", "last words");
    ann.send("$delete");
    ann.send("$create", { n: 9 });
    await bench.settle();
    bench.store.decide("kept");
    await bench.settle();
    expect(follower.endedWith).toBe("deleted");
    expect(follower.seq).toBe(3);
    expect(answers(ann)).toEqual(["ok2", "ok3", "ok4"]);
  });

  it("[OPEN-3] creates again by opening what was lost before it was durable", async () => {
    bench.store.holdCommits();
    const follower = bench.follow("bob", { key: "new", create: { n: 3 } });
    await bench.settle();
    bench.store.decide("lost");
    bench.store.plan = () => "commit";
    await bench.settle();
    expect(follower.opening).toMatchObject({ kind: "reset" });
    expect(follower.endedWith).toBeUndefined();
    expect(follower.state).toMatchObject({ n: 3 });
  });

  it("[OPEN-7] forgets one who leaves while the document is loaded again", async () => {
    bench.store.holdCommits();
    ann.send("note", "a");
    const follower = bench.follow("carl");
    await bench.settle();
    bench.store.hold("load");
    bench.store.decide("lost");
    await bench.settle();
    follower.leave();
    bench.store.plan = () => "commit";
    bench.store.letGo("load");
    await bench.settle();
    expect(follower.opening).toBeUndefined();
    await bench.runtime.advance(300_000);
    expect(bench.local.loadedCount).toBe(0);
  });

  it("[R3] delivers what was kept even when reading it fails at first", async () => {
    const follower = bench.follow("bob");
    await bench.settle();
    bench.store.holdCommits();
    ann.send("note", "a");
    await bench.settle();
    bench.store.failNext("read", 2);
    bench.store.decide("kept");
    await bench.runtime.advance(2_000);
    expect(follower.seq).toBe(3);
    expect(follower.state).toEqual(bench.durableState());
  });

  it("[R20] tries again to load, and takes what came meanwhile", async () => {
    bench.restart();
    bench.store.failNext("load", 3);
    ann.send("note", "a");
    const follower = bench.follow("bob");
    await bench.settle();
    expect(bench.left).toEqual([]);
    await bench.runtime.advance(1_000);
    expect(log()).toEqual(["a"]);
    expect(follower.state).toMatchObject({ log: ["a"] });
    expect(bench.reports.filter(({ kind }) => kind === "loadFailed")).toHaveLength(3);
  });

  it("[R19] gives a call back whose commits are lost for ever, in order, and does not spin", async () => {
    bench.store.plan = () => "lost";
    ann.send("note", "a");
    ann.send("note", "b");
    await bench.runtime.advance(30_000);
    expect(answers(ann)).toEqual(["internal2", "internal3"]);
    expect(bench.store.counts.append).toBeLessThan(20);
    bench.store.plan = () => "commit";
    ann.send("note", "b", { n: 3 });
    await bench.settle();
    expect(answers(ann).at(-1)).toBe("internal3");
    ann.send("note", "a", { n: 2 });
    ann.send("note", "b", { n: 3 });
    await bench.runtime.advance(10_000);
    expect(log()).toEqual(["a", "b"]);
  });

  it("[R9] never acks for an owner that was fenced", async () => {
    bench.store.plan = () => "fence";
    ann.send("note", "a");
    await bench.runtime.advance(60_000);
    expect(log()).toEqual([]);
    expect(answers(ann).filter((answer) => answer.startsWith("ok"))).toEqual([]);
    expect(bench.store.counts.append).toBeLessThan(20);
  });

  it("[R19] loses one document of a batch and tells the others of their commit", async () => {
    bench.store.holdCommits();
    ann.send("note", "a");
    const other = ann.send("$create", true, { document: boardName("other") });
    await bench.settle();
    while (bench.store.commitsWaiting > 0) {
      bench.store.decide("commit");
      await bench.settle();
    }
    expect(other.answers).toMatchObject([{ kind: "ok" }]);
  });
});

describe("a full disk", () => {
  it("[GATE-3] [R11] refuses what was certainly not written, serves reads, and goes on when there is room", async () => {
    const follower = bench.follow("bob");
    await bench.settle();
    bench.store.plan = () => "disk_full";
    ann.send("note", "a");
    await bench.settle();
    expect(answers(ann)).toEqual(["disk_full2"]);
    const total = bob.query("total");
    const carl = bench.follow("carl");
    await bench.settle();
    expect(total.answers).toMatchObject([{ kind: "ok" }]);
    expect(carl.state).toEqual(bench.durableState());
    bench.store.plan = () => "commit";
    ann.send("note", "a", { n: 2 });
    await bench.settle();
    expect(log()).toEqual(["a"]);
    expect(follower.seq).toBe(3);
    expect(follower.endedWith).toBeUndefined();
  });

  it("[GATE-3] ends an opening that would create a document on a full disk, and does not try for ever", async () => {
    bench.store.plan = () => "disk_full";
    const follower = bench.follow("bob", { key: "new", create: true });
    await bench.runtime.advance(10_000);
    expect(follower.opening).toEqual({ kind: "ended", code: "disk_full", afterMs: expect.any(Number) });
    expect(bench.store.counts.append).toBeLessThan(5);
  });

  it("[R8] refuses as certainly not written what failed without a doubt", async () => {
    bench.store.plan = () => "failed";
    ann.send("note", "a");
    await bench.settle();
    bench.store.plan = () => "commit";
    expect(bench.left.at(-1)).toMatchObject({ answer: { kind: "no", code: "internal", retry: "after" } });
    ann.send("note", "b", { n: 3 });
    await bench.settle();
    expect(log()).toEqual([]);
    ann.send("note", "a", { n: 2 });
    ann.send("note", "b", { n: 3 });
    await bench.settle();
    expect(log()).toEqual(["a", "b"]);
  });
});
