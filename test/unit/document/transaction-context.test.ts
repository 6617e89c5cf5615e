// The `ctx` of handlers: its functions may be taken apart from it, and what it holds cannot be replaced.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { documentType } from "../../../src/document/definition/document-type.js";
import { resolveType } from "../../../src/document/definition/resolved-type.js";
import { RejectSignal } from "../../../src/document/refusal.js";
import { TransactionContext } from "../../../src/document/transaction-context.js";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";

const type = resolveType(
  documentType({
    state: z.object({}),
    init: () => ({}),
    events: { said: { data: z.object({ text: z.string() }) } },
    messages: () => ({}),
  }),
);

const context = (): TransactionContext =>
  new TransactionContext({
    type,
    runtime: systemRuntime,
    key: "k",
    now: 5,
    seq: 7,
    caller: { id: "ann", roles: [], claims: {} },
    state: {},
  });

describe("a transaction's context", () => {
  it("can be taken apart: its functions know where they belong", () => {
    const ctx = context();
    const { emit, random, uuid, reject, key, now, seq, caller, state } = ctx;
    expect([key, now, seq, caller?.id, state]).toEqual(["k", 5, 7, "ann", {}]);
    expect(random()).toBeLessThan(1);
    expect(uuid()).not.toBe(uuid());
    expect(() => reject("no", "because", { x: 1 })).toThrow(RejectSignal);
    expect(ctx.eventsJson()).toBeUndefined();
    emit("said", { text: "a" });
    emit("said", { text: "b" });
    expect(ctx.eventsJson()).toBe('[["said",{"text":"a"}],["said",{"text":"b"}]]');
    expect(context().eventsJson()).toBeUndefined();
  });

  it.each(["state", "caller", "key", "now", "seq", "emit"])("refuses to have its %s replaced", (name) => {
    expect(Reflect.set(context(), name, {})).toBe(false);
  });
});
