// The application that the benchmarks run: one document type whose state can be made as large as a scenario wants, and
// channels for everybody.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const FILLER = "f".repeat(88);
/** Key, quotes, colon and comma of one filler entry beside its text. */
const ENTRY_BYTES = FILLER.length + 14;

/** The entries of a document that was made as large as this. */
export function filler(bytes: number): Record<string, string> {
  const count = Math.floor(bytes / ENTRY_BYTES);
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${String(i).padStart(7, "0")}`, FILLER]));
}

const sheetParts = {
  state: z.object({ at: z.number(), entries: z.record(z.string(), z.string()) }),
  create: z.object({ bytes: z.number().int().nonnegative() }),
  canCreate: () => true,
  init: (_ctx: unknown, { bytes }: { readonly bytes: number }) => ({ at: 0, entries: filler(bytes) }),
};
const call = z.object({ key: z.string(), at: z.number(), value: z.string() });
export const sheet = documentType({
  ...sheetParts,
  messages: (message) => ({
    set: message(call, (ctx, { key, at, value }) => {
      ctx.state.entries[key] = value;
      ctx.state.at = at;
    }),
  }),
});

/** The same, and its log is kept and shown from the beginning. */
const loggedSheet = documentType({
  ...sheetParts,
  history: "forever",
  canHistory: () => true,
  messages: (message) => ({
    set: message(call, (ctx, { key, at, value }) => {
      ctx.state.entries[key] = value;
      ctx.state.at = at;
    }),
  }),
});

/** The same part of the state under no view, one for all, and one for each viewer. `note` writes what no view reads. */
const cards = {
  state: z.object({ dealt: z.record(z.string(), z.number()), notes: z.record(z.string(), z.string()) }),
  create: z.object({ bytes: z.number() }),
  canCreate: () => true,
  init: () => ({ dealt: {}, notes: {} }),
};
const plainCards = documentType({
  ...cards,
  messages: (message) => ({
    set: message(call, (ctx, { key, at }) => {
      ctx.state.dealt[key] = at;
    }),
    note: message(call, (ctx, { key, value }) => {
      ctx.state.notes[key] = value;
    }),
  }),
});
const sharedCards = documentType({
  ...cards,
  shared: ({ dealt }) => ({ at: dealt["viewer-0"] ?? 0 }),
  messages: (message) => ({
    set: message(call, (ctx, { key, at }) => {
      ctx.state.dealt[key] = at;
    }),
  }),
});
const ownCards = documentType({
  ...cards,
  shared: () => ({}),
  mine: { key: ({ id }) => id, of: ({ dealt }, id) => ({ at: dealt[id] ?? 0 }) },
  messages: (message) => ({
    set: message(call, (ctx, { key, at }) => {
      ctx.state.dealt[key] = at;
    }),
    note: message(call, (ctx, { key, value }) => {
      ctx.state.notes[key] = value;
    }),
  }),
});

export const app = defineApp({
  documents: {
    sheet,
    "logged-sheet": loggedSheet,
    "plain-cards": plainCards,
    "shared-cards": sharedCards,
    "own-cards": ownCards,
  },
  authenticate: (token) => ({
    id: token,
    grants: [{ doc: "channel/*", may: ["create", "open", "publish", "presence"] }],
  }),
});
