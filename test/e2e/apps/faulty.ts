// An application whose handlers and rules do what they must not: each message is one way to go wrong. What the types
// forbid is written as JavaScript would write it.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

/** Words that application code throws; callers must never read them. */
export const SECRET = "secret-of-the-application";

const fail = (): never => {
  throw new Error(SECRET);
};

const nested = (levels: number): object => {
  let value: object = {};
  for (let level = 1; level < levels; level += 1) value = { value };
  return value;
};

const cycle = (): object => {
  const value: { self?: object } = {};
  value.self = value;
  return value;
};

class Point {
  readonly x = 1;
}

/** Values that no document can hold. */
export const HOSTILE = {
  Date: () => new Date(0),
  Map: () => new Map([["a", 1]]),
  Set: () => new Set([1]),
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  undefined: () => undefined,
  bigint: () => 1n,
  function: () => fail,
  symbol: () => Symbol(SECRET),
  "class instance": () => new Point(),
  "hole in an array": () => new Array(3),
  cycle: cycle,
  "65 levels": () => nested(65),
  "object with __proto__": (): unknown => JSON.parse('{"__proto__":{"admin":true}}'),
  "Date within": () => ({ deep: [new Date(0)] }),
  "throwing getter": () => Object.defineProperty({}, "x", { enumerable: true, get: fail }),
} as const satisfies { readonly [name: string]: () => unknown };

const hostile = z.object({ what: z.enum(Object.keys(HOSTILE) as (keyof typeof HOSTILE)[]) });

const faulty = documentType({
  state: z.object({ count: z.number().max(1_000), notes: z.record(z.string(), z.json()) }),
  events: { told: { data: z.object({ by: z.number() }) } },
  canCreate: (_caller, key) => (key === "rule-throws" ? fail() : true),
  canOpen: (_viewer, _state, key) => (key === "closed" ? fail() : true),
  canDelete: fail,
  canHistory: fail,
  canList: fail,
  init: (ctx) => {
    if (ctx.key === "init-throws") fail();
    return { count: ctx.key === "init-misfit" ? 1_001 : 0, notes: {} };
  },
  messages: (message) => ({
    add: message(z.object({ by: z.number().int() }), (ctx, { by }) => {
      ctx.emit("told", { by });
      ctx.state.count += by;
      return ctx.seq;
    }),
    throwAfterWriting: message((ctx) => {
      ctx.state.count = -1;
      ctx.state.notes.left = "behind";
      ctx.emit("told", { by: -1 });
      fail();
    }),
    throwNothing: message(() => {
      throw undefined;
    }),
    overflowStack: message((ctx) => {
      const dive = (level: number): number => dive(level + 1) + ctx.now;
      dive(0);
    }),
    returnPromise: message((ctx): unknown => {
      ctx.state.count = -1;
      return Promise.resolve(1);
    }),
    rejectLater: message((ctx): unknown => {
      ctx.state.count = -1;
      return Promise.reject(new Error(SECRET));
    }),
    store: message(hostile, (ctx, { what }) => {
      ctx.state.count = -1;
      Reflect.set(ctx.state.notes, "bad", HOSTILE[what]());
    }),
    storeKey: message((ctx) => {
      ctx.state.count = -1;
      Object.defineProperty(ctx.state.notes, "__proto__", { value: 1, enumerable: true, configurable: true });
    }),
    storeMisfit: message((ctx) => {
      ctx.state.count = 1_001;
    }),
    storeMuch: message(z.object({ text: z.string(), times: z.number() }), (ctx, { text, times }) => {
      ctx.state.notes.much = text.repeat(times);
    }),
    emitMisfit: message((ctx) => {
      ctx.state.count = -1;
      Reflect.apply(ctx.emit, undefined, ["told", { by: "text" }]);
    }),
    emitUndeclared: message((ctx) => {
      ctx.state.count = -1;
      Reflect.apply(ctx.emit, undefined, ["nobody", {}]);
    }),
    answer: message(hostile, (ctx, { what }): unknown => {
      ctx.state.count = -1;
      return HOSTILE[what]();
    }),
    answerMuch: message(z.object({ bytes: z.number() }), (ctx, { bytes }) => {
      ctx.state.count = -1;
      return "x".repeat(bytes);
    }),
    refuse: message(z.object({ data: z.json().optional() }), (ctx, { data }) => {
      ctx.state.count = -1;
      ctx.reject("not_today", "Come back tomorrow.", data);
    }),
    refuseWithDate: message((ctx) => {
      ctx.state.count = -1;
      Reflect.apply(ctx.reject, undefined, ["not_today", "Come back tomorrow.", new Date(0)]);
    }),
    forbidden: message(
      z.object({}),
      () => undefined,
      () => fail(),
    ),
  }),
  queries: (query) => ({
    askThrows: query(fail),
    askPromise: query((): unknown => Promise.reject(new Error(SECRET))),
    askDate: query((): unknown => new Date(0)),
    askWrites: query((ctx) => Reflect.set(ctx.state, "count", -1) && fail()),
  }),
});

export const app = defineApp({
  documents: { faulty },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice(5) } : token === "" ? null : fail()),
});
