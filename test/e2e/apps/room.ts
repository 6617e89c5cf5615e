// A document that knows who is here, and whose followers see and hear each other, for tests of real processes.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const room = documentType({
  state: z.object({ here: z.record(z.string(), z.boolean()), log: z.array(z.string()) }),
  init: () => ({ here: {}, log: [] }),
  messages: () => ({}),
  canCreate: () => true,
  presence: z.object({ at: z.number() }),
  signals: { wave: z.object({ from: z.string() }) },
  members: {
    graceMs: 200,
    joined(ctx, { id }) {
      ctx.state.here[id] = true;
      ctx.state.log.push(`+${id}`);
    },
    left(ctx, id) {
      delete ctx.state.here[id];
      ctx.state.log.push(`-${id}`);
    },
  },
});

export const app = defineApp({
  documents: { room },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice(5) } : null),
});
