import { defineApp, documentType } from "tidemark";
import { z } from "zod";

export const page = documentType({
  state: z.object({ texts: z.record(z.string(), z.string()) }),
  canCreate: () => true,
  init: () => ({ texts: {} }),
  messages: (message) => ({
    /** Sets a text of so many copies of a word. */
    fill: message(z.object({ key: z.string(), word: z.string(), times: z.number() }), (ctx, { key, word, times }) => {
      ctx.state.texts[key] = word.repeat(times);
    }),
  }),
});

export const app = defineApp({
  documents: { page },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice(5) } : null),
});
