// Crates that weigh: a few of them are more than a peer may leave untaken, and more than one snapshot may hold in one
// piece. Only runs with slow readers have it.
import { z } from "zod";
import { documentType } from "../../../src/index.js";

const Token = z.string();

export const BALLAST = "ballast/a";

export const ballast = documentType({
  state: z.object({ crates: z.record(z.string(), z.string()), last: z.string() }),
  create: z.literal(true),
  init: () => ({ crates: {}, last: "" }),
  messages: (message) => ({
    /** A crate of so many thousand characters takes the place of one. */
    load: message(
      z.object({ token: Token, crate: z.string(), weight: z.number() }),
      (ctx, { token, crate, weight }) => {
        ctx.state.last = token;
        ctx.state.crates[crate] = token.padEnd(20, ".").repeat(weight * 50);
        return { at: ctx.seq };
      },
    ),
    mark: message(z.object({ token: Token }), (ctx, { token }) => {
      ctx.state.last = token;
      return { at: ctx.seq };
    }),
  }),
  queries: (query) => ({ count: query((ctx) => ({ at: ctx.seq, count: Object.keys(ctx.state.crates).length })) }),
  canCreate: () => true,
  history: { deltas: 12, days: 7 },
});
