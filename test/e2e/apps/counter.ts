import { defineApp, documentType } from "tidemark";
import { z } from "zod";

export const counter = documentType({
  state: z.object({ value: z.number(), names: z.record(z.string(), z.number()) }),
  events: { added: { data: z.object({ by: z.number() }) } },
  canCreate: () => true,
  canHistory: () => true,
  canDelete: () => true,
  canList: () => true,
  init: () => ({ value: 0, names: {} }),
  messages: (message) => ({
    add: message(z.object({ by: z.number().int().default(1) }), (ctx, { by }) => {
      ctx.state.names[ctx.caller.id] = (ctx.state.names[ctx.caller.id] ?? 0) + by;
      ctx.emit("added", { by });
      ctx.state.value += by;
      return ctx.state.value;
    }),
    refuse: message((ctx) => ctx.reject("no", "never")),
    touch: message(() => undefined),
  }),
  queries: (query) => ({ double: query((ctx) => ctx.state.value * 2) }),
});

export const app = defineApp({
  documents: { counter },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice(5) } : null),
});
