// An application that is flooded: documents of everybody, views with parameters, and texts as large as they may be.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const board = documentType({
  state: z.object({ text: z.string() }),
  params: z.object({ about: z.string().optional() }),
  canCreate: () => true,
  canHistory: () => true,
  canDelete: () => true,
  init: () => ({ text: "" }),
  shared: ({ text }, { about = "" }) => ({ text, about: about.length }),
  messages: (message) => ({
    write: message(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
    add: message(z.object({ by: z.number() }), (ctx, { by }) => {
      ctx.state.text = `${ctx.state.text.length + by}`;
      return by;
    }),
  }),
});

const ledger = documentType({
  state: z.object({ total: z.number() }),
  canCreate: (caller, key) => key.startsWith(`${caller.id}-`),
  init: () => ({ total: 0 }),
  messages: (message) => ({
    add: message(z.object({ by: z.number() }), (ctx, { by }) => {
      ctx.state.total += by;
      return ctx.state.total;
    }),
  }),
});

export const app = defineApp({
  documents: { board, ledger },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice("user:".length) } : null),
});
