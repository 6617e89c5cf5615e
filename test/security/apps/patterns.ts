// An application whose inputs are checked by patterns, one of them slow on anything longer than it is let see.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const form = documentType({
  state: z.object({ slug: z.string().regex(/^[a-z0-9]*(?:-[a-z0-9]+)*$/), sent: z.number() }),
  params: z.object({
    tag: z
      .string()
      .regex(/^[a-z]+$/)
      .optional(),
  }),
  signals: { wave: z.string().regex(/^\w+(?:\s\w+)*$/) },
  canCreate: () => true,
  shared: (state) => state,
  init: () => ({ slug: "", sent: 0 }),
  messages: (message) => ({
    name: message(z.string(), (ctx, slug) => {
      ctx.state.slug = slug;
    }),
    send: message(
      z.object({
        to: z
          .string()
          .max(254, { abort: true })
          .regex(/^\S+@\S+\.\S+$/),
        mail: z.email().optional(),
        link: z.url().optional(),
        at: z.iso.datetime().optional(),
      }),
      (ctx) => {
        ctx.state.sent += 1;
      },
    ),
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
  documents: { form, ledger },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice("user:".length) } : null),
});
