// The built-in type `channel`: messages that are published are the events of its log, and its state is no more than where
// it begins, so that a channel costs what its log costs. Nobody may do anything here but by a grant.
import { CHANNEL_HISTORY, PUBLISH } from "@tidemark/protocol";
import { z } from "zod";
import type { CompiledInput } from "../definition/compiled-input.js";
import type { ResolvedHistory, ResolvedMessage, ResolvedQuery, ResolvedType } from "../definition/resolved-type.js";
import { compileState } from "../definition/state/compiled-state.js";
import { matches } from "../grants.js";
import { TransactionContext } from "../transaction-context.js";
import { filterInput, isEventName, lookBackInput, Publication, publicationInput } from "./channel-inputs.js";

/** What is kept of a channel that nothing is said about. */
export const CHANNEL_HISTORY_DEFAULT = { deltas: 1_000, days: 7 } as const;

/** The rules of channels whose name matches. */
export interface ResolvedChannelRules {
  /** A name, or the beginning of one with `*` at its end. */
  readonly pattern: string;
  readonly history: ResolvedHistory;
  readonly presence: boolean;
}

/** The type of all channels. Of the rules, the first that match a name are that channel's. */
export function channelType(rules: readonly ResolvedChannelRules[]): ResolvedType {
  const named = (key: string): ResolvedType => ruled.find(({ pattern }) => matches(pattern, key))?.type ?? unruled;
  const ruled = rules.map(({ pattern, history, presence }) => ({
    pattern,
    type: typeOf(history, { presence, named }),
  }));
  const unruled = typeOf(CHANNEL_HISTORY_DEFAULT, { presence: true, named });
  return unruled;
}

/** The seq with which a channel began: nothing before it is its own. */
export const beginningOf = (state: object): number => Number(Reflect.get(state, "since"));

const nobody = (): boolean => false;

/** Whatever was published is JSON. */
const anything: CompiledInput = { parse: (value) => ({ ok: true, value }) };

/** Signals are named as events are. */
const anySignals = { get: (name: string) => (isEventName(name) ? anything : undefined) };

const publish: ResolvedMessage = {
  input: publicationInput,
  run(ctx, input) {
    if (ctx instanceof TransactionContext && input instanceof Publication) ctx.emit(input.event, input.data);
  },
};

/** Answered from the log, which no handler reads. */
const history: ResolvedQuery = { input: lookBackInput, run: () => null };

const STATE = z.strictObject({ since: z.number() });

function typeOf(kept: ResolvedHistory, channel: ResolvedType["channel"]): ResolvedType {
  return {
    version: 1,
    state: compileState(STATE),
    stateSchema: STATE,
    create: undefined,
    init: (ctx) => ({ since: ctx instanceof TransactionContext ? ctx.seq : 1 }),
    messages: new Map([[PUBLISH, publish]]),
    queries: new Map([[CHANNEL_HISTORY, history]]),
    events: { get: () => anything },
    audiences: new Map(),
    canCreate: nobody,
    canOpen: nobody,
    canList: nobody,
    canHistory: nobody,
    canDelete: nobody,
    history: kept,
    hidden: undefined,
    shown: undefined,
    views: undefined,
    peers: { signals: anySignals, presence: channel?.presence === true ? anything : undefined },
    members: undefined,
    params: filterInput,
    tag: "",
    revealAuthor: false,
    everyMs: 0,
    callRight: "publish",
    channel,
  };
}
