// Checks `channels` of an application: by name pattern, how channels behave.
import type { History } from "../definition/definition.js";
import { DefinitionError, kindOf, requireRecord } from "../definition/definition-error.js";
import { resolveHistory } from "../definition/resolve-history.js";
import { isKeyPattern } from "../grants.js";
import { CHANNEL_HISTORY_DEFAULT, type ResolvedChannelRules } from "./channel-type.js";

/** How channels whose name matches behave. */
export interface ChannelRules {
  /** How many messages are kept, and for how long; the tighter bound wins. Default `{ deltas: 1_000, days: 7 }`. */
  readonly history?: History;
  /** Default, and in this version only, true: what is published is on disk before anybody hears of it. */
  readonly durable?: boolean;
  /** Whoever has a grant may be seen on it; default true. */
  readonly presence?: boolean;
}

/** The rules in the order in which they are tried. Throws `DefinitionError` naming the first that cannot work. */
export function resolveChannels(channels: unknown): readonly ResolvedChannelRules[] {
  if (channels === undefined) return [];
  return Object.entries(requireRecord("channels", channels)).map(([pattern, rules]) => {
    const property = `channels.${pattern}`;
    if (!isKeyPattern(pattern)) {
      throw new DefinitionError(property, "must be the name of a channel, or the beginning of one with * at its end.");
    }
    const { history, durable = true, presence = true, ...others } = requireRecord(property, rules);
    const [other] = Object.keys(others);
    if (other !== undefined) throw new DefinitionError(`${property}.${other}`, "is not a rule of channels.");
    requireFlag(`${property}.presence`, presence);
    requireFlag(`${property}.durable`, durable);
    if (!durable) {
      throw new DefinitionError(
        `${property}.durable`,
        "cannot be false in this version: every message of a channel is stored. Keep few with `history`, or use signals.",
      );
    }
    return { pattern, history: resolveHistory(`${property}.history`, history, CHANNEL_HISTORY_DEFAULT), presence };
  });
}

function requireFlag(property: string, value: unknown): asserts value is boolean {
  if (typeof value !== "boolean")
    throw new DefinitionError(property, `must be true or false, but is ${kindOf(value)}.`);
}
