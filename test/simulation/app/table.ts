// A card table: everybody sees how the game stands, each team its own hand, and nobody the ledger. A viewer's team is in
// the token, and may be another in the next one.
import type { DeepReadonly, Principal } from "@tidemark/protocol";
import { z } from "zod";
import { documentType } from "../../../src/index.js";
import { company } from "./company.js";
import { book, MARK } from "./ledger.js";

const Token = z.string();
const HAND_MAX = 5;

/** Those who play. */
export const TEAMS = ["red", "blue", "gray"] as const;

const Table = z.object({
  round: z.number(),
  plays: z.record(z.string(), z.number()),
  hands: z.record(z.string(), z.array(z.string())),
  ledger: z.array(z.string()),
  last: z.string(),
});

type TableState = DeepReadonly<z.infer<typeof Table>>;

/** What everybody sees: whole parts of the state, and what is sorted and counted out of it. */
export const sharedOf = ({ round, plays, hands }: TableState) => ({
  round,
  plays,
  ranks: Object.entries(plays)
    .sort(([one, ones], [other, others]) => others - ones || one.localeCompare(other))
    .map(([team]) => team),
  held: Object.fromEntries(Object.entries(hands).map(([team, hand]) => [team, hand.length])),
});

/** What one team sees besides. */
export const mineOf = ({ hands, round }: TableState, team: string) => ({
  team,
  hand: hands[team] ?? [],
  isOnTurn: TEAMS[round % TEAMS.length] === team,
});

/** The team that a token says. */
export const teamOf = ({ claims }: Principal): string => {
  const { team } = claims;
  return typeof team === "string" ? team : "";
};

/** Does a team hear of it? */
export const isFor = (data: { readonly team: string }, team: string): boolean => data.team === team;

export const table = documentType({
  state: Table,
  create: z.literal(true),
  ...company,
  init: () => ({ round: 0, plays: {}, hands: {}, ledger: [], last: "" }),
  hidden: ["ledger", "last"],
  shared: sharedOf,
  mine: { key: teamOf, of: mineOf },
  events: {
    played: { data: z.object({ token: z.string(), by: z.string() }) },
    whispered: { data: z.object({ token: z.string(), team: z.string(), word: z.string() }), audience: isFor },
  },
  messages: (message) => ({
    deal: message(z.object({ token: Token, team: z.string() }), (ctx, { token, team }) => {
      ctx.state.last = token;
      const hand = ctx.state.hands[team] ?? [];
      ctx.state.hands[team] = [...hand, `${team}${MARK}${token}`].slice(-HAND_MAX);
      return { at: ctx.seq, round: ctx.state.round };
    }),
    play: message(z.object({ token: Token, index: z.number() }), (ctx, { token, index }) => {
      ctx.state.last = token;
      const team = teamOf(ctx.caller);
      const hand = ctx.state.hands[team] ?? [];
      if (hand.length === 0) ctx.reject("nothing_there", undefined, { at: ctx.seq - 1, round: ctx.state.round });
      hand.splice(index % hand.length, 1);
      ctx.state.plays[team] = (ctx.state.plays[team] ?? 0) + 1;
      ctx.emit("played", { token, by: team });
      return { at: ctx.seq, round: ctx.state.round };
    }),
    next: message(z.object({ token: Token }), (ctx, { token }) => {
      ctx.state.last = token;
      ctx.state.round += 1;
      return { at: ctx.seq, round: ctx.state.round };
    }),
    /** Changes nothing that anybody sees. */
    book: message(z.object({ token: Token }), (ctx, { token }) => {
      ctx.state.last = token;
      book(ctx.state.ledger, token);
      return { at: ctx.seq, round: ctx.state.round };
    }),
    /** Only an event, and only for some. */
    whisper: message(z.object({ token: Token }), (ctx, { token }) => {
      const team = teamOf(ctx.caller);
      ctx.emit("whispered", { token, team, word: `${team}${MARK}${token}` });
    }),
  }),
  queries: (query) => ({ round: query((ctx) => ({ at: ctx.seq, round: ctx.state.round })) }),
  canCreate: () => true,
  history: { deltas: 40, days: 7 },
});

/** The state of a log, which the type has checked. */
export const isTable = (state: unknown): state is TableState => Table.safeParse(state).success;
