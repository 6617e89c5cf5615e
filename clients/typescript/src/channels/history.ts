// Reads the messages of a channel that were published before: as many answers as it takes, since one answer is bounded
// by its bytes and by how far the server looks for it.
import { CHANNEL_HISTORY, type Json, type JsonObject, TidemarkError } from "@tidemark/protocol";
import type { Calls } from "../calls/calls.js";
import { isObject } from "../stream/local-diff.js";
import type { HistoryPage, UntypedMessage } from "./live-channel.js";

/** As `ChannelOptions` has it. */
interface MessageFilter {
  readonly events?: readonly string[];
  readonly where?: object;
}

const LIMIT = 100;
/** What a server gives in one answer. */
const ANSWER_MAX = 1_000;

/** Newest first; fewer than asked for only when there are no more. Rejects with TidemarkError. */
export async function channelHistory(
  calls: Calls,
  target: string,
  { before, limit = LIMIT, ...filter }: HistoryPage & MessageFilter,
): Promise<readonly UntypedMessage[]> {
  const messages: UntypedMessage[] = [];
  let next = before;
  do {
    const asked = {
      ...filter,
      limit: Math.min(limit - messages.length, ANSWER_MAX),
      ...(next === undefined ? {} : { before: next }),
    };
    const page = readPage(await calls.call({ lane: undefined, target, name: CHANNEL_HISTORY, input: asked }));
    messages.push(...page.messages);
    next = page.next;
  } while (next !== undefined && messages.length < limit);
  return messages;
}

function readPage(result: Json | undefined): { messages: readonly UntypedMessage[]; next: number | undefined } {
  const { messages, next }: JsonObject = isObject(result) ? result : {};
  if (!Array.isArray(messages)) throw unreadable();
  return { messages: messages.map(readMessage), next: typeof next === "number" ? next : undefined };
}

function readMessage(message: Json): UntypedMessage {
  const [seq, at, event, data]: readonly Json[] = Array.isArray(message) ? message : [];
  if (typeof seq !== "number" || typeof at !== "number" || typeof event !== "string" || data === undefined) {
    throw unreadable();
  }
  return { event, data, seq, at };
}

const unreadable = (): TidemarkError =>
  new TidemarkError("protocol_error", { message: "The answer to history does not have its form." });
