import {
  type Codec,
  type Json,
  type JsonObject,
  jsonCodec,
  LIMITS,
  msgpackCodec,
  type Principal,
} from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { documentType } from "../../../src/document/definition/document-type.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { nameKey } from "../../../src/storage/name-key.js";
import { ControlledStore } from "../../support/controlled-store.js";
import { fold } from "../../support/document-bench.js";
import { SessionBench } from "../../support/session-bench.js";
import { Viewer } from "../../support/viewer.js";

const computed: Record<string, number> = { shared: 0, mine: 0 };

interface Board {
  readonly cards: Readonly<Record<string, { readonly text: string; readonly score: number }>>;
  readonly hands: Readonly<Record<string, readonly string[]>>;
  readonly banned: Readonly<Record<string, boolean>>;
  readonly broken: string;
}

/** The view functions as they are declared, to be asked again from scratch. */
const views = {
  shared: (state: Board, { search }: { search: string }): object => {
    computed["shared"] = (computed["shared"] ?? 0) + 1;
    if (state.broken === "shared") throw new Error("shared throws");
    const found = Object.entries(state.cards).filter(([, card]) => card.text.includes(search));
    return { ranking: found.sort(([, a], [, b]) => b.score - a.score).map(([, card]) => card), count: found.length };
  },
  of: (state: Board, key: string): Json => {
    computed["mine"] = (computed["mine"] ?? 0) + 1;
    if (state.broken === key) throw new Error("mine throws");
    return [...(state.hands[key] ?? [])];
  },
};

const board = documentType({
  state: z.object({
    cards: z.record(z.string(), z.object({ text: z.string(), score: z.number() })),
    hands: z.record(z.string(), z.array(z.string())),
    banned: z.record(z.string(), z.boolean()),
    broken: z.string(),
    note: z.string(),
  }),
  params: z.object({ search: z.string().default("") }),
  shared: (state, params) => views.shared(state, params),
  mine: { key: (viewer) => String(viewer.claims["team"] ?? viewer.id), of: (state, key) => views.of(state, key) },
  canCreate: () => true,
  canDelete: () => true,
  canHistory: () => true,
  canOpen: (viewer, state) => state.banned[viewer.id] !== true && viewer.claims["out"] !== true,
  init: () => ({ cards: {}, hands: {}, banned: {}, broken: "", note: "" }),
  messages: (message) => ({
    card: message(z.object({ id: z.string(), text: z.string(), score: z.number() }), (ctx, { id, text, score }) => {
      ctx.state.cards[id] = { text, score };
    }),
    deal: message(z.object({ to: z.string(), what: z.string() }), (ctx, { to, what }) => {
      ctx.state.hands[to] ??= [];
      ctx.state.hands[to].push(what);
    }),
    both: message(z.string(), (ctx, who) => {
      ctx.state.cards[who] = { text: who, score: ctx.seq };
      ctx.state.hands[who] = [`card ${ctx.seq}`];
    }),
    note: message(z.string(), (ctx, text) => {
      ctx.state.note = text;
    }),
    ban: message(z.string(), (ctx, who) => {
      ctx.state.banned[who] = true;
    }),
    break: message(z.string(), (ctx, who) => {
      ctx.state.broken = who;
    }),
  }),
});

let disk: MemoryDisk;
let store: ControlledStore;
let bench: SessionBench;
/** The team of each token that has one. */
let teams: Map<string, string>;

const rows = () => disk.documents.get(nameKey({ space: "", type: "board", key: "b" }))?.rowsAfter(0) ?? [];

function stateAt(seq: number): Board | undefined {
  const log = rows();
  if (seq > log.length) return undefined;
  return log.slice(0, seq).reduce<Json>((state, { operations }) => fold(state, operations), null) as unknown as Board;
}

const teamOf = (who: string): string => teams.get(who) ?? who.split("@")[0] ?? who;

function viewer(who: string, options: { params?: JsonObject; codec?: Codec } = {}): Viewer {
  const { params, codec = jsonCodec } = options;
  return new Viewer({
    bench,
    who,
    doc: "board/b",
    codec,
    ...(params === undefined ? {} : { params }),
    truth: (each, seq) => {
      const state = stateAt(seq);
      if (state === undefined) return undefined;
      const search = String(params?.["search"] ?? "");
      return { ...views.shared(state, { search }), mine: views.of(state, teamOf(each.who)) };
    },
  });
}

async function opened(who: string, options: { params?: JsonObject; codec?: Codec } = {}): Promise<Viewer> {
  const each = viewer(who, options);
  await each.connect();
  each.open({ create: true });
  await turn(each);
  return each;
}

async function turn(...viewers: readonly Viewer[]): Promise<void> {
  await bench.settle();
  for (const each of viewers) each.pump();
}

function identify(token: string) {
  const [id = ""] = token.split("@");
  const claims: Record<string, Json> = {};
  const team = teams.get(token);
  if (team !== undefined) claims["team"] = team;
  if (token.endsWith("@out")) claims["out"] = true;
  const principal: Principal = { id, roles: [], claims };
  return { principal, space: "", expiresAt: 1_800_000_000_000 };
}

beforeEach(() => {
  disk = new MemoryDisk();
  teams = new Map();
  store = new ControlledStore(new MemoryStore({ disk, runtime: { now: () => 1_700_000_000_000, random: () => 0.5 } }));
  bench = new SessionBench({ types: { board }, store, identify });
  computed["shared"] = 0;
  computed["mine"] = 0;
});

const clean = (...viewers: readonly Viewer[]): void => {
  for (const each of viewers) expect(each.violations).toEqual([]);
};

describe("views", () => {
  it("[VIEW-3] [R4] shows both layers, and what one commit does to both in one frame", async () => {
    const ann = await opened("ann");
    const bob = await opened("bob", { codec: msgpackCodec });
    expect(ann.state).toEqual({ ranking: [], count: 0, mine: [] });
    const before = ann.frames.length;
    ann.send("both", "ann");
    await turn(ann, bob);
    expect(ann.state).toEqual({ ranking: [{ text: "ann", score: 2 }], count: 1, mine: ["card 2"] });
    expect(bob.state).toEqual({ ranking: [{ text: "ann", score: 2 }], count: 1, mine: [] });
    const moved = ann.frames.slice(before).filter((frame) => frame.includes('"d"'));
    expect(moved.length).toBe(1);
    clean(ann, bob);
  });

  it("[VIEW-3] an unrelated change computes nothing and sends nothing", async () => {
    const ann = await opened("ann");
    const bob = await opened("bob");
    const before = { ...computed };
    const frames = bob.frames.length;
    ann.send("note", "x");
    ann.send("deal", { to: "cat", what: "ace" });
    await bench.settle();
    expect(computed).toEqual(before);
    await turn(ann, bob);
    expect(bob.frames.length).toBe(frames);
    clean(ann, bob);
  });

  it("[VIEW-3] one computation serves all viewers with the same key and parameters", async () => {
    teams.set("ann", "red");
    teams.set("bob", "red");
    const [ann, bob] = [await opened("ann"), await opened("bob", { codec: msgpackCodec })];
    computed["shared"] = 0;
    computed["mine"] = 0;
    ann.send("both", "red");
    await bench.settle();
    expect(computed).toEqual({ shared: 1, mine: 1 });
    await turn(ann, bob);
    expect(bob.state).toEqual(ann.state);
    clean(ann, bob);
  });

  it("[VIEW-4] parameters narrow the view, and those that do not fit end the subscription", async () => {
    const ann = await opened("ann");
    ann.send("card", { id: "1", text: "tide", score: 1 });
    ann.send("card", { id: "2", text: "mark", score: 2 });
    const bob = await opened("bob", { params: { search: "tid" } });
    expect(bob.state).toMatchObject({ ranking: [{ text: "tide" }], count: 1 });
    const cat = viewer("cat", { params: { search: 1 } });
    await cat.connect();
    cat.open();
    await turn(cat);
    expect(cat.frames.join()).toContain('"invalid_params"');
    expect(cat.frames.join()).toContain('"/search"');
    clean(ann, bob);
  });

  it("[OPEN-2] the same document with other parameters is another subscription; with the same a breach", async () => {
    const ann = await opened("ann");
    ann.connection.say(["open", { s: 7, doc: "board/b", params: { search: "x" } }]);
    await bench.settle();
    expect(ann.connection.wire.closed).toBeUndefined();
    ann.connection.say(["open", { s: 8, doc: "board/b", params: {} }]);
    await bench.settle();
    expect(ann.connection.wire.closed).toBeDefined();
  });

  it("[R18] [VIEW-3] get shows the caller's view, at the head and at an older seq", async () => {
    const ann = await opened("ann");
    ann.send("both", "ann");
    ann.send("both", "bob");
    await turn(ann);
    ann.connection.say(["c", 50, "$", "get", { doc: "board/b" }, { born: 1 }]);
    ann.connection.say(["c", 51, "$", "get", { doc: "board/b", seq: 2, params: { search: "zz" } }, { born: 1 }]);
    await turn(ann);
    const [head, older] = ann.answers.slice(-2).map((answer) => answer[3]);
    expect(head).toMatchObject({ state: { count: 2, mine: ["card 2"] }, at: [expect.any(Number), 3] });
    expect(older).toEqual({ state: { count: 0, ranking: [], mine: ["card 2"] }, at: [expect.any(Number), 2] });
  });

  it("[R19] [VIEW-9] a view that throws ends the streams of that view only", async () => {
    const [ann, bob, cat] = [await opened("ann"), await opened("bob"), await opened("cat")];
    ann.send("break", "bob");
    await turn(ann, bob, cat);
    ann.send("both", "ann");
    await turn(ann, bob, cat);
    expect([ann.endedWith, bob.endedWith, cat.endedWith]).toEqual([undefined, "handler_failed", undefined]);
    expect(cat.state).toMatchObject({ count: 1 });
    bob.open();
    await turn(bob);
    expect(bob.endedWith).toBe("handler_failed");
    ann.send("break", "shared");
    await turn(ann, bob, cat);
    expect([ann.endedWith, cat.endedWith]).toEqual(["handler_failed", "handler_failed"]);
    cat.send("break", "");
    await turn(cat);
    ann.open();
    await turn(ann);
    expect(ann.state).toMatchObject({ count: 1, mine: ["card 3"] });
    clean(ann, bob, cat);
  });

  it("[OPEN-1] [R18] ends those who may not follow any more before they see what took their right", async () => {
    const [ann, bob] = [await opened("ann"), await opened("bob")];
    ann.send("ban", "bob");
    ann.send("card", { id: "secret", text: "unseen", score: 1 });
    await turn(ann, bob);
    expect(bob.endedWith).toBe("denied");
    expect(bob.frames.join()).not.toContain("unseen");
    bob.open();
    await turn(bob);
    expect(bob.endedWith).toBe("denied");
    clean(ann, bob);
  });

  it("[VIEW-5] [HELLO-6] a token with another group is told by a second opened: shared goes on, mine is reset", async () => {
    teams.set("ann@red", "red");
    teams.set("ann@blue", "blue");
    const ann = await opened("ann@red");
    const bob = await opened("bob");
    bob.send("deal", { to: "red", what: "rose" });
    bob.send("deal", { to: "blue", what: "sky" });
    await turn(ann, bob);
    expect(ann.state).toMatchObject({ mine: ["rose"] });
    ann.auth("ann@blue");
    await turn(ann, bob);
    expect(ann.opened.at(-1)).toMatchObject({ mode: ["resume", "reset"] });
    expect(ann.state).toMatchObject({ mine: ["sky"] });
    bob.send("deal", { to: "red", what: "thorn" });
    bob.send("both", "blue");
    await turn(ann, bob);
    expect(ann.state).toMatchObject({ mine: [expect.stringContaining("card")] });
    expect(ann.frames.join()).not.toContain("thorn");
    teams.set("ann@out", "blue");
    ann.auth("ann@out");
    await turn(ann, bob);
    expect(ann.endedWith).toBe("denied");
    clean(ann, bob);
  });

  it("[VIEW-5] takes up other rights while the document is being loaded again", async () => {
    teams.set("ann@red", "red");
    teams.set("ann@blue", "blue");
    const [ann, bob, cat] = [await opened("ann@red"), await opened("bob"), await opened("cat")];
    store.plan = () => "lost";
    store.hold("load");
    cat.send("deal", { to: "blue", what: "sky" });
    await turn(ann, bob, cat);
    ann.auth("ann@blue");
    bob.auth("bob@out");
    await turn(ann, bob, cat);
    store.plan = () => "commit";
    store.letGo("load");
    await turn(ann, bob, cat);
    expect(ann.state).toMatchObject({ mine: ["sky"] });
    expect(bob.endedWith).toBe("denied");
    clean(ann, cat);
  });

  it("[GATE-1] [VIEW-6] opens at once from what is released, and shows nothing that is not durable", async () => {
    const ann = await opened("ann");
    store.holdCommits();
    ann.send("both", "ann");
    await turn(ann);
    expect(store.commitsWaiting).toBe(1);
    const bob = await opened("bob");
    expect(bob.state).toEqual({ ranking: [], count: 0, mine: [] });
    expect(ann.state).toEqual({ ranking: [], count: 0, mine: [] });
    store.plan = () => "commit";
    store.decide("lost");
    await turn(ann, bob);
    expect(bob.state).toMatchObject({ count: 1 });
    clean(ann, bob);
  });

  it("[GATE-2] [VIEW-6] an opening whose ground was lost is made again from what is durable", async () => {
    const ann = viewer("ann");
    await ann.connect();
    ann.connection.say(["c", 1, "$", "create", { doc: "board/b" }, { born: bench.runtime.now() }]);
    await bench.settle();
    store.holdCommits();
    ann.connection.say(["c", 2, "board/b", "both", "ann", { born: bench.runtime.now() }]);
    await bench.settle();
    const bob = viewer("bob");
    await bob.connect();
    bob.open();
    await turn(bob);
    expect(bob.state).toBeUndefined();
    store.plan = () => "commit";
    store.decide("disk_full");
    await turn(ann, bob);
    expect(ann.answers.at(-1)?.[2]).toBe("disk_full");
    expect(bob.state).toEqual({ ranking: [], count: 0, mine: [] });
    clean(bob);
  });

  it("[OPEN-8] a deletion ends the views, and a document made again is followed anew", async () => {
    const [ann, bob] = [await opened("ann"), await opened("bob")];
    ann.send("both", "ann");
    await turn(ann, bob);
    store.holdCommits();
    ann.connection.say(["c", 60, "$", "delete", { doc: "board/b" }, { born: bench.runtime.now() }]);
    await bench.settle();
    const cat = viewer("cat");
    await cat.connect();
    cat.open({ create: true });
    // What is deleted in memory is not opened any more, though it is not gone yet.
    const dan = viewer("dan");
    await dan.connect();
    dan.open();
    await turn(dan);
    expect(dan.state).toBeUndefined();
    store.plan = () => "commit";
    store.decide("commit");
    await turn(ann, bob, cat, dan);
    expect(dan.state).toEqual({ ranking: [], count: 0, mine: [] });
    expect([ann.endedWith, bob.endedWith, cat.endedWith]).toEqual(["deleted", "deleted", undefined]);
    expect(cat.state).toEqual({ ranking: [], count: 0, mine: [] });
    ann.open();
    await turn(ann);
    cat.send("both", "cat");
    await turn(ann, cat);
    expect(cat.state).toMatchObject({ count: 1 });
    clean(ann, bob, cat);
  });

  it("[R14] [VIEW-7] bounds the groups of a document and the views of a connection, and says which", async () => {
    const ann = await opened("ann");
    for (let s = 2; s <= LIMITS.viewsPerConnectionMax + 1; s += 1) {
      ann.connection.say(["open", { s, doc: "board/b", params: { search: `x${s}` } }]);
    }
    await turn(ann);
    expect(ann.frames.join()).toContain('"limit":"viewsPerConnectionMax"');
    expect(ann.frames.join()).not.toContain('"limit":"viewGroupsMax"');
    const others: Viewer[] = [];
    for (let group = LIMITS.viewsPerConnectionMax; group <= LIMITS.viewGroupsMax; group += 1) {
      const each = viewer(`u${group}`);
      await each.connect();
      each.open();
      others.push(each);
    }
    await turn(...others);
    expect(others.filter(({ endedWith }) => endedWith !== undefined).map(({ endedWith }) => endedWith)).toEqual([
      "limit_reached",
    ]);
    expect(others.at(-1)?.frames.join()).toContain('"limit":"viewGroupsMax"');
    // A group that nobody follows gives way.
    others[0]?.cut();
    others.at(-1)?.open();
    await turn(...others);
    expect(others.at(-1)?.endedWith).toBeUndefined();
  });
});

/** So much that a replay is shorter than a snapshot. */
async function fill(ann: Viewer, bob: Viewer): Promise<void> {
  for (let id = 0; id < 10; id += 1) ann.send("card", { id: `c${id}`, text: "x".repeat(100), score: id });
  for (let id = 0; id < 10; id += 1) ann.send("deal", { to: "ann", what: "y".repeat(100) });
  await turn(ann, bob);
}

describe("views, resumed", () => {
  it("[VIEW-8] replays both layers in one frame from the ring, also when nobody followed meanwhile", async () => {
    const ann = await opened("ann");
    const bob = await opened("bob");
    await fill(ann, bob);
    ann.cut();
    bob.send("deal", { to: "ann", what: "z" });
    await turn(bob);
    bob.send("both", "bob");
    await turn(bob);
    await ann.connect();
    const before = ann.frames.length;
    ann.open();
    await turn(ann, bob);
    expect(ann.opened.at(-1)).toMatchObject({ mode: ["resume", "resume"] });
    const frames = ann.frames.slice(before).filter((frame) => frame.includes('"d"') || frame.includes('"opened"'));
    expect(frames.length).toBe(1);
    expect(ann.state).toMatchObject({ count: 11, mine: { length: 11 } });
    bob.send("both", "ann");
    await turn(ann, bob);
    clean(ann, bob);
  });

  it("[VIEW-8] forgets a layer a minute after its last viewer", async () => {
    const ann = await opened("ann");
    const bob = await opened("bob");
    await fill(ann, bob);
    ann.cut();
    for (let beat = 0; beat < 7; beat += 1) {
      bob.connection.say(["pong", 1, []]);
      await bench.runtime.advance(10_000);
    }
    bob.pump();
    await ann.connect();
    ann.open({ at: ann.replica.held?.map(([epoch, seq, tag]) => [epoch, seq, tag] as const) ?? [] });
    await turn(ann, bob);
    // The shared layer was kept for bob. Mine was not, but nothing has happened since: it is where it was.
    expect(ann.opened.at(-1)).toMatchObject({ mode: ["resume", "resume"] });
    ann.cut();
    for (let beat = 0; beat < 7; beat += 1) {
      bob.connection.say(["pong", 1, []]);
      await bench.runtime.advance(10_000);
    }
    bob.send("both", "ann");
    await turn(bob);
    await ann.connect();
    ann.open();
    await turn(ann, bob);
    expect(ann.opened.at(-1)).toMatchObject({ mode: ["resume", "reset"] });
    clean(ann, bob);
  });

  it("[VIEW-2] a position of another group, of other parameters or found wrong is reset", async () => {
    const ann = await opened("ann");
    const held = ann.replica.held ?? [];
    const bob = viewer("bob");
    await bob.connect();
    bob.open({ at: held });
    await turn(bob);
    // It never held what it claims of the shared layer; that much it may claim.
    expect(bob.opened.at(-1)).toMatchObject({ mode: ["resume", "reset"] });
    const cat = viewer("ann", { params: { search: "x" } });
    await cat.connect();
    cat.open({ at: held });
    await turn(cat);
    expect(cat.opened.at(-1)).toMatchObject({ mode: ["reset", "reset"] });
    ann.close();
    // One layer of another history.
    const [shared, mine] = held;
    if (shared !== undefined && mine !== undefined) ann.open({ at: [shared, [mine[0] + 1, mine[1], mine[2]]] });
    await turn(ann);
    expect(ann.opened.at(-1)).toMatchObject({ mode: ["resume", "reset"], gap: true });
    ann.close();
    ann.open({ heal: true });
    await turn(ann);
    expect(ann.opened.at(-1)).toMatchObject({ mode: ["reset", "reset"] });
  });
});
