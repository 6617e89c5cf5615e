// An application whose one message keeps the processor busy for a few milliseconds, and whose document can be large.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const ROUNDS = 400_000;

function spin(): number {
  let sum = 0;
  for (let round = 0; round < ROUNDS; round += 1) sum = (sum + round) % 1_000_003;
  return sum;
}

const mill = documentType({
  state: z.object({ count: z.number(), spun: z.number(), ballast: z.string() }),
  create: z.object({ bytes: z.number() }),
  canCreate: () => true,
  init: (_ctx, { bytes }) => ({ count: 0, spun: 0, ballast: "x".repeat(bytes) }),
  messages: (message) => ({
    turn: message((ctx) => {
      ctx.state.spun = spin();
      ctx.state.count += 1;
      return ctx.state.count;
    }),
    count: message((ctx) => {
      ctx.state.count += 1;
      return ctx.state.count;
    }),
  }),
});

export const app = defineApp({
  documents: { mill },
  authenticate: (token) => (token.startsWith("user:") ? { id: token.slice("user:".length) } : null),
});
