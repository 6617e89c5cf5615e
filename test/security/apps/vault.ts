// Things that belong to one person each, in documents that several open.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const vault = documentType({
  state: z.object({ members: z.array(z.string()), things: z.record(z.string(), z.string()) }),
  hidden: ["things"],
  mine: { key: ({ id }) => id, of: ({ things }, id) => ({ thing: things[id] ?? "" }) },
  canCreate: (caller) => caller.id === "ann",
  canOpen: (viewer, { members }) => members.includes(viewer.id),
  init: () => ({ members: ["ann", "mal"], things: { ann: "the-secret-of-ann", mal: "nothing" } }),
  messages: (message) => ({
    put: message(z.string(), (ctx, thing) => {
      ctx.state.things[ctx.caller.id] = thing;
      return `kept for ${ctx.caller.id}: ${thing}`;
    }),
    expel: message(z.string(), (ctx, who) => {
      ctx.state.members = ctx.state.members.filter((one) => one !== who);
    }),
  }),
});

const ledger = documentType({
  state: z.object({ total: z.number() }),
  canCreate: () => true,
  init: () => ({ total: 0 }),
  messages: (message) => ({
    add: message(z.object({ by: z.number() }), (ctx, { by }) => {
      ctx.state.total += by;
      return ctx.state.total;
    }),
  }),
});

export const app = defineApp({
  documents: { vault, ledger },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice("user:".length) } : null),
});
