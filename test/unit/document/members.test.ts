// Who is here, durably: one transaction for each coming and going of a person, and none for anything between.
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { resolveType } from "../../../src/document/definition/resolved-type.js";
import { TransactionKind } from "../../../src/document/document-store.js";
import { documentType } from "../../../src/index.js";
import type { BenchFollower } from "../../support/document-bench.js";
import { DocumentBench } from "../../support/document-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const room = resolveType(
  documentType({
    state: z.object({ here: z.record(z.string(), z.number()), log: z.array(z.string()), closed: z.boolean() }),
    init: () => ({ here: {}, log: [], closed: false }),
    events: { came: { data: z.string() } },
    messages: (message) => ({
      close: message((ctx) => {
        ctx.state.closed = true;
      }),
      fill: message((ctx) => ctx.emit("came", "x".repeat(900_000))),
    }),
    canCreate: () => true,
    canOpen: (viewer, state) => !state.closed || viewer.id === "ann",
    canDelete: () => true,
    members: {
      graceMs: 5_000,
      joined(ctx, who) {
        if (who.id === "loud") throw new Error("not this one");
        if (who.id === "shy") ctx.reject("shy");
        ctx.state.here[who.id] = ctx.seq;
        ctx.state.log.push(`+${who.id}`);
        ctx.emit("came", who.id);
      },
      left(ctx, id) {
        if (id === "later") return Promise.resolve() as never;
        delete ctx.state.here[id];
        ctx.state.log.push(`-${id}`);
      },
    },
  }),
);

let bench: DocumentBench;

interface RoomState {
  readonly here: Readonly<Record<string, number>>;
  readonly log: readonly string[];
}

/** The durable state; nothing of it says otherwise than the log. */
const state = (of = bench): RoomState => of.durableState() as unknown as RoomState;

beforeEach(async () => {
  bench = new DocumentBench({ type: room, idleMs: 60_000 });
  bench.client("owner", { roles: ["service"] }).send("$create", true);
  await bench.settle();
});

describe("members", () => {
  it("come with their first connection, and go when the last one has been gone for the grace", async () => {
    const [one, two] = [bench.follow("ann"), bench.follow("ann")];
    await bench.settle();
    expect(state().log).toEqual(["+ann"]);
    // It was told of the room before it changed it.
    expect(one.events).toMatchObject([{ name: "came", data: "ann" }]);
    one.leave();
    await bench.runtime.advance(60_000);
    expect(state().log).toEqual(["+ann"]);
    two.leave();
    await bench.runtime.advance(4_999);
    expect(state().log).toEqual(["+ann"]);
    await bench.runtime.advance(2);
    expect(state()).toMatchObject({ here: {}, log: ["+ann", "-ann"] });
    expect(
      bench
        .rows()
        .map(({ kind, subject }) => [kind, subject])
        .slice(1),
    ).toEqual([
      [TransactionKind.joined, "ann"],
      [TransactionKind.left, "ann"],
    ]);
    expect(bench.violations).toEqual([]);
  });

  it("are given the whole grace each time", async () => {
    const ann = bench.follow("ann");
    await bench.settle();
    ann.leave();
    await bench.runtime.advance(4_000);
    const again = bench.follow("ann");
    await bench.settle();
    again.leave();
    await bench.runtime.advance(4_000);
    expect(state().log).toEqual(["+ann"]);
    await bench.runtime.advance(1_001);
    expect(state().log).toEqual(["+ann", "-ann"]);
  });

  it("[R14] wait until there is room for what is not durable", async () => {
    const ann = bench.follow("ann");
    await bench.settle();
    bench.store.holdCommits();
    const owner = bench.client("ann");
    for (let n = 0; n < 10; n += 1) owner.send("fill");
    ann.leave();
    await bench.runtime.advance(6_000);
    bench.store.plan = () => "commit";
    bench.store.decide("commit");
    await bench.settle();
    expect(state().log).toEqual(["+ann", "-ann"]);
    expect(
      bench
        .rows()
        .map(({ kind }) => kind)
        .lastIndexOf(TransactionKind.left),
    ).toBeGreaterThan(8);
  });

  it("write nothing when a whole herd reconnects within the grace", async () => {
    const names = [...Array(100).keys()].map((n) => `p${n}`);
    const herd = names.map((name) => bench.follow(name));
    await bench.settle();
    const before = bench.durable();
    expect(before).toBe(101);
    for (const one of herd) one.leave();
    await bench.runtime.advance(3_000);
    for (const name of names) bench.follow(name);
    await bench.runtime.advance(60_000);
    expect(bench.durable()).toBe(before);
  });

  it("[R1] are still members after a crash; who does not come back has left", async () => {
    bench.follow("ann");
    bench.follow("bob");
    await bench.settle();
    bench.restart();
    await bench.runtime.advance(60_000);
    expect(state().log).toEqual(["+ann", "+bob"]);
    // Whoever loads it wakes it: bob is given his grace from then on.
    bench.follow("ann");
    await bench.runtime.advance(4_900);
    expect(state().log).toEqual(["+ann", "+bob"]);
    await bench.runtime.advance(200);
    expect(state().log).toEqual(["+ann", "+bob", "-bob"]);
  });

  it("[R1] are kept by a snapshot when the log is gone", async () => {
    const ann = bench.follow("ann");
    const bob = bench.follow("bob");
    await bench.settle();
    const owner = bench.client("ann");
    for (let n = 0; n < 600; n += 1) owner.send("close");
    await bench.settle();
    const stored = bench.disk.documents.get("\u0000board\u0000one") ?? [...bench.disk.documents.values()][0];
    expect(stored?.snapshot?.body).toMatch(/^\[\{.*\},\["ann","bob"\]\]$/);
    ann.leave();
    bob.leave();
    bench.restart();
    bench.follow("ann");
    await bench.runtime.advance(10_000);
    expect(state().log).toEqual(["+ann", "+bob", "-bob"]);
  });

  it("come and go though what is done for them fails, which is undone and reported", async () => {
    const followers = ["loud", "shy", "later"].map((name) => bench.follow(name));
    await bench.settle();
    expect(state()).toMatchObject({ here: { later: expect.any(Number) }, log: ["+later"] });
    for (const follower of followers) follower.leave();
    await bench.runtime.advance(60_000);
    expect(state().log).toEqual(["+later", "-loud", "-shy"]);
    expect(bench.reports.map(({ kind }) => kind)).toEqual(["handlerFailed", "handlerFailed"]);
    expect(bench.rows().filter(({ kind }) => kind === TransactionKind.left)).toHaveLength(3);
  });

  it("leave, too, who lost the right to follow, or whose document is deleted and made again", async () => {
    bench.follow("ann");
    bench.follow("bob");
    await bench.settle();
    bench.client("ann").send("close");
    await bench.runtime.advance(6_000);
    expect(state().log).toEqual(["+ann", "+bob", "-bob"]);
    const owner = bench.client("owner", { roles: ["service"] });
    owner.send("$delete");
    owner.send("$create", true);
    await bench.runtime.advance(20_000);
    expect(state().log).toEqual([]);
    bench.follow("ann");
    await bench.settle();
    expect(state().log).toEqual(["+ann"]);
  });

  it("[R2] are no members before it is durable, and come again after a commit was lost", async () => {
    bench.store.holdCommits();
    const ann = bench.follow("ann");
    await bench.settle();
    expect([ann.isAttached, ann.events, state().log]).toEqual([true, [], []]);
    bench.store.decide("lost");
    await bench.settle();
    bench.store.plan = () => "commit";
    await bench.runtime.advance(2_000);
    expect(state().log).toEqual(["+ann"]);
    expect(ann.events).toHaveLength(1);
  });

  it("[R11] ask a full disk once a second and no more", async () => {
    bench.store.plan = () => "disk_full";
    bench.follow("ann");
    await bench.runtime.advance(10_000);
    expect(bench.store.counts.append).toBeGreaterThan(5);
    expect(bench.store.counts.append).toBeLessThan(15);
    bench.store.plan = () => "commit";
    await bench.runtime.advance(2_000);
    expect(state().log).toEqual(["+ann"]);
  });

  it("keep their document loaded until they have left, and no longer", async () => {
    const ann = bench.follow("ann");
    await bench.settle();
    ann.leave();
    await bench.runtime.advance(200_000);
    expect([state().log, bench.local.loadedCount]).toEqual([["+ann", "-ann"], 0]);
  });

  it("begin nothing when the process is about to end", async () => {
    const ann = bench.follow("ann");
    await bench.settle();
    ann.leave();
    await bench.local.stop();
    await bench.runtime.advance(60_000);
    expect(state().log).toEqual(["+ann"]);
  });
});

const deed = fc.record({
  what: fc.constantFrom("come", "come", "go", "crash", "call", "delete", "unload"),
  who: fc.constantFrom("ann", "bob", "cid"),
  fate: fc.constantFrom("commit", "commit", "commit", "lost", "kept", "failed", "disk_full"),
  waitMs: fc.constantFrom(0, 1, 1_000, 4_999, 5_001, 9_000),
});

it("[R1] [R3] [R6] members come and go in turns, and in the end those are who are here", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 40 }), async (deeds) => {
      const chance = new VirtualRuntime({ seed: 1 });
      const own = new DocumentBench({ type: room, idleMs: 60_000 });
      own.client("owner", { roles: ["service"] }).send("$create", true);
      await own.settle();
      let here: BenchFollower[] = [];
      for (const { what, who, fate, waitMs } of deeds) {
        own.store.plan = () => (chance.random() < 0.5 ? "commit" : fate);
        if (what === "come") here.push(own.follow(who, { create: true }));
        if (what === "go") here.shift()?.leave();
        if (what === "crash") {
          own.restart();
          for (const follower of here) follower.isAttached = false;
          here = here.map((follower) => own.follow(follower.name, { create: true }));
        }
        if (what === "call") own.client(who).send("close");
        if (what === "delete") own.client("owner", { roles: ["service"] }).send("$delete");
        await own.runtime.advance(what === "unload" ? 150_000 : waitMs);
      }
      own.store.plan = () => "commit";
      // Nobody has left a document that nobody loads.
      own.client("owner", { roles: ["service"] }).send("nothing");
      await own.runtime.advance(60_000);
      const present = new Set<string>();
      for (const { kind, subject } of own.rows()) {
        if (kind === TransactionKind.delete) present.clear();
        if (kind === TransactionKind.joined) {
          expect(present.has(subject)).toBe(false);
          present.add(subject);
        }
        if (kind === TransactionKind.left) expect(present.delete(subject)).toBe(true);
      }
      const attached = new Set(here.filter(({ isAttached }) => isAttached).map(({ name }) => name));
      expect([...present].sort()).toEqual([...attached].sort());
      const durable = own.durableState() as unknown as RoomState | null;
      if (attached.size > 0) expect(Object.keys(durable?.here ?? {}).sort()).toEqual([...attached].sort());
      expect(own.violations).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
