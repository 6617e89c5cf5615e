// The document types that fuzzed conversations are about: a sheet stores whatever its schema lets in and costs no more
// than what it is given; a hand shows everybody something else, at a pace.
import { z } from "zod";
import { documentType } from "../../src/index.js";

const yes = (): boolean => true;

export const sheet = documentType({
  state: z.object({
    n: z.number(),
    text: z.string(),
    items: z.record(z.string(), z.unknown()),
    log: z.array(z.string()),
  }),
  create: z.object({ n: z.number().optional() }).or(z.literal(true)),
  init: (_ctx, input) => ({ n: input === true ? 0 : (input.n ?? 0), text: "", items: {}, log: [] }),
  canCreate: yes,
  canOpen: yes,
  canList: yes,
  canDelete: yes,
  canHistory: yes,
  events: { said: { data: z.object({ text: z.string() }) } },
  queries: (query) => ({ count: query(({ state }) => Object.keys(state.items).length) }),
  messages: (message) => ({
    add: message(z.object({ by: z.number() }), (ctx, { by }) => {
      ctx.state.n += by;
      return ctx.state.n;
    }),
    note: message(z.string(), (ctx, text) => {
      ctx.state.log.unshift(text);
      if (ctx.state.log.length > 5) ctx.state.log.splice(2, 2);
      return { length: ctx.state.log.length };
    }),
    set: message(z.object({ key: z.string(), value: z.unknown() }), (ctx, { key, value }) => {
      ctx.state.items[key] = value;
    }),
    unset: message(z.string(), (ctx, key) => {
      delete ctx.state.items[key];
    }),
    write: message(z.string(), (ctx, text) => {
      ctx.state.text += text;
    }),
    say: message(z.string(), (ctx, text) => {
      ctx.emit("said", { text });
    }),
    reject: message(z.unknown(), (ctx) => ctx.reject("no_thanks")),
  }),
});

export const hand = documentType({
  state: z.object({ cards: z.record(z.string(), z.array(z.string())), secret: z.string() }),
  create: z.literal(true),
  init: () => ({ cards: {}, secret: "" }),
  canCreate: yes,
  canOpen: yes,
  hidden: ["secret"],
  params: z.object({ of: z.string().optional() }),
  shared: (state, { of }) => ({
    counts: of === undefined ? Object.keys(state.cards).length : (state.cards[of]?.length ?? 0),
  }),
  mine: { key: ({ id }) => id, of: (state, me) => ({ cards: state.cards[me] ?? [] }) },
  everyMs: 50,
  messages: (message) => ({
    deal: message(z.object({ to: z.string(), card: z.string() }), (ctx, { to, card }) => {
      ctx.state.cards[to] = [...(ctx.state.cards[to] ?? []), card];
      ctx.state.secret = card;
    }),
  }),
});
