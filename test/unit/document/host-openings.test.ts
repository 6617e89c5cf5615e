// How a subscription begins: replay or snapshot, what of the past it hears, and who is not let in.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Opening } from "../../../src/document/documents.js";
import { nameKey } from "../../../src/storage/name-key.js";
import { type BenchClient, boardName, DocumentBench } from "../../support/document-bench.js";

let bench: DocumentBench;
let ann: BenchClient;

beforeEach(async () => {
  bench = new DocumentBench();
  ann = bench.client("ann");
  ann.send("$create", { fill: "x".repeat(500) });
  await bench.settle();
});

afterEach(() => expect(bench.violations).toEqual([]));

const epoch = (): number => bench.rows().at(-1)?.epoch ?? 0;
const kindOf = (opening: Opening | undefined): string | undefined => opening?.kind;
const document = () => bench.disk.documents.get(nameKey(boardName()));

async function notes(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) ann.send("note", `n${n}`);
  await bench.settle();
}

/** Unloads the document with a snapshot at its head. */
async function unload(): Promise<void> {
  await bench.runtime.advance(200_000);
  expect(bench.local.loadedCount).toBe(0);
}

describe("resume", () => {
  it("[OPEN-5] [SEQ-4] replays exactly what was missed, from memory", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    first.leave();
    await notes(5);
    const second = first.reopen();
    await bench.settle();
    expect(second.opening).toMatchObject({ kind: "resume", prev: [epoch(), 1], missed: { length: 5 } });
    expect(second.state).toEqual(bench.durableState());
    await notes(1);
    expect(second.seq).toBe(7);
  });

  it("[OPEN-5] replays from the disk what is older than memory, and goes on", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    first.leave();
    await notes(5);
    await unload();
    const second = first.reopen();
    await notes(1);
    expect(kindOf(second.opening)).toBe("resume");
    await notes(2);
    expect(second.seq).toBe(9);
    expect(second.state).toEqual(bench.durableState());
  });

  it("[OPEN-5] resumes at the very head without a row, also right after a load", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    first.leave();
    await unload();
    const second = first.reopen();
    await bench.settle();
    expect(second.opening).toEqual({ kind: "resume", tag: "", prev: [epoch(), 1], missed: [] });
  });

  it("[SEQ-4] resumes over a change of epoch, by the epoch of each row", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    await notes(2);
    first.leave();
    bench.runtime.jumpWall(5);
    bench.restart();
    await notes(2);
    const second = first.reopen();
    await bench.settle();
    expect(kindOf(second.opening)).toBe("resume");
    expect(second.epoch).not.toBe(first.epoch);
    expect(second.state).toEqual(bench.durableState());
  });

  it("[OPEN-5] takes the snapshot when the replay is larger", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    first.leave();
    for (let n = 0; n < 40; n += 1) ann.send("set", { key: "same", value: `a value ${n}` });
    await bench.settle();
    const second = first.reopen();
    await bench.settle();
    expect(second.opening).toMatchObject({ kind: "reset", gap: false, events: [] });
    expect(second.state).toEqual(bench.durableState());
  });

  it("[OPEN-5] [R15] reads the disk once for all who come back from one position, and for those of others few at a time", async () => {
    const herd = Array.from({ length: 50 }, (_, n) => bench.follow(`bob-${n}`));
    await bench.settle();
    const late = Array.from({ length: 40 }, (_, n) => bench.follow(`late-${n}`));
    for (const one of late) {
      await bench.settle();
      one.leave();
      await notes(1);
      if (late.indexOf(one) === 0) for (const other of herd) other.leave();
    }
    await unload();
    const before = { ...bench.store.counts };
    bench.store.hold("read");
    const back = [...herd, ...late].map((one) => one.reopen());
    await bench.settle();
    expect(bench.store.counts.read - before.read).toBeLessThanOrEqual(16);
    bench.store.letGo("read");
    await bench.settle();
    expect(bench.store.counts.epochAt - before.epochAt).toBeLessThanOrEqual(41);
    for (const one of back) expect(one.state).toEqual(bench.durableState());
    expect(bench.local.figures.take().logReads).toBe(bench.store.counts.epochAt - before.epochAt);
  });

  it("[OPEN-5] asks again for what the disk must tell when reading fails, and calls it no gap", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    first.leave();
    await notes(3);
    await unload();
    bench.store.failNext("read", 3);
    const second = first.reopen();
    await bench.runtime.advance(2_000);
    expect(kindOf(second.opening)).toBe("resume");
    expect(second.state).toEqual(bench.durableState());
  });

  it("[R3] resumes exactly when writes go on while the disk is read", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    first.leave();
    await notes(3);
    await unload();
    bench.store.hold("read");
    const second = first.reopen();
    await notes(2);
    bench.store.holdCommits();
    ann.send("note", "on its way");
    await bench.settle();
    bench.store.letGo("read");
    await bench.settle();
    expect(second.opening).toBeUndefined();
    bench.store.decide("commit");
    bench.store.plan = () => "commit";
    await bench.settle();
    expect(second.seq).toBe(7);
    expect(second.state).toEqual(bench.durableState());
  });

  it("[GATE-1] [R18] asks canOpen again when the disk was read in between", async () => {
    const first = bench.follow("eve");
    await bench.settle();
    first.leave();
    await notes(3);
    await unload();
    bench.store.hold("read");
    const second = first.reopen();
    await bench.settle();
    ann.send("ban", "eve");
    await bench.settle();
    bench.store.letGo("read");
    await bench.settle();
    expect(second.endedWith).toBe("denied");
    expect(second.seq).toBe(1);
  });

  it("[R4] never takes the state of a deleted document for the one created after it", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    first.leave();
    await notes(3);
    await unload();
    bench.store.hold("read");
    bench.store.holdCommits();
    first.reopen();
    await bench.settle();
    ann.send("$delete");
    ann.send("$create", { n: 42 });
    await bench.settle();
    bench.store.letGo("read");
    await bench.settle();
    const carl = bench.follow("carl");
    await bench.settle();
    bench.store.decide("commit");
    bench.store.plan = () => "commit";
    await bench.settle();
    expect(carl.state).toEqual(bench.durableState());
    expect(carl.state).toMatchObject({ n: 42 });
  });
});

describe("reset", () => {
  it("[SEQ-4] trusts no other epoch, no seq ahead of the head, and says that events may be lost", async () => {
    await notes(3);
    for (const held of [
      [epoch() + 1, 2, ""],
      [epoch(), 99, ""],
    ] as const) {
      const follower = bench.follow("bob", { held });
      await bench.settle();
      expect(follower.opening).toMatchObject({ kind: "reset", gap: true });
      expect(follower.state).toEqual(bench.durableState());
    }
  });

  it("[SEQ-4] trusts no other epoch on the disk either", async () => {
    await notes(3);
    await unload();
    const follower = bench.follow("bob", { held: [epoch() + 1, 2, ""] });
    await bench.settle();
    expect(follower.opening).toMatchObject({ kind: "reset", gap: true });
  });

  it("[EVENT-2] says gap for a trimmed position, and for no other", async () => {
    await notes(200);
    await unload();
    expect(document()?.rowAt(50)).toBeUndefined();
    const trimmed = bench.follow("bob", { held: [epoch(), 50, ""] });
    const kept = bench.follow("carl", { held: [epoch(), 150, "!"] });
    await bench.settle();
    expect(trimmed.opening).toMatchObject({ kind: "reset", gap: true });
    expect(kept.gaps).toBe(0);
    expect(kept.opening).toMatchObject({ kind: "reset", gap: false });
    expect(trimmed.state).toEqual(kept.state);
  });

  it.each(["!", "another-view"])(
    "[SEQ-5] [EVENT-2] heals the tag %s with a reset and the events since, without a gap",
    async (tag) => {
      ann.send("say", "before");
      await bench.settle();
      const at = epoch();
      ann.send("say", "one");
      await notes(1);
      ann.send("sayMany", { times: 2, text: "more" });
      await bench.settle();
      const follower = bench.follow("bob", { held: [at, 2, tag] });
      await bench.settle();
      expect(follower.opening).toMatchObject({ kind: "reset", gap: false });
      expect(follower.events.map(({ seq, data }) => [seq, (data as { text: string }).text])).toEqual([
        [3, "one"],
        [5, "more"],
        [5, "more"],
      ]);
    },
  );

  it("[EVENT-1] [EVENT-2] gives each event exactly once over resumes, resets and the disk", async () => {
    let follower = bench.follow("bob");
    const expected: string[] = [];
    await bench.settle();
    for (let round = 0; round < 12; round += 1) {
      const text = `event ${round}`;
      ann.send("say", text);
      expected.push(text);
      if (round % 3 === 1) {
        follower.leave();
        for (let n = 0; n < (round === 4 ? 60 : 2); n += 1) ann.send("set", { key: "same", value: `value ${n}` });
        await bench.settle();
        if (round === 7) await unload();
        ann.send("say", `away ${round}`);
        expected.push(`away ${round}`);
        await bench.settle();
        follower = follower.reopen();
      }
      await bench.settle();
    }
    expect(follower.events.map(({ data }) => (data as { text: string }).text)).toEqual(expected);
    expect(follower.gaps).toBe(0);
  });

  it("[OPEN-4] [R14] shares one snapshot among all who reset at one head", async () => {
    const followers = ["a", "b", "c"].map((id) => bench.follow(id));
    await bench.settle();
    const [first, ...others] = followers.map(({ opening }) =>
      opening?.kind === "reset" ? opening.snapshot : undefined,
    );
    for (const other of others) expect(other).toBe(first);
  });
});

describe("who gets in", () => {
  it("[OPEN-3] creates when asked and allowed; else not_found for creators, denied for strangers", async () => {
    const made = bench.follow("bob", { key: "new", create: { n: 4 } });
    const absent = bench.follow("bob", { key: "absent" });
    const stranger = bench.follow("stranger", { key: "absent", create: true });
    const wrong = bench.follow("bob", { key: "wrong", create: { n: "four" } });
    await bench.settle();
    expect(made.opening).toMatchObject({ kind: "reset" });
    expect(made.state).toMatchObject({ n: 4 });
    expect(absent.endedWith).toBe("not_found");
    expect(stranger.endedWith).toBe("denied");
    expect(wrong.endedWith).toBe("invalid_input");
    expect(bench.durable("wrong")).toBe(0);
  });

  it("[OPEN-1] [R18] refuses one whom canOpen refuses, throws for, or answers with a promise", async () => {
    ann.send("ban", "eve");
    await bench.settle();
    const followers = ["eve", "thrower", "promiser"].map((id) => bench.follow(id));
    await bench.settle();
    expect(followers.map(({ endedWith }) => endedWith)).toEqual(["denied", "denied", "denied"]);
  });

  it("[OPEN-8] serves followers on both sides of a deletion", async () => {
    const before = bench.follow("bob");
    await bench.settle();
    bench.store.holdCommits();
    ann.send("$delete");
    const between = bench.follow("carl");
    ann.send("$create", { n: 7 });
    const after = bench.follow("dora");
    ann.send("add", { by: 1 });
    await bench.settle();
    bench.store.decide("commit");
    await bench.settle();
    expect(before.endedWith).toBe("deleted");
    expect(between.endedWith).toBe("deleted");
    expect(after.state).toMatchObject({ n: 8 });
    expect(after.seq).toBe(bench.durable());
    const returning = before.reopen();
    await bench.settle();
    expect(returning.state).toEqual(bench.durableState());
  });

  it("[OPEN-7] hears nothing when it leaves while the document is loaded, and does not keep it loaded", async () => {
    bench.restart();
    bench.store.hold("load");
    const follower = bench.follow("bob");
    await bench.settle();
    follower.leave();
    bench.store.letGo("load");
    await bench.settle();
    expect(follower.opening).toBeUndefined();
    await unload();
  });

  it("[R12] a damaged document is quarantined and the others serve", async () => {
    ann.send("$create", true, { document: boardName("two") });
    await bench.settle();
    bench.restart();
    const row = document()?.rowsAfter(0)[0];
    if (row !== undefined) Object.assign(row, { operations: '[["~","/nowhere","x"]]' });
    const damaged = bench.follow("bob");
    const healthy = bench.follow("bob", { key: "two" });
    await bench.settle();
    expect(damaged.endedWith).toBe("quarantined");
    expect(healthy.opening).toMatchObject({ kind: "reset" });
    expect(bench.reports.map(({ kind }) => kind)).toContain("documentUnreadable");
  });

  it("[OPEN-1] refuses a document that a newer version wrote", async () => {
    const row = document()?.rowsAfter(0)[0];
    if (row !== undefined) Object.assign(row, { typeVersion: 2 });
    bench.restart();
    const follower = bench.follow("bob");
    const call = ann.send("nothing");
    await bench.settle();
    expect(follower.endedWith).toBe("type_ahead");
    expect(call.answers).toMatchObject([{ kind: "no", code: "type_ahead" }]);
  });
});
