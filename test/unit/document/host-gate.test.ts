// Nothing that follows from a transaction leaves before it is durable, and what leaves is in order.
import { beforeEach, describe, expect, it } from "vitest";
import { type BenchClient, DocumentBench } from "../../support/document-bench.js";

let bench: DocumentBench;
/** Her window has been read, so that her calls run as they come. */
let ann: BenchClient;

beforeEach(async () => {
  bench = new DocumentBench();
  ann = bench.client("ann");
  ann.send("$create", true);
  await bench.settle();
  bench.left.length = 0;
  bench.store.holdCommits();
});

describe("output gate", () => {
  it("[GATE-1] [R2] holds ok, rejection, query, opening and refusal back until the commit is durable", async () => {
    ann.send("add", { by: 10 });
    ann.send("ifLess", 5);
    ann.query("total");
    ann.query("$head");
    ann.query("$get");
    bench.follow("bob");
    ann.send("ban", "eve");
    bench.follow("eve");
    await bench.settle();
    expect(bench.order()).toEqual([]);
    bench.store.decide("commit");
    await bench.settle();
    expect(bench.order()).toEqual([
      "d2",
      "ok2",
      "no3",
      "ok4",
      "ok5",
      "ok6",
      "opened:bob:reset",
      "d3",
      "ok7",
      "opened:eve:ended",
    ]);
    expect(bench.violations).toEqual([]);
  });

  it("[GATE-1] holds back what rests on the second of two commits when only the first is durable", async () => {
    ann.send("add", { by: 1 });
    await bench.settle();
    ann.send("add", { by: 1 });
    ann.query("total");
    bench.store.decide("commit");
    await bench.settle();
    expect(bench.order()).toEqual(["d2", "ok2"]);
    bench.store.decide("commit");
    await bench.settle();
    expect(bench.order()).toEqual(["d2", "ok2", "d3", "ok3", "ok4"]);
  });

  it("[REQ-2] lets the delta out before the ok", async () => {
    bench.store.plan = () => "commit";
    bench.follow("ann");
    await bench.settle();
    ann.send("add", { by: 1 });
    await bench.settle();
    expect(bench.order()).toEqual(["opened:ann:reset", "d2", "ok2"]);
  });

  it("[GATE-1] holds a repeat of an applied call back like its first answer", async () => {
    const sent = ann.send("add", { by: 1 });
    ann.repeat(sent);
    await bench.settle();
    expect(sent.answers).toEqual([]);
    bench.store.decide("commit");
    await bench.settle();
    expect(sent.answers).toHaveLength(2);
    expect(sent.answers[0]).toEqual(sent.answers[1]);
  });

  it("[SEQ-7] [R3] splits a batch at an opening: followers get all of it, the new one what follows its snapshot", async () => {
    bench.store.plan = () => "commit";
    const early = bench.follow("early");
    await bench.settle();
    bench.store.holdCommits();
    ann.send("note", "a");
    ann.send("note", "b");
    const middle = bench.follow("middle");
    ann.send("note", "c");
    const late = bench.follow("late");
    await bench.settle();
    bench.store.decide("commit");
    await bench.settle();
    expect(bench.order()).toEqual([
      "opened:early:reset",
      ...["d2", "d3", "ok2", "ok3", "opened:middle:reset", "d4", "ok4", "opened:late:reset"],
    ]);
    for (const follower of [early, middle, late]) {
      expect(follower.seq).toBe(4);
      expect(follower.state).toEqual(bench.durableState());
    }
    expect(bench.violations).toEqual([]);
  });

  it("[GATE-1] [R18] ends a follower that a transaction denies before that transaction's delta", async () => {
    bench.store.plan = () => "commit";
    const eve = bench.follow("eve");
    const bob = bench.follow("bob");
    await bench.settle();
    bench.store.holdCommits();
    ann.send("note", "eve may see this");
    ann.send("ban", "eve");
    ann.send("note", "eve must not see this");
    await bench.settle();
    expect(eve.endedWith).toBeUndefined();
    bench.store.decide("commit");
    await bench.settle();
    expect(eve.endedWith).toBe("denied");
    expect(eve.seq).toBe(2);
    expect(bob.seq).toBe(4);
  });

  it("[GATE-1] opens and then ends one whose opening waited when it was denied", async () => {
    ann.send("note", "x");
    bench.follow("eve");
    ann.send("ban", "eve");
    await bench.settle();
    bench.store.decide("commit");
    await bench.settle();
    expect(bench.order()).toEqual(["d2", "ok2", "opened:eve:reset", "ended:eve:denied", "d3", "ok3"]);
  });

  it("[OPEN-8] ends followers of a deleted document before the tombstone", async () => {
    bench.store.plan = () => "commit";
    const bob = bench.follow("bob");
    await bench.settle();
    ann.send("$delete");
    await bench.settle();
    expect(bench.order().slice(1)).toEqual(["ended:bob:deleted", "d2", "ok2"]);
    expect(bob.seq).toBe(1);
  });

  it("[OPEN-7] forgets a follower that leaves while its opening waits at the gate", async () => {
    ann.send("note", "x");
    const bob = bench.follow("bob");
    await bench.settle();
    bob.leave();
    bench.store.decide("commit");
    await bench.settle();
    expect(bob.opening).toBeUndefined();
    expect(bench.order()).toEqual(["d2", "ok2"]);
  });

  it("[R3] the followers' fold is the state, whatever the batches", async () => {
    bench.store.plan = () => "commit";
    const bob = bench.follow("bob");
    for (let round = 0; round < 5; round += 1) {
      ann.send("write", "text ");
      ann.send("set", { key: `k${round}`, value: { deep: [round] } });
      ann.send("note", "n");
      ann.send("nothing");
      await bench.settle();
    }
    expect(bob.state).toEqual(bench.durableState());
    expect(bob.seq).toBe(bench.durable());
    expect(bench.violations).toEqual([]);
  });
});
