// An application that attackers are let loose on: ledgers of their owners, who alone may read them.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const ledger = documentType({
  state: z.object({ owner: z.string(), total: z.number(), notes: z.record(z.string(), z.json()) }),
  canCreate: (caller, key) => key.startsWith(`${caller.id}-`),
  canOpen: (viewer, { owner }) => owner === viewer.id,
  canHistory: (caller, { owner }) => owner === caller.id,
  canDelete: (caller, { owner }) => owner === caller.id,
  canList: () => true,
  init: (ctx) => ({ owner: ctx.caller.id, total: 0, notes: {} }),
  messages: (message) => ({
    add: message(z.object({ by: z.number().int() }), (ctx, { by }) => {
      ctx.state.total += by;
      return ctx.state.total;
    }),
    note: message(z.object({ name: z.string(), value: z.json() }), (ctx, { name, value }) => {
      ctx.state.notes[name] = value;
    }),
    fail: message(() => {
      throw new Error("the application failed");
    }),
  }),
  queries: (query) => ({ total: query((ctx) => ctx.state.total) }),
});

export const app = defineApp({
  documents: { ledger },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice("user:".length) } : null),
});
