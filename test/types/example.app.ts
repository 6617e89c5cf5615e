// The retro board: drafts stay private until a timer reveals them, then a task has them summarised. And a counter. It is
// type-checked and never run: much of it uses properties that stand as types only and are refused at start-up.

import { defineApp, documentType } from "tidemark";
import { z } from "zod";

declare function summarize(texts: readonly string[], idempotencyKey: string, signal: AbortSignal): Promise<string>;

export const counter = documentType({
  state: z.object({ value: z.number() }),
  canCreate: () => true,
  init: () => ({ value: 0 }),
  messages: (message) => ({
    add: message(z.object({ by: z.number().int().default(1) }), (ctx, { by }) => {
      ctx.state.value += by;
      return ctx.state.value;
    }),
    reset: message((ctx) => {
      ctx.state.value = 0;
    }),
  }),
});

/** Sealed votes: nobody sees the ballots, each sees their own, all see the count. */
export const poll = documentType({
  state: z.object({ question: z.string(), ballots: z.record(z.string(), z.number()), count: z.number() }),
  hidden: ["ballots"],
  mine: { key: (viewer) => viewer.id, of: (state, me) => ({ vote: state.ballots[me] ?? null }) },
  create: z.object({ question: z.string() }),
  init: (_ctx, { question }) => ({ question, ballots: {}, count: 0 }),
  messages: (message) => ({
    vote: message(z.object({ choice: z.number().int() }), (ctx, { choice }) => {
      if (!(ctx.caller.id in ctx.state.ballots)) ctx.state.count += 1;
      ctx.state.ballots[ctx.caller.id] = choice;
    }),
  }),
});

const Card = z.object({ text: z.string().max(500), by: z.string() });

export const board = documentType({
  version: 2,
  state: z.object({
    owner: z.string(),
    title: z.string(),
    open: z.boolean(),
    cards: z.record(z.string(), Card),
    drafts: z.record(z.string(), z.record(z.string(), Card)),
    summary: z.string().nullable(),
  }),
  create: z.object({ title: z.string().min(1) }),
  params: z.object({ search: z.string().default("") }),
  events: {
    revealed: { data: z.object({ count: z.number() }) },
    nudged: { data: z.object({ to: z.string() }), audience: (data, viewKey) => data.to === viewKey },
  },
  signals: { cursor: z.object({ x: z.number(), y: z.number() }) },
  presence: z.object({ name: z.string() }),
  timers: { reveal: z.object({ loud: z.boolean() }) },
  tasks: { summarize: { input: z.object({ texts: z.array(z.string()) }), output: z.string() } },
  indexes: { owner: (state) => state.owner, open: (state) => state.open },

  init: (ctx, { title }) => ({ owner: ctx.caller.id, title, open: true, cards: {}, drafts: {}, summary: null }),
  canCreate: () => true,
  canOpen: (viewer) => !viewer.roles.includes("banned"),
  canList: (caller, where) => where.owner === caller.id,
  canDelete: (caller, state) => caller.id === state.owner,

  shared: ({ drafts, ...rest }, { search }) => ({
    ...rest,
    cards: Object.fromEntries(Object.entries(rest.cards).filter(([, card]) => card.text.includes(search))),
    busy: Object.keys(drafts).length,
  }),
  mine: { key: (viewer) => viewer.id, of: (state, me) => ({ drafts: state.drafts[me] ?? {} }) },

  messages: (message) => ({
    add: message(z.object({ text: z.string().min(1) }), (ctx, { text }) => {
      if (!ctx.state.open) ctx.reject("closed", "the board is revealed");
      const id = ctx.uuid();
      const mine = ctx.state.drafts[ctx.caller.id] ?? {};
      mine[id] = { text, by: ctx.caller.id };
      ctx.state.drafts[ctx.caller.id] = mine;
      return { id };
    }),
    startTimer: message(
      z.object({ minutes: z.number().positive().max(60) }),
      (ctx, { minutes }) => {
        ctx.after(minutes * 60_000, "reveal", { loud: true });
      },
      (ctx) => ctx.caller.id === ctx.state.owner,
    ),
    nudge: message(z.object({ to: z.string() }), (ctx, { to }) => ctx.emit("nudged", { to })),
  }),
  queries: (query) => ({
    find: query(z.object({ text: z.string() }), (ctx, { text }) =>
      Object.entries(ctx.state.cards).flatMap(([id, card]) => (card.text.includes(text) ? [{ id, by: card.by }] : [])),
    ),
  }),
  onTimer: {
    reveal(ctx, { loud }) {
      for (const mine of Object.values(ctx.state.drafts)) Object.assign(ctx.state.cards, mine);
      Object.assign(ctx.state, { drafts: {}, open: false });
      if (loud) ctx.emit("revealed", { count: Object.keys(ctx.state.cards).length });
      ctx.task("summarize", { texts: Object.values(ctx.state.cards).map((card) => card.text) });
    },
  },
  onTask: {
    summarize: {
      run: ({ texts }, io) => summarize(texts, io.id, io.signal),
      done(ctx, text) {
        ctx.state.summary = text;
      },
      failed(ctx, { message }) {
        ctx.state.summary = `no summary: ${message}`;
      },
    },
  },
  members: {
    left(ctx, id) {
      delete ctx.state.drafts[id];
    },
  },
  history: { deltas: 50_000, days: 90 },
  everyMs: 100,
  migrate: { 2: (document) => ({ ...document, state: { ...document.state, summary: null } }) },
});

export const app = defineApp({
  documents: { board, counter, poll },
  authenticate: async (token) => (token.startsWith("user:") ? { id: token.slice(5) } : null),
  channels: { "chat-*": { history: { deltas: 10_000, days: 30 } } },
});

type RetroApp = typeof app;
/** What clients import. An interface, so that hovers say `App`; `connect<typeof app>` works as well. */
export interface App extends RetroApp {}
