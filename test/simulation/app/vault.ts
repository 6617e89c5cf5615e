// A document that not everybody may see, and whom it is for changes, shown at a pace. Its owner is ann; eve is never let in.
import type { Json } from "@tidemark/protocol";
import { z } from "zod";
import { documentType } from "../../../src/index.js";
import { company } from "./company.js";
import { book } from "./ledger.js";

const Token = z.string();
const OWNER = "ann";

/** May a subject see a vault in this state? The judge asks it of every state that was shown. */
export const maySeeVault = (subject: string, members: { readonly [id: string]: unknown }): boolean =>
  subject === OWNER || members[subject] === true;

/** What somebody who may see a vault is shown of it. */
export const vaultShown = ({ ledger: _, ...shown }: { readonly [part: string]: Json }): Json => shown;

export const vault = documentType({
  state: z.object({
    members: z.record(z.string(), z.boolean()),
    notes: z.number(),
    last: z.string(),
    ledger: z.array(z.string()),
  }),
  create: z.literal(true),
  ...company,
  everyMs: 100,
  hidden: ["ledger"],
  init: () => ({ members: { bob: true }, notes: 0, last: "", ledger: [] }),
  messages: (message) => ({
    admit: message(
      z.object({ token: Token, id: z.string() }),
      (ctx, { token, id }) => {
        ctx.state.last = token;
        ctx.state.members[id] = true;
        return { at: ctx.seq, notes: ctx.state.notes };
      },
      (ctx) => ctx.caller.id === OWNER,
    ),
    banish: message(
      z.object({ token: Token, id: z.string() }),
      (ctx, { token, id }) => {
        ctx.state.last = token;
        delete ctx.state.members[id];
        return { at: ctx.seq, notes: ctx.state.notes };
      },
      (ctx) => ctx.caller.id === OWNER,
    ),
    /** Changes nothing that anybody sees. */
    book: message(z.object({ token: Token }), (ctx, { token }) => {
      book(ctx.state.ledger, token);
    }),
    note: message(z.object({ token: Token }), (ctx, { token }) => {
      ctx.state.last = token;
      ctx.state.notes += 1;
      book(ctx.state.ledger, token);
      return { at: ctx.seq, notes: ctx.state.notes };
    }),
  }),
  queries: (query) => ({ notes: query((ctx) => ({ at: ctx.seq, notes: ctx.state.notes })) }),
  canCreate: (caller) => caller.id === OWNER,
  canOpen: (viewer, { members }) => maySeeVault(viewer.id, members),
});
