// The application that is killed and cut: each message leaves its own mark, once, in the log and in the state.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

/** Keeps every item, in the order in which they were applied. */
export const list = documentType({
  state: z.object({ items: z.array(z.object({ id: z.string(), text: z.string() })) }),
  canCreate: () => true,
  init: () => ({ items: [] }),
  messages: (message) => ({
    push: message(z.object({ id: z.string(), text: z.string() }), (ctx, item) => {
      ctx.state.items.push(item);
      return { length: ctx.state.items.length };
    }),
  }),
  queries: (query) => ({ length: query((ctx) => ctx.state.items.length) }),
});

export const app = defineApp({ documents: { list }, authenticate: (token) => ({ id: token }) });
