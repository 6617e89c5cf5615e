// What a definition that works becomes.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { resolveApp } from "../../../../src/document/definition/define-app.js";
import { type ResolvedType, resolveType } from "../../../../src/document/definition/resolved-type.js";
import { DefinitionError, defineApp, documentType } from "../../../../src/index.js";

const principal = { id: "ann", roles: [], claims: {} };

const counter = documentType({
  state: z.object({ value: z.number() }),
  create: z.object({ start: z.number().default(5) }),
  init: (_ctx, { start }) => ({ value: start }),
  events: { moved: { data: z.object({ to: z.number() }) } },
  messages: (message) => ({
    add: message(
      z.object({ by: z.number().int().default(1) }),
      (ctx, { by }) => {
        ctx.state.value += by;
        return ctx.state.value;
      },
      (ctx) => ctx.caller.id === "ann",
    ),
    reset: message((ctx) => {
      ctx.state.value = 0;
    }),
  }),
  queries: (query) => ({ value: query((ctx) => ctx.state.value) }),
  canOpen: (viewer) => viewer.id === "ann",
  history: { deltas: 50 },
  revealAuthor: true,
});

describe("resolveType", () => {
  const type = resolveType(counter);

  it("keeps handlers, inputs and rules", () => {
    const add = type.messages.get("add");
    const ctx = { state: { value: 1 }, caller: principal };
    expect(add?.input?.parse({})).toEqual({ ok: true, value: { by: 1 } });
    expect(add?.run(ctx, { by: 2 })).toBe(3);
    expect(add?.can?.(ctx, { by: 2 })).toBe(true);
    expect(type.messages.get("reset")).toMatchObject({ input: undefined });
    expect(type.queries.get("value")?.run(ctx, undefined)).toBe(3);
    expect(type.create?.parse({})).toEqual({ ok: true, value: { start: 5 } });
    expect(type.init({}, { start: 7 })).toEqual({ value: 7 });
    expect(type.canOpen?.(principal, {}, "k")).toBe(true);
    expect([type.canCreate, type.canList, type.canHistory, type.canDelete]).toEqual(Array(4).fill(undefined));
    expect(type.events.get("moved")?.parse({ to: "x" })).toMatchObject({ ok: false });
    expect([type.version, type.revealAuthor]).toEqual([1, true]);
  });

  it("fills in the bound of history that is not given", () => {
    const history = (given?: "forever" | { deltas?: number; days?: number }) =>
      resolveType(
        documentType({
          state: z.object({}),
          init: () => ({}),
          messages: () => ({}),
          ...(given === undefined ? {} : { history: given }),
        }),
      ).history;
    expect(history()).toEqual({ deltas: 10_000, days: 7 });
    expect(type.history).toEqual({ deltas: 50, days: 7 });
    expect(history({ days: 0.5 })).toEqual({ deltas: 10_000, days: 0.5 });
    expect(history("forever")).toBe("forever");
  });

  it("[R18] an access rule that answers no boolean throws instead of letting somebody in", () => {
    const loose = Reflect.apply(documentType, undefined, [
      { state: z.object({}), init: () => ({}), messages: () => ({}), canOpen: () => Promise.resolve(false) },
    ]);
    expect(() => resolveType(loose).canOpen?.(principal, {}, "k")).toThrow("must return a boolean");
  });

  it("finds types and applications of another copy of the package", () => {
    const resolved: ResolvedType = type;
    const foreign = { "~contract": undefined, [Symbol.for("tidemark.documentType")]: resolved };
    expect(Reflect.apply(resolveType, undefined, [foreign])).toBe(resolved);
    const app = Reflect.apply(defineApp, undefined, [{ documents: { counter: foreign } }]);
    expect(resolveApp(app).types.get("counter")).toBe(resolved);
    const foreignApp = { [Symbol.for("tidemark.app")]: resolveApp(app) };
    expect(Reflect.apply(resolveApp, undefined, [foreignApp])).toBe(resolveApp(app));
  });

  it("knows a DefinitionError of another copy", () => {
    const foreign = Object.assign(new Error("`state` ..."), { [Symbol.for("tidemark.definitionError")]: true });
    expect(foreign).toBeInstanceOf(DefinitionError);
    expect(new Error("other")).not.toBeInstanceOf(DefinitionError);
  });

  it("a type is frozen and shows nothing of itself", () => {
    expect(Object.isFrozen(counter)).toBe(true);
    expect(JSON.stringify(counter)).toBe("{}");
  });
});

describe("resolveApp", () => {
  it("keeps types by name, channels among them, and authenticate", async () => {
    const app = defineApp({ documents: { counter }, authenticate: (token) => (token === "" ? null : { id: token }) });
    const resolved = resolveApp(app);
    expect([...resolved.types.keys()]).toEqual(["counter", "channel"]);
    expect(resolved.types.get("counter")).toBe(resolveType(counter));
    expect(await resolved.authenticate?.("ann")).toEqual({ id: "ann" });
    expect(resolveApp(defineApp({ documents: {} })).authenticate).toBeUndefined();
  });
});
