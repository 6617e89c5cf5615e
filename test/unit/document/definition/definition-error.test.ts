// Every definition that cannot work is refused at start-up, by the name of the property.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as mini from "zod/mini";
import { resolveApp } from "../../../../src/document/definition/define-app.js";
import { resolveDefinition } from "../../../../src/document/definition/resolve-definition.js";
import { resolveType } from "../../../../src/document/definition/resolved-type.js";
import { DefinitionError, defineApp, documentType } from "../../../../src/index.js";

type Rest = Readonly<Record<string, unknown>>;
// biome-ignore lint/complexity/noBannedTypes: any function an author might write.
type Builder = Function;

const state = z.object({ n: z.number() });
const working = { state, init: () => ({ n: 0 }), messages: () => ({}) };

function refusal(run: () => unknown): DefinitionError {
  try {
    run();
  } catch (error) {
    if (error instanceof DefinitionError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const refused = (rest: Rest): DefinitionError => refusal(() => resolveDefinition({ ...working, ...rest }));

describe("documentType: what does not work yet is refused, never ignored", () => {
  const named: readonly [string, unknown][] = [
    ["timers", { tick: z.object({}) }],
    ["onTimer", { tick: () => undefined }],
    ["tasks", { look: { input: z.string(), output: z.string() } }],
    ["onTask", {}],
    ["indexes", { n: () => 1 }],
    ["migrate", {}],
    ["version", 2],
    ["version", 0],
    ["clientMin", 2],
  ];
  it.each(named)("%s", (property, value) => {
    const error = refused({ [property]: value });
    expect(error.property).toBe(property);
    expect(error.message).toContain(`\`${property}\` does not work in this version`);
    expect(error.message).toMatch(/: remove it\.$/);
  });

  const nothing = (): void => undefined;
  it.each([
    ["members", {}, "must have joined, or left, or both"],
    ["members", 7, "must be an object"],
    ["members.joined", { joined: "hello" }, "must be a function"],
    ["members.left", { left: async () => undefined }, "cannot be async"],
    ["members.arrived", { joined: nothing, arrived: nothing }, "is not a property of members"],
    ["members.graceMs", { joined: nothing, graceMs: -1 }, "from 0 to 3600000, but is -1"],
    ["members.graceMs", { joined: nothing, graceMs: "10" }, "but is string"],
    ["members.graceMs", { joined: nothing, graceMs: 3_600_001 }, "from 0 to 3600000"],
  ])("refuses %s as %j", (property, members, message) => {
    const error = refused({ members });
    expect(error.property).toBe(property);
    expect(error.message).toContain(message);
  });

  it("channels of an application whose messages are not stored", () => {
    const app = { documents: {}, channels: { "chat-*": { durable: false } } };
    expect(refusal(() => defineApp(app)).property).toBe("channels.chat-*.durable");
  });

  it.each([
    ["signals", 7],
    ["signals.a-b", { "a-b": z.null() }],
    ["signals.cursor", { cursor: { x: 1 } }],
    ["presence", { name: "text" }],
    ["presence", z.string().refine(async () => true)],
  ])("[SIG-4] refuses as %s what is no schema, or no name", (property, value) => {
    const [name = ""] = property.split(".");
    expect(refused({ [name]: value }).property).toBe(property);
  });

  it("[PACE-1] accepts a pace up to a minute", () => {
    const paces = [undefined, 0, 100, 60_000].map((everyMs) => resolveDefinition({ ...working, everyMs }).everyMs);
    expect(paces).toEqual([0, 0, 100, 60_000]);
  });

  it("accepts version 1, clientMin 1 and explicit undefined", () => {
    const resolved = resolveDefinition({ ...working, version: 1, clientMin: 1, timers: undefined });
    expect(resolved.version).toBe(1);
  });
});

describe("documentType: required properties and kinds", () => {
  const cases: readonly [what: string, rest: Rest, property: string][] = [
    ["no state", { state: undefined }, "state"],
    ["no init", { init: undefined }, "init"],
    ["no messages", { messages: undefined }, "messages"],
    ["init is no function", { init: { n: 0 } }, "init"],
    ["messages is no function", { messages: {} }, "messages"],
    ["messages returns a promise", { messages: () => Promise.resolve({}) }, "messages"],
    ["queries is no function", { queries: 1 }, "queries"],
    ["an unknown property", { mesages: 1 }, "mesages"],
    ["a schema of something else", { state: { parse: () => undefined } }, "state"],
    ["state is a class", { state: class State {} }, "state"],
    ["create is no schema", { create: { title: "string" } }, "create"],
    ["canCreate is no function", { canCreate: true }, "canCreate"],
    ["canOpen is no function", { canOpen: "all" }, "canOpen"],
    ["canList is no function", { canList: 1 }, "canList"],
    ["canHistory is no function", { canHistory: [] }, "canHistory"],
    ["canDelete is no function", { canDelete: {} }, "canDelete"],
    ["canOpen is async", { canOpen: async () => true }, "canOpen"],
    ["init is async", { init: async () => ({ n: 0 }) }, "init"],
    ["revealAuthor is no boolean", { revealAuthor: "yes" }, "revealAuthor"],
    ["everyMs is text", { everyMs: "100" }, "everyMs"],
    ["everyMs is below 0", { everyMs: -1 }, "everyMs"],
    ["everyMs is fractional", { everyMs: 0.5 }, "everyMs"],
    ["everyMs is above a minute", { everyMs: 60_001 }, "everyMs"],
    ["hidden is a name", { hidden: "n" }, "hidden"],
    ["hidden holds no name", { hidden: [1] }, "hidden"],
    ["hidden names no part of the state", { hidden: ["m"] }, "hidden"],
    ["shared is no function", { shared: {} }, "shared"],
    ["shared is async", { shared: async () => ({}) }, "shared"],
    ["mine is a function", { shared: () => ({}), mine: () => ({}) }, "mine"],
    ["mine without of", { shared: () => ({}), mine: { key: () => "" } }, "mine.of"],
    ["mine without key", { shared: () => ({}), mine: { of: () => ({}) } }, "mine.key"],
    ["mine with something else", { shared: () => ({}), mine: { key: () => "", of: () => 1, off: 1 } }, "mine.off"],
    ["mine without shared or hidden", { mine: { key: () => "", of: () => ({}) } }, "mine"],
    ["params is no schema", { shared: () => ({}), params: {} }, "params"],
    ["params that refuse {}", { shared: () => ({}), params: z.object({ search: z.string() }) }, "params"],
    ["params that nothing reads", { params: z.object({}) }, "params"],
    ["an audience is no function", { events: { hi: { data: z.object({}), audience: "all" } } }, "events.hi.audience"],
    ["history is a word", { history: "always" }, "history"],
    ["history is a number", { history: 10 }, "history"],
    ["history has no such bound", { history: { hours: 1 } }, "history.hours"],
    ["history.deltas below 1", { history: { deltas: 0 } }, "history.deltas"],
    ["history.deltas is fractional", { history: { deltas: 1.5 } }, "history.deltas"],
    ["history.deltas is a string", { history: { deltas: "10" } }, "history.deltas"],
    ["history.days is 0", { history: { days: 0 } }, "history.days"],
    ["history.days is infinite", { history: { days: Number.POSITIVE_INFINITY } }, "history.days"],
    ["events is an array", { events: [] }, "events"],
    ["an event is a bare schema", { events: { hi: z.object({}) } }, "events.hi.def"],
    ["an event without data", { events: { hi: {} } }, "events.hi.data"],
    ["the event gap", { events: { gap: { data: z.object({}) } } }, "events.gap"],
    ["an event named with a space", { events: { "a b": { data: z.object({}) } } }, "events.a b"],
  ];
  it.each(cases)("%s", (_what, rest, property) => {
    expect(refused(rest).property).toBe(property);
  });

  it("a definition that is none", () => {
    for (const none of [undefined, null, 1, "board", [], () => undefined]) {
      expect(refusal(() => resolveDefinition(none)).property).toBe("definition");
    }
  });
});

describe("documentType: messages and queries", () => {
  const cases: readonly [what: string, rest: Rest, property: string][] = [
    ["a bare function", { messages: () => ({ add: () => 1 }) }, "messages.add"],
    ["a handler that is none", { messages: (m: Builder) => ({ add: m(1) }) }, "messages.add"],
    ["an async handler", { messages: (m: Builder) => ({ add: m(async () => 1) }) }, "messages.add"],
    ["an input that is no schema", { messages: (m: Builder) => ({ add: m({}, () => 1) }) }, "messages.add (input)"],
    ["no handler", { messages: (m: Builder) => ({ add: m(z.object({}), 1) }) }, "messages.add (handler)"],
    [
      "a can that is none",
      { messages: (m: Builder) => ({ add: m(z.object({}), () => 1, true) }) },
      "messages.add (can)",
    ],
    ["a name with $", { messages: (m: Builder) => ({ $add: m(() => 1) }) }, "messages.$add"],
    ["a name with a slash", { messages: (m: Builder) => ({ "a/b": m(() => 1) }) }, "messages.a/b"],
    ["an empty name", { messages: (m: Builder) => ({ "": m(() => 1) }) }, "messages."],
    [
      "a name of 65 letters",
      { messages: (m: Builder) => ({ ["a".repeat(65)]: m(() => 1) }) },
      `messages.${"a".repeat(65)}`,
    ],
    // biome-ignore lint/suspicious/noThenProperty: the very name that is refused.
    ["the name then", { messages: (m: Builder) => ({ then: m(() => 1) }) }, "messages.then"],
    ["the name __proto__", { queries: (q: Builder) => ({ ["__proto__"]: q(() => 1) }) }, "queries.__proto__"],
    ["a number as name", { queries: (q: Builder) => ({ 1: q(() => 1) }) }, "queries.1"],
    [
      "an async refinement",
      { messages: (m: Builder) => ({ add: m(z.object({ s: z.string().refine(async () => true) }), () => 1) }) },
      "messages.add (input)",
    ],
    [
      "an async transform",
      { messages: (m: Builder) => ({ add: m(z.array(z.string().transform(async (s) => s)), () => 1) }) },
      "messages.add (input)",
    ],
    [
      "one name for a message and a query",
      { messages: (m: Builder) => ({ find: m(() => 1) }), queries: (q: Builder) => ({ find: q(() => 1) }) },
      "queries.find",
    ],
  ];
  it.each(cases)("%s", (_what, rest, property) => {
    expect(refused(rest).property).toBe(property);
  });

  it("a query declared by `message`", () => {
    let message: Builder = () => undefined;
    const messages = (m: Builder) => {
      message = m;
      return {};
    };
    expect(refused({ messages, queries: () => ({ find: message(() => 1) }) }).property).toBe("queries.find");
  });
});

describe("state schemas: whatever would change a value is refused", () => {
  const at = (schema: unknown): DefinitionError =>
    refused({ state: z.object({ deep: z.array(z.record(z.string(), schema as z.ZodType)) }) });
  const changing: readonly [string, unknown][] = [
    ["default", z.number().default(1)],
    ["prefault", z.number().prefault(1)],
    ["catch", z.number().catch(1)],
    ["transform", z.string().transform((s) => s)],
    ["preprocess", z.preprocess((s) => s, z.string())],
    ["codec", z.codec(z.string(), z.number(), { decode: Number, encode: String })],
    ["stringbool", z.stringbool()],
    ["coerce string", z.coerce.string()],
    ["coerce number", z.coerce.number()],
    ["coerce boolean", z.coerce.boolean()],
    ["trim", z.string().trim()],
    ["toLowerCase", z.string().toLowerCase()],
    ["toUpperCase", z.string().toUpperCase()],
    ["normalize", z.string().normalize()],
    ["overwrite", z.number().overwrite((n) => n)],
    ["url that normalizes", z.url({ normalize: true })],
    ["async refinement", z.string().refine(async () => true)],
    ["mini: default", mini._default(mini.number(), 1)],
    ["mini: catch", mini.catch(mini.number(), 1)],
    ["mini: trim", mini.string().check(mini.trim())],
    ["mini: transform", mini.pipe(mini.string(), mini.transform(String))],
  ];
  it.each(changing)("%s", (_what, schema) => {
    const error = at(schema);
    expect(error.property).toMatch(/^state/);
    expect(error.message).toMatch(/would change the value|is async|has an async/);
  });

  const notJson: readonly [string, unknown][] = [
    ["date", z.date()],
    ["map", z.map(z.string(), z.string())],
    ["set", z.set(z.string())],
    ["bigint", z.bigint()],
    ["int64", z.int64()],
    ["undefined", z.undefined()],
    ["void", z.void()],
    ["nan", z.nan()],
    ["symbol", z.symbol()],
    ["function", z.function()],
    ["promise", z.promise(z.string())],
    ["file", z.file()],
    ["custom", z.custom<string>()],
    ["instanceof", z.instanceof(URL)],
    ["literal undefined", z.literal(undefined)],
    ["literal bigint", z.literal(1n)],
    ["mini: date", mini.date()],
  ];
  it.each(notJson)("%s is not JSON", (_what, schema) => {
    const error = at(schema);
    expect(error.property).toMatch(/^state/);
    expect(error.message).toMatch(/is not JSON|cannot be looked into/);
  });

  const bad = z.string().trim();
  const places: readonly [string, z.ZodType, string][] = [
    ["object", z.object({ a: bad }), "state.a"],
    ["catchall", z.object({}).catchall(bad), "state.*"],
    ["record value", z.object({ r: z.record(z.string(), bad) }), "state.r.*"],
    ["record key", z.object({ r: z.record(bad, z.string()) }), "state.r.(key)"],
    ["array", z.object({ a: z.array(bad) }), "state.a[]"],
    ["tuple item", z.object({ t: z.tuple([z.number(), bad]) }), "state.t[1]"],
    ["tuple rest", z.object({ t: z.tuple([z.number()], bad) }), "state.t[]"],
    ["optional", z.object({ o: bad.optional() }), "state.o"],
    ["exact optional", z.object({ o: z.exactOptional(bad) }), "state.o"],
    ["nonoptional", z.object({ o: z.nonoptional(bad.optional()) }), "state.o"],
    ["nullable", z.object({ o: bad.nullable() }), "state.o"],
    ["readonly", z.object({ o: bad.readonly() }), "state.o"],
    ["lazy", z.object({ o: z.lazy(() => bad) }), "state.o"],
    ["union", z.object({ o: z.union([z.number(), bad]) }), "state.o"],
    ["intersection", z.object({ o: z.intersection(z.any(), z.object({ x: bad })) }), "state.o.x"],
    ["pipe", z.object({ o: z.string().pipe(bad) }), "state.o"],
    [
      "discriminated union",
      z.object({
        o: z.discriminatedUnion("k", [z.object({ k: z.literal("a"), v: bad }), z.object({ k: z.literal("b") })]),
      }),
      "state.o.v",
    ],
  ];
  it.each(places)("is found below %s", (_what, schema, property) => {
    expect(refused({ state: schema }).property).toBe(property);
  });

  it("is found in a recursive schema, and the walk ends", () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree);
      },
      bad,
    });
    expect(refused({ state: z.object({ tree }) }).property).toBe("state.tree.bad");
  });

  it("a root that is no object", () => {
    for (const root of [
      z.array(z.number()),
      z.any(),
      z.object({}).nullable(),
      z.union([z.object({}), z.string()]),
      z.tuple([]),
    ]) {
      expect(refused({ state: root }).message).toContain("object at the root");
    }
  });

  it("a schema that contains itself at the same place", () => {
    const endless: z.ZodType = z.lazy(() => endless);
    const left: z.ZodType = z.union([z.string(), z.lazy(() => left)]);
    expect(refused({ state: z.object({ endless }) }).message).toContain("contains itself");
    expect(refused({ state: z.object({ left }) }).message).toContain("contains itself");
  });

  it("a recursion that makes a new schema at each step", () => {
    const fresh = (): z.ZodType => z.object({ next: z.lazy(fresh).optional() });
    expect(refused({ state: fresh() }).message).toContain("never ends");
  });

  it("a lazy part that is not there yet", () => {
    const early = z.object({ later: z.lazy(() => later) });
    expect(refused({ state: early }).message).toContain("cannot be resolved yet");
    const later = z.string();
  });

  it("a schema of zod 3", () => {
    const old = { _def: { typeName: "ZodObject" }, parse: () => "" };
    expect(refused({ state: old }).message).toContain("zod 3");
  });

  it("the key __proto__", () => {
    expect(refused({ state: z.object({ ["__proto__"]: z.string() }) }).property).toBe("state.__proto__");
  });
});

describe("defineApp", () => {
  const board = documentType(working);

  const cases: readonly [what: string, definition: unknown, property: string][] = [
    ["no definition", undefined, "definition"],
    ["no documents", {}, "documents"],
    ["documents is an array", { documents: [board] }, "documents"],
    ["a definition instead of a type", { documents: { board: working } }, "documents.board"],
    ["a type name with a slash", { documents: { "a/b": board } }, "documents.a/b"],
    ["authenticate is no function", { documents: { board }, authenticate: "jwt" }, "authenticate"],
    ["an unknown property", { documents: { board }, document: 1 }, "document"],
  ];
  it.each(cases)("%s", (_what, definition, property) => {
    expect(refusal(() => Reflect.apply(defineApp, undefined, [definition])).property).toBe(property);
  });

  it("resolveApp and resolveType refuse what is not theirs", () => {
    expect(refusal(() => Reflect.apply(resolveApp, undefined, [{}])).property).toBe("app");
    expect(refusal(() => Reflect.apply(resolveApp, undefined, [undefined])).property).toBe("app");
    expect(refusal(() => Reflect.apply(resolveType, undefined, [working])).property).toBe("documents");
  });

  it("the contracts are types only", () => {
    expect(() => board["~contract"]).toThrow(DefinitionError);
    expect(() => defineApp({ documents: { board } })["~contracts"]).toThrow(DefinitionError);
  });
});
