// The application that the benchmarks run: one document type whose state can be made as large as a scenario wants, and
// channels for everybody.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const FILLER = "f".repeat(88);
/** Key, quotes, colon and comma of one filler entry beside its text. */
const ENTRY_BYTES = FILLER.length + 14;

function filler(bytes: number): Record<string, string> {
  const count = Math.floor(bytes / ENTRY_BYTES);
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${String(i).padStart(7, "0")}`, FILLER]));
}

export const sheet = documentType({
  state: z.object({ at: z.number(), entries: z.record(z.string(), z.string()) }),
  create: z.object({ bytes: z.number().int().nonnegative() }),
  canCreate: () => true,
  init: (_ctx, { bytes }) => ({ at: 0, entries: filler(bytes) }),
  messages: (message) => ({
    set: message(z.object({ key: z.string(), at: z.number(), value: z.string() }), (ctx, { key, at, value }) => {
      ctx.state.entries[key] = value;
      ctx.state.at = at;
    }),
  }),
});

export const app = defineApp({
  documents: { sheet },
  authenticate: (token) => ({
    id: token,
    grants: [{ doc: "channel/*", may: ["create", "open", "publish", "presence"] }],
  }),
});
