import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const todo = documentType({
  state: z.object({ items: z.record(z.string(), z.object({ text: z.string(), done: z.boolean() })) }),
  canCreate: () => true,
  init: () => ({ items: {} }),
  messages: (message) => ({
    add: message(z.object({ text: z.string().min(1) }), (ctx, { text }) => {
      const id = ctx.uuid();
      ctx.state.items[id] = { text, done: false };
      return { id };
    }),
    finish: message(z.object({ id: z.string() }), (ctx, { id }) => {
      const item = ctx.state.items[id];
      if (item === undefined) return ctx.reject("no_such_item");
      item.done = true;
    }),
  }),
});

export const app = defineApp({ documents: { todo } });
