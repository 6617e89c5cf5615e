import { type Codec, type Json, type JsonObject, jsonCodec, msgpackCodec, type Principal } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { DocumentType } from "../../../src/document/definition/definition.js";
import { documentType } from "../../../src/document/definition/document-type.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { nameKey } from "../../../src/storage/name-key.js";
import { ControlledStore, type Fate } from "../../support/controlled-store.js";
import { fold } from "../../support/document-bench.js";
import { SessionBench } from "../../support/session-bench.js";
import { Viewer } from "../../support/viewer.js";
import { seededRandom } from "../../support/virtual-runtime.js";

const SEEDS = 150;
const STEPS = 120;
const GROUPS = ["g0", "g1", "g2"];

interface Item {
  readonly n: number;
  readonly tag: string;
  readonly text: string;
}
type Table = Readonly<Record<string, Item>>;
interface State {
  readonly a: Table;
  readonly b: Table;
  readonly list: readonly Item[];
  /** By group: nobody else may see any of it. */
  readonly secret: Readonly<Record<string, { readonly words: readonly string[]; readonly flag: boolean }>>;
  /** Nobody at all. */
  readonly hidden: Readonly<Record<string, string>>;
  readonly flag: boolean;
}

/** Parts that views are made of: they alias the state, filter, sort, group, and make things anew. */
const PARTS: readonly ((state: State, min: number) => unknown)[] = [
  (state) => state.a,
  (state) => state.list,
  (state) => state.a["k1"] ?? null,
  (state) => ({ one: state.b["k2"] ?? null, here: "k2" in state.b }),
  (state, min) => Object.values(state.a).filter(({ n }) => n >= min),
  (state) => Object.values(state.a).sort((one, other) => other.n - one.n || one.text.localeCompare(other.text)),
  (state) => [...state.list].sort((one, other) => one.n - other.n).map(({ n, tag }) => ({ n, tag })),
  (state) => grouped(Object.values(state.b)),
  (state, min) => Object.fromEntries(Object.entries(state.b).filter(([, { n }]) => n > min)),
  (state) => (state.flag ? state.a : state.list),
  (state) => state.list.reduce((sum, { n }) => sum + n, 0),
  (state) => state.list.map(({ text }) => text).join(" "),
  (state) => [state.list[0] ?? null, state.list.at(-1) ?? null, state.a["k1"] ?? null],
  (state) => Object.keys(state.secret).length,
];

function grouped(items: readonly Item[]): Record<string, Item[]> {
  const groups: Record<string, Item[]> = {};
  for (const item of items) groups[item.tag] = [...(groups[item.tag] ?? []), item];
  return groups;
}

/** What handlers get. */
interface Ctx {
  readonly state: Draft<State>;
  readonly seq: number;
  emit(event: string, data: unknown): void;
}

interface Params {
  readonly min: number;
}

type Declare = (schema: z.ZodType, handler: (ctx: Ctx, input: never) => unknown) => unknown;

interface World {
  readonly type: DocumentType;
  readonly truth: (state: State, group: string, min: number) => Json;
  readonly hasMine: boolean;
}

function worldOf(random: () => number): World {
  const chosen = Array.from({ length: 1 + Math.floor(random() * 4) }, () => PARTS[Math.floor(random() * PARTS.length)]);
  const kind = ["shared", "shared+mine", "hidden+mine"][Math.floor(random() * 3)];
  const shared = (state: State, min: number): object =>
    Object.fromEntries(chosen.map((part, index) => [`p${index}`, part?.(state, min)]));
  const rest = ({ secret: _secret, hidden: _hidden, ...shown }: State): object => shown;
  const scalar = random() < 0.3;
  const mineOf = (state: State, key: string, min: number): unknown => {
    const own = state.secret[key];
    if (scalar) return own?.words.length ?? 0;
    return { own: own ?? null, last: own?.words.at(-1) ?? null, top: state.list.filter(({ n }) => n > min) };
  };
  const hasMine = kind !== "shared";
  const look = kind === "hidden+mine" ? rest : shared;
  const item = z.object({ n: z.number(), tag: z.string(), text: z.string() });
  const type = Reflect.apply(documentType, undefined, [
    {
      state: z.object({
        a: z.record(z.string(), item),
        b: z.record(z.string(), item),
        list: z.array(item),
        secret: z.record(z.string(), z.object({ words: z.array(z.string()), flag: z.boolean() })),
        hidden: z.record(z.string(), z.string()),
        flag: z.boolean(),
      }),
      params: z.object({ min: z.number().default(2) }),
      events: {
        all: { data: z.string() },
        some: {
          data: z.object({ to: z.string(), word: z.string() }),
          audience: ({ to }: { to: string }, viewKey: string) => to === viewKey,
        },
      },
      hidden: kind === "shared+mine" && random() < 0.5 ? ["hidden"] : ["hidden", "secret"],
      ...(kind === "hidden+mine" ? {} : { shared: (state: State, { min }: Params) => shared(state, min) }),
      ...(hasMine
        ? {
            mine: {
              key: (viewer: Principal) => String(viewer.claims["group"]),
              of: (state: State, key: string, { min }: Params) => mineOf(state, key, min),
            },
          }
        : {}),
      canCreate: () => true,
      canOpen: (viewer: Principal, state: State) => state.hidden[`ban ${viewer.id}`] !== "yes",
      init: () => ({ a: {}, b: {}, list: [], secret: {}, hidden: {}, flag: false }),
      messages: (message: Declare) => ({
        write: message(z.object({ seed: z.number() }), (ctx, { seed }: { seed: number }) => {
          const chance = seededRandom(seed);
          for (let writes = Math.floor(chance() * 4); writes > 0; writes -= 1) write(ctx.state, chance, ctx.seq);
          if (chance() < 0.3) ctx.emit("all", `all ${ctx.seq}`);
          const to = GROUPS[Math.floor(chance() * 3)] ?? "";
          if (chance() < 0.4) ctx.emit("some", { to: hasMine ? to : "", word: `mark-${to}-e${ctx.seq}` });
          if (chance() < 0.2) ctx.emit("all", `again ${ctx.seq}`);
          return null;
        }),
        ban: message(
          z.object({ who: z.string(), yes: z.boolean() }),
          (ctx, { who, yes }: { who: string; yes: boolean }) => {
            ctx.state.hidden[`ban ${who}`] = yes ? "yes" : "no";
          },
        ),
      }),
    },
  ]) as DocumentType;
  return {
    type,
    hasMine,
    truth: (state, group, min) => {
      const view = JSON.parse(JSON.stringify(look === rest ? rest(state) : shared(state, min))) as JsonObject;
      return hasMine ? { ...view, mine: JSON.parse(JSON.stringify(mineOf(state, group, min))) } : view;
    },
  };
}

type Draft<T> = T extends object ? { -readonly [K in keyof T]: Draft<T[K]> } : T;

/** One write of a handler, by chance. */
function write(state: Draft<State>, chance: () => number, seq: number): void {
  const pick = (count: number): number => Math.floor(chance() * count);
  const item = (): Draft<Item> => ({ n: pick(6), tag: `t${pick(3)}`, text: `x${seq}` });
  const table = chance() < 0.5 ? state.a : state.b;
  const key = `k${pick(5)}`;
  const group = GROUPS[pick(3)] ?? "g0";
  switch (pick(12)) {
    case 0:
    case 1:
      table[key] = item();
      return;
    case 2:
      delete table[key];
      return;
    case 3: {
      const one = table[key];
      if (one !== undefined) one.n = pick(6);
      return;
    }
    case 4: {
      const one = table[key];
      if (one !== undefined) one.text += "+";
      return;
    }
    case 5:
      state.list.splice(pick(4), pick(2), item());
      return;
    case 6:
      if (state.list.length > 0) state.list.splice(pick(state.list.length), 1);
      return;
    case 7:
      state.list.sort((one, other) => one.n - other.n);
      return;
    case 8:
      state.secret[group] ??= { words: [], flag: false };
      state.secret[group].words.push(`mark-${group}-s${seq}`);
      if (state.secret[group].words.length > 4) state.secret[group].words.shift();
      return;
    case 9:
      state.hidden[key] = `mark-hidden-${seq}`;
      return;
    case 10:
      state.flag = !state.flag;
      return;
    default: {
      const moved = state.a[key];
      if (moved === undefined) return;
      delete state.a[key];
      state.b[key] = moved;
    }
  }
}

/** One run of a server that may be started again on the same disk. */
class Run {
  readonly random: () => number;
  readonly world: World;
  readonly disk = new MemoryDisk();
  readonly viewers: Viewer[] = [];
  readonly states: State[] = [];
  readonly groups = new Map<string, string>();
  bench: SessionBench;
  resumes = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.world = worldOf(this.random);
    this.bench = this.#start();
    for (let index = 0; index < 5; index += 1) this.viewers.push(this.#viewer(index));
  }

  get rows() {
    return this.disk.documents.get(nameKey({ space: "", type: "doc", key: "x" }))?.rowsAfter(0) ?? [];
  }

  stateAt(seq: number): State | undefined {
    const { rows } = this;
    if (seq > rows.length) return undefined;
    for (let at = this.states.length; at < seq; at += 1) {
      const before = (this.states[at - 1] ?? null) as unknown as Json;
      this.states.push(fold(before, rows[at]?.operations ?? "[]") as unknown as State);
    }
    return this.states[seq - 1];
  }

  async step(): Promise<void> {
    const each = this.viewers[Math.floor(this.random() * this.viewers.length)];
    if (each === undefined) return;
    const chance = this.random();
    if (!each.isConnected) {
      await each.connect();
      each.open({ create: true });
    } else if (each.endedWith !== undefined) each.open({ create: true });
    else if (chance < 0.08) each.cut();
    else if (chance < 0.12) {
      each.close();
      each.open({ create: true });
    } else if (chance < 0.16) await this.#regroup(each);
    else if (chance < 0.2) await this.bench.runtime.advance(10_000);
    else if (chance < 0.22) each.send("ban", { who: `u${Math.floor(this.random() * 5)}`, yes: this.random() < 0.3 });
    else if (chance < 0.23) this.#restart();
    else each.send("write", { seed: Math.floor(this.random() * 1e9) });
    if (this.random() < 0.5) await this.turn();
  }

  async turn(): Promise<void> {
    await this.bench.settle();
    for (const each of this.viewers) each.pump();
  }

  async #regroup(each: Viewer): Promise<void> {
    const [id = ""] = each.who.split("@");
    const token = `${id}@${GROUPS[Math.floor(this.random() * 3)]}`;
    await this.turn();
    each.auth(token);
    await this.turn();
  }

  #restart(): void {
    for (const each of this.viewers) each.cut();
    this.bench = this.#start();
  }

  #start(): SessionBench {
    const store = new ControlledStore(
      new MemoryStore({ disk: this.disk, runtime: { now: () => 1_700_000_000_000, random: this.random } }),
    );
    store.plan = (): Fate => {
      const chance = this.random();
      return chance < 0.06 ? "lost" : chance < 0.12 ? "kept" : chance < 0.14 ? "disk_full" : "commit";
    };
    const identify = (token: string) => {
      const [id = "", group = ""] = token.split("@");
      return { principal: { id, roles: [], claims: { group } }, space: "", expiresAt: 1_800_000_000_000 };
    };
    return new SessionBench({ types: { doc: this.world.type }, store, identify });
  }

  #viewer(index: number): Viewer {
    const codec: Codec = index % 2 === 0 ? jsonCodec : msgpackCodec;
    const min = index === 4 ? 4 : 2;
    const run = this;
    return new Viewer({
      get bench() {
        return run.bench;
      },
      who: `u${index}@${GROUPS[index % 3]}`,
      doc: "doc/x",
      codec,
      ...(index === 4 ? { params: { min } } : {}),
      truth: (viewer, seq) => {
        const state = run.stateAt(seq);
        return state === undefined ? undefined : run.world.truth(state, viewer.group, min);
      },
    });
  }
}

describe("views under chance", () => {
  it("[VIEW-3] [VIEW-6] [VIEW-8] [R2] [R3] [R4] [R18] [EVENT-3] equal what is computed from scratch at every seq, and nobody is sent another's marks", async () => {
    let compared = 0;
    let resumed = 0;
    let regrouped = 0;
    let heard = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const run = new Run(seed);
      for (let step = 0; step < STEPS; step += 1) await run.step();
      await run.turn();
      for (const each of run.viewers) {
        if (each.isConnected && each.endedWith === undefined) continue;
        if (!each.isConnected) await each.connect();
        each.open({ create: true });
      }
      for (let beat = 0; beat < 3; beat += 1) {
        await run.turn();
        await run.bench.runtime.advance(10_000);
      }
      await run.turn();
      const head = run.rows.length;
      for (const each of run.viewers) {
        expect(each.violations, `seed ${seed}`).toEqual([]);
        if (each.endedWith === undefined) expect(each.replica.position?.seq, `seed ${seed}: ${each.who}`).toBe(head);
        else expect(each.endedWith, `seed ${seed}`).toBe("denied");
        expect(leaks(each, run.world.hasMine), `seed ${seed}: ${each.who}`).toEqual([]);
        expect(each.gaps, `seed ${seed}`).toBe(0);
        expect(missedEvents(run, each), `seed ${seed}: ${each.who}`).toEqual([]);
        compared += each.compared;
        resumed += each.opened.filter(({ mode }) => mode.every((one) => one === "resume")).length;
        regrouped += each.opened.filter(({ mode }) => mode.join() === "resume,reset").length;
        heard += each.events.length;
      }
    }
    expect([compared > SEEDS * 50, resumed > SEEDS, regrouped > SEEDS / 2, heard > SEEDS * 20]).toEqual([
      true,
      true,
      true,
      true,
    ]);
  }, 120_000);
});

/** What of the events that everybody hears it was not told exactly once, in order. */
function missedEvents(run: Run, viewer: Viewer): string[] {
  const heard = viewer.events.flatMap(([seq, , name, data]) => (name === "all" ? [`${seq} ${String(data)}`] : []));
  const since = viewer.firstSeq ?? Number.POSITIVE_INFINITY;
  const through = viewer.replica.position?.seq ?? 0;
  const emitted = run.rows.flatMap(({ seq, events }) => {
    if (seq <= since || seq > through || events === undefined) return [];
    const parsed: readonly (readonly [string, Json])[] = JSON.parse(events);
    return parsed.flatMap(([name, data]) => (name === "all" ? [`${seq} ${String(data)}`] : []));
  });
  const some = viewer.events.filter(([, , name]) => name === "some").map(([seq]) => seq);
  const rising = viewer.events.every(([seq], index) => seq >= (viewer.events[index - 1]?.[0] ?? 0));
  if (JSON.stringify(heard) !== JSON.stringify(emitted)) return [`heard ${heard.join()}; emitted ${emitted.join()}`];
  return rising && new Set(some).size === some.length ? [] : ["out of order, or twice"];
}

/** Frames with a mark of a group that was never the viewer's, or of what nobody may see. */
function leaks(viewer: Viewer, hasMine: boolean): string[] {
  return viewer.tagged.flatMap(({ group, text }) => {
    const marks = hasMine
      ? GROUPS.filter((one) => one !== group).map((one) => `mark-${one}-`)
      : GROUPS.map((one) => `mark-${one}-s`);
    return ["mark-hidden", ...marks].filter((mark) => text.includes(mark));
  });
}
