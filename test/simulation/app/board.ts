// A keyed list: things come, move, change and go, and some of it is said as events. It keeps little of its log, so that
// whoever was away for long cannot be told all of it.
import { z } from "zod";
import { documentType } from "../../../src/index.js";

const Token = z.string();
const ITEMS_MAX = 8;

/** May a document of this application be deleted? Somebody will make it again. */
export const isMortal = (documentId: string): boolean => documentId === "board/b";

export const board = documentType({
  state: z.object({ items: z.array(z.object({ id: z.string(), text: z.string() })), last: z.string() }),
  create: z.literal(true),
  init: () => ({ items: [], last: "" }),
  events: {
    said: { data: z.object({ token: z.string() }) },
    gone: { data: z.object({ token: z.string(), id: z.string() }) },
  },
  messages: (message) => ({
    put: message(z.object({ token: Token, index: z.number() }), (ctx, { token, index }) => {
      const { items } = ctx.state;
      ctx.state.last = token;
      items.splice(index % (items.length + 1), 0, { id: token, text: "" });
      if (items.length > ITEMS_MAX) items.shift();
      return { at: ctx.seq, length: items.length };
    }),
    move: message(z.object({ token: Token, from: z.number(), to: z.number() }), (ctx, { token, from, to }) => {
      const { items } = ctx.state;
      ctx.state.last = token;
      if (items.length === 0) ctx.reject("nothing_there", undefined, { at: ctx.seq - 1, length: 0 });
      const [item] = items.splice(from % items.length, 1);
      if (item !== undefined) items.splice(to % (items.length + 1), 0, item);
      return { at: ctx.seq, length: items.length };
    }),
    edit: message(z.object({ token: Token, index: z.number() }), (ctx, { token, index }) => {
      const { items } = ctx.state;
      ctx.state.last = token;
      const item = items[index % Math.max(1, items.length)];
      if (item === undefined) return ctx.reject("nothing_there", undefined, { at: ctx.seq - 1, length: 0 });
      item.text += `${token} `;
      return { at: ctx.seq, length: items.length };
    }),
    drop: message(z.object({ token: Token, index: z.number() }), (ctx, { token, index }) => {
      const { items } = ctx.state;
      ctx.state.last = token;
      const [item] = items.splice(index % Math.max(1, items.length), 1);
      if (item === undefined) return ctx.reject("nothing_there", undefined, { at: ctx.seq - 1, length: 0 });
      ctx.emit("gone", { token, id: item.id });
      return { at: ctx.seq, length: items.length };
    }),
    /** Only an event. */
    say: message(z.object({ token: Token }), (ctx, { token }) => {
      ctx.emit("said", { token });
    }),
  }),
  queries: (query) => ({ length: query((ctx) => ({ at: ctx.seq, length: ctx.state.items.length })) }),
  canCreate: () => true,
  canDelete: (_caller, _state, key) => isMortal(`board/${key}`),
  history: { deltas: 6, days: 7 },
});
