// A number that goes up, and down only while there is enough: what a call is told depends on everything before it.
import { z } from "zod";
import { documentType } from "../../../src/index.js";

const Token = z.string();

export const counter = documentType({
  state: z.object({ value: z.number(), turnOf: z.string(), last: z.string() }),
  create: z.literal(true),
  init: () => ({ value: 3, turnOf: "", last: "" }),
  events: { empty: { data: z.object({ token: z.string() }) } },
  messages: (message) => ({
    add: message(z.object({ token: Token, by: z.number() }), (ctx, { token, by }) => {
      ctx.state.last = token;
      ctx.state.value += by;
      return { at: ctx.seq, value: ctx.state.value };
    }),
    take: message(z.object({ token: Token, by: z.number() }), (ctx, { token, by }) => {
      ctx.state.last = token;
      if (ctx.state.value < by) ctx.reject("too_little", undefined, { at: ctx.seq - 1, value: ctx.state.value });
      ctx.state.value -= by;
      if (ctx.state.value === 0) ctx.emit("empty", { token });
      return { at: ctx.seq, value: ctx.state.value };
    }),
    /** Nobody has two turns in a row: what is refused now is taken as soon as somebody else had one. */
    turn: message(z.object({ token: Token }), (ctx, { token }) => {
      ctx.state.last = token;
      const { turnOf } = ctx.state;
      if (turnOf === ctx.caller.id) ctx.reject("not_your_turn", undefined, { at: ctx.seq - 1, turnOf });
      ctx.state.turnOf = ctx.caller.id;
      return { at: ctx.seq, turnOf: ctx.caller.id };
    }),
    /** Applied, and changes nothing. */
    touch: message(z.object({ token: Token }), () => undefined),
    boom: message(z.object({ token: Token }), (ctx, { token }) => {
      ctx.state.last = token;
      ctx.state.value = -1;
      throw new Error("boom");
    }),
  }),
  queries: (query) => ({ value: query((ctx) => ({ at: ctx.seq, value: ctx.state.value })) }),
  canCreate: () => true,
});
