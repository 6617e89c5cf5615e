// A document that people meet on: whoever is not invited may neither read it nor be there.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const lounge = documentType({
  state: z.object({ invited: z.record(z.string(), z.boolean()) }),
  hidden: ["invited"],
  signals: { wave: z.object({ to: z.string() }) },
  presence: z.record(z.string(), z.string()),
  canCreate: (caller) => caller.id === "host",
  init: () => ({ invited: { host: true, ann: true, bob: true, eve: true } }),
  canOpen: (viewer, state) => state.invited[viewer.id] === true,
  messages: (message) => ({
    uninvite: message(z.string(), (ctx, who) => {
      delete ctx.state.invited[who];
    }),
    nothing: message(() => undefined),
  }),
});

export const app = defineApp({
  documents: { lounge },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice("user:".length) } : null),
});
