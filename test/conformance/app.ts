// The application that conformance dialogues are about, as protocol/dialogues/README.md describes it in words. It does
// what is said there and nothing else: other implementations have one of their own.

import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const anybody = (): boolean => true;
/** Everybody creates documents but the person of this name. */
const canCreate = ({ id }: { readonly id: string }): boolean => id !== "stranger";

const counter = documentType({
  state: z.object({ value: z.number().int(), note: z.string() }),
  create: z.literal(true).or(z.object({ value: z.number().int().optional(), note: z.string().optional() })),
  init: (_ctx, input) => ({
    value: input === true ? 0 : (input.value ?? 0),
    note: input === true ? "" : (input.note ?? ""),
  }),
  canCreate,
  canDelete: anybody,
  canHistory: anybody,
  canList: anybody,
  messages: (message) => ({
    add: message(z.object({ by: z.number().int() }), (ctx, { by }) => {
      ctx.state.value += by;
      if (ctx.state.value < 0) ctx.reject("too_low", "a counter is never below 0", { value: ctx.state.value - by });
      return ctx.state.value;
    }),
    touch: message(() => undefined),
    crash: message((ctx) => {
      ctx.state.value = -1;
      throw new Error("as it was told");
    }),
  }),
  queries: (query) => ({ double: query(({ state }) => state.value * 2) }),
});

const Item = z.object({ id: z.string(), text: z.string() });

const list = documentType({
  state: z.object({ items: z.array(Item), banned: z.record(z.string(), z.boolean()) }),
  init: () => ({ items: [], banned: {} }),
  events: { removed: { data: Item } },
  canCreate,
  canDelete: anybody,
  canOpen: ({ id }, { banned }) => banned[id] !== true,
  messages: (message) => {
    const at = (items: readonly { readonly id: string }[], id: string): number =>
      items.findIndex((item) => item.id === id);
    return {
      insert: message(Item.extend({ at: z.number().int().min(0).optional() }), (ctx, { id, text, at: index }) => {
        const { items } = ctx.state;
        if (at(items, id) !== -1) ctx.reject("taken");
        items.splice(index ?? items.length, 0, { id, text });
      }),
      edit: message(Item, (ctx, { id, text }) => {
        const item = ctx.state.items[at(ctx.state.items, id)];
        if (item === undefined) return ctx.reject("missing");
        item.text = text;
      }),
      move: message(z.object({ id: z.string(), to: z.number().int().min(0) }), (ctx, { id, to }) => {
        const { items } = ctx.state;
        const [item] = items.splice(at(items, id), at(items, id) === -1 ? 0 : 1);
        if (item === undefined) return ctx.reject("missing");
        items.splice(to, 0, { id: item.id, text: item.text });
      }),
      remove: message(z.object({ id: z.string() }), (ctx, { id }) => {
        const { items } = ctx.state;
        const [item] = items.splice(at(items, id), at(items, id) === -1 ? 0 : 1);
        if (item === undefined) return ctx.reject("missing");
        ctx.emit("removed", { id: item.id, text: item.text });
      }),
      ban: message(z.object({ name: z.string() }), (ctx, { name }) => {
        ctx.state.banned[name] = true;
      }),
      unban: message(z.object({ name: z.string() }), (ctx, { name }) => {
        delete ctx.state.banned[name];
      }),
    };
  },
});

const text = documentType({
  state: z.object({ text: z.string() }),
  init: () => ({ text: "" }),
  canCreate,
  messages: (message) => ({
    append: message(z.object({ text: z.string() }), (ctx, input) => {
      ctx.state.text += input.text;
    }),
    replace: message(z.object({ text: z.string() }), (ctx, input) => {
      ctx.state.text = input.text;
    }),
  }),
});

const safe = documentType({
  state: z.object({ shown: z.string(), vault: z.object({ code: z.string().max(100) }) }),
  hidden: ["vault"],
  init: () => ({ shown: "", vault: { code: "" } }),
  canCreate,
  canHistory: anybody,
  messages: (message) => ({
    show: message(z.object({ text: z.string() }), (ctx, input) => {
      ctx.state.shown = input.text;
    }),
    keep: message(z.object({ text: z.string() }), (ctx, input) => {
      ctx.state.vault.code = input.text;
    }),
  }),
});

const board = documentType({
  state: z.object({
    cards: z.record(z.string(), z.string()),
    hands: z.record(z.string(), z.array(z.string())),
    stamp: z.number().int(),
    note: z.string(),
    broken: z.string(),
  }),
  params: z.object({ find: z.string().default("") }),
  shared: ({ cards, stamp, broken }, { find }) => {
    if (broken === "shared") throw new Error("as it was told");
    return { cards: Object.fromEntries(Object.entries(cards).filter(([, card]) => card.includes(find))), stamp };
  },
  mine: {
    key: ({ claims }) => String(claims["team"] ?? ""),
    of: ({ hands, stamp, broken }, team) => {
      if (broken === "mine" && team !== "") throw new Error("as it was told");
      return { hand: hands[team] ?? [], stamp };
    },
  },
  events: {
    dealt: { data: z.object({ team: z.string(), text: z.string() }), audience: ({ team }, key) => team === key },
  },
  init: () => ({ cards: {}, hands: {}, stamp: 0, note: "", broken: "" }),
  canCreate,
  canOpen: ({ claims }) => claims["team"] !== "out",
  messages: (message) => ({
    card: message(z.object({ id: z.string(), text: z.string() }), (ctx, { id, text }) => {
      ctx.state.cards[id] = text;
    }),
    deal: message(z.object({ team: z.string(), text: z.string() }), (ctx, { team, text }) => {
      ctx.state.hands[team] ??= [];
      ctx.state.hands[team].push(text);
      ctx.emit("dealt", { team, text });
    }),
    stamp: message((ctx) => {
      ctx.state.stamp += 1;
    }),
    note: message(z.object({ text: z.string() }), (ctx, input) => {
      ctx.state.note = input.text;
    }),
    break: message(z.object({ view: z.enum(["", "shared", "mine"]) }), (ctx, { view }) => {
      ctx.state.broken = view;
    }),
  }),
});

const lounge = documentType({
  state: z.object({ topic: z.string() }),
  signals: { wave: z.object({ to: z.string() }) },
  presence: z.object({ name: z.string().min(1) }),
  init: () => ({ topic: "" }),
  canCreate,
  canOpen: ({ claims }) => claims["team"] !== "out",
  messages: (message) => ({
    topic: message(z.object({ text: z.string() }), (ctx, input) => {
      ctx.state.topic = input.text;
    }),
  }),
});

const TOKEN = /^user:([A-Za-z0-9._-]{1,64})(?:@([a-z]{1,16}))?$/;

export const app = defineApp({
  documents: { counter, list, text, safe, board, lounge },
  authenticate: (token) => {
    const [, name, team] = TOKEN.exec(token) ?? [];
    if (name === undefined) return null;
    return team === undefined ? { id: name } : { id: name, claims: { team } };
  },
});
