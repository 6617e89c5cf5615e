import { type Json, type JsonObject, jsonCodec, msgpackCodec, type PatchOperation } from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { documentType } from "../../../src/document/definition/document-type.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { nameKey } from "../../../src/storage/name-key.js";
import { fold } from "../../support/document-bench.js";
import { SessionBench } from "../../support/session-bench.js";
import { Viewer } from "../../support/viewer.js";
import { seededRandom } from "../../support/virtual-runtime.js";

/** Stands in every hidden value. */
const MARK = "secret-7c1f";

const game = documentType({
  state: z.object({
    round: z.number(),
    table: z.record(z.string(), z.string()),
    hands: z.record(z.string(), z.array(z.string())),
    deck: z.array(z.string()),
  }),
  hidden: ["hands", "deck"],
  canCreate: () => true,
  canHistory: () => true,
  init: () => ({ round: 0, table: {}, hands: {}, deck: [`${MARK}-first`] }),
  messages: (message) => ({
    deal: message(z.string(), (ctx, to) => {
      ctx.state.hands[to] ??= [];
      ctx.state.hands[to].push(`${MARK}-${ctx.seq}`);
      ctx.state.deck.unshift(`${MARK}-d${ctx.seq}`);
    }),
    play: message(z.object({ who: z.string(), text: z.string() }), (ctx, { who, text }) => {
      ctx.state.round += 1;
      ctx.state.table[who] = `${ctx.state.table[who] ?? ""}${text}`;
      ctx.state.hands[who] = [`${MARK}-${text}`];
    }),
    big: message((ctx) => {
      ctx.state.table["big"] = String(ctx.seq % 10).repeat(900_000);
      ctx.state.hands["big"] = [`${MARK}-${ctx.seq}`];
    }),
    wrong: message(z.string(), (ctx, who) => {
      ctx.state.hands[who] = [1 as never];
    }),
  }),
});

const HIDDEN = ["hands", "deck"];
let disk: MemoryDisk;
let bench: SessionBench;

function stateAt(seq: number): JsonObject | undefined {
  const rows = disk.documents.get(nameKey({ space: "", type: "game", key: "g" }))?.rowsAfter(0) ?? [];
  if (seq > rows.length) return undefined;
  return rows.slice(0, seq).reduce<Json>((state, { operations }) => fold(state, operations), null) as JsonObject;
}

function truth(_viewer: Viewer, seq: number): Json | undefined {
  const state = stateAt(seq);
  return state && Object.fromEntries(Object.entries(state).filter(([part]) => !HIDDEN.includes(part)));
}

const viewer = (who: string, codec = jsonCodec as typeof jsonCodec | typeof msgpackCodec): Viewer =>
  new Viewer({ bench, who, doc: "game/g", codec, truth });

async function turn(...viewers: readonly Viewer[]): Promise<void> {
  await bench.settle();
  for (const each of viewers) each.pump();
}

const clean = (...viewers: readonly Viewer[]): void => {
  for (const each of viewers) {
    expect(each.violations).toEqual([]);
    expect(each.frames.filter((frame) => frame.includes(MARK))).toEqual([]);
    expect(each.compared).toBeGreaterThan(0);
  }
};

beforeEach(() => {
  disk = new MemoryDisk();
  const store = new MemoryStore({ disk, runtime: { now: () => 1_700_000_000_000, random: () => 0.5 } });
  bench = new SessionBench({ types: { game }, store });
});

describe("hidden parts on the wire", () => {
  it("[VIEW-1] [R18] [R4] show nowhere: snapshot, deltas, resume, history, get, refusals; in both codecs", async () => {
    for (let seed = 1; seed <= 6; seed += 1) {
      disk.documents.clear();
      const store = new MemoryStore({ disk, runtime: { now: () => 1_700_000_000_000, random: () => 0.5 } });
      bench = new SessionBench({ types: { game }, store });
      const random = seededRandom(seed);
      const viewers = [viewer("ann"), viewer("bob", msgpackCodec), viewer("cat")];
      for (const each of viewers) {
        await each.connect();
        each.open({ create: true });
      }
      await turn(...viewers);
      for (let step = 0; step < 60; step += 1) {
        const each = viewers[Math.floor(random() * 3)];
        if (each === undefined) continue;
        const chance = random();
        if (!each.isConnected) {
          await each.connect();
          each.open();
        } else if (chance < 0.1) each.cut();
        else if (chance < 0.2) await bench.runtime.advance(10_000);
        else if (chance < 0.5) each.send("deal", each.who);
        else each.send("play", { who: each.who, text: String(step) });
        if (random() < 0.6) await turn(...viewers);
      }
      for (const each of viewers) {
        if (!each.isConnected) await each.connect();
        each.connection.say(["c", 900, "$", "get", { doc: "game/g" }, { born: 1 }]);
        each.connection.say(["c", 901, "$", "get", { doc: "game/g", seq: 2 }, { born: 1 }]);
        each.connection.say(["c", 902, "$", "history", { doc: "game/g" }, { born: 1 }]);
      }
      await turn(...viewers);
      for (const { answers } of viewers) expect(answers.filter(([type]) => type === "ok").length).toBeGreaterThan(2);
      clean(...viewers);
    }
  });

  it("[VIEW-1] [SEQ-3] [SEQ-8] [REQ-2] a transaction of hidden parts only is not pushed, and is told before an answer and in heads", async () => {
    const [ann, bob] = [viewer("ann"), viewer("bob")];
    for (const each of [ann, bob]) {
      await each.connect();
      each.open({ create: true });
      await turn(each);
    }
    const before = bob.frames.length;
    ann.send("deal", "ann");
    await turn(ann, bob);
    expect(bob.frames.length).toBe(before);
    expect(ann.replica.position?.seq).toBe(2);
    await bench.runtime.advance(10_000);
    bob.pump();
    expect(bob.replica.position?.seq).toBe(2);
    clean(ann, bob);
  });

  it("[VIEW-1] [R18] deltas are filtered when they are too large to be kept for a replay", async () => {
    const [ann, bob] = [viewer("ann"), viewer("bob")];
    for (const each of [ann, bob]) {
      await each.connect();
      each.open({ create: true });
      await turn(each);
    }
    for (let calls = 0; calls < 6; calls += 1) ann.send("big");
    await turn(ann, bob);
    expect(bob.replica.position?.seq).toBe(7);
    clean(ann, bob);
  });

  it("[VIEW-2] the list is in the tag: positions of another list are reset", async () => {
    const ann = viewer("ann");
    await ann.connect();
    ann.open({ create: true });
    await turn(ann);
    const [held] = ann.replica.held ?? [];
    expect(held?.[2]).not.toBe("");
    ann.close();
    ann.open({ at: [[held?.[0] ?? 0, 1, ""]] });
    await turn(ann);
    expect(ann.opened.map(({ mode }) => mode[0])).toEqual(["reset", "reset"]);
    ann.close();
    ann.open();
    await turn(ann);
    expect(ann.opened.at(-1)).toMatchObject({ mode: ["resume"], tag: [held?.[2]] });
    clean(ann);
  });

  it("[R18] a write off the schema names the part and nothing below it", async () => {
    const ann = viewer("ann");
    await ann.connect();
    ann.open({ create: true });
    ann.send("wrong", "bob");
    await turn(ann);
    expect(ann.answers).toMatchObject([["no", 1, "invalid_state", expect.any(String), { data: { path: "/hands" } }]]);
  });

  it("[EVENT-1] history pages are filtered with their appended text in place", async () => {
    const ann = viewer("ann");
    await ann.connect();
    ann.open({ create: true });
    ann.send("play", { who: "ann", text: "x" });
    ann.send("play", { who: "ann", text: "y" });
    await turn(ann);
    ann.connection.say(["c", 900, "$", "history", { doc: "game/g", after: 1 }, { born: 1 }]);
    await turn(ann);
    const page = ann.answers.at(-1)?.[3] as unknown as readonly { readonly patch: readonly PatchOperation[] }[];
    expect(page.map(({ patch }) => patch)).toEqual([
      [
        { op: "replace", path: "/round", value: 1 },
        { op: "add", path: "/table/ann", value: "x" },
      ],
      [
        { op: "replace", path: "/round", value: 2 },
        { op: "replace", path: "/table/ann", value: "xy" },
      ],
    ]);
  });
});
