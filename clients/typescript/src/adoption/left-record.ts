// The text of a record: what a client has left unanswered, and what whoever adopts it must know. Reading trusts nothing:
// another version of this library may have written it.
import { type Json, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { Call, LeftCall } from "../calls/call.js";
import { isObject } from "../stream/local-diff.js";

const VERSION = 1;

/** What a record says besides its calls. */
export interface RecordHead {
  /** The socket's address. */
  readonly url: string;
  /** Whose calls these are; undefined: the client never learned it. */
  readonly subject: string | undefined;
  /** Which holder of this client id wrote it: 0 the client itself, then each that adopts it. */
  readonly generation: number;
}

/** A record that can be gone on from. */
export interface LeftRecord extends RecordHead {
  /** In order of n. */
  readonly calls: readonly LeftCall[];
}

/** One message as it is kept. `nowMs` is this machine's clock: what has no `due` yet ages by it. */
export function callText(
  { n, request, input, due, deadlineMs }: Call,
  now: { nowMs: number; monotonicMs: number },
): string {
  const { lane, target, name, options } = request;
  const age = due ?? { at: now.nowMs, ttl: Math.max(0, Math.ceil(deadlineMs - now.monotonicMs)) };
  return JSON.stringify({ n, lane, target, name, input, if: options?.ifSeq, ...age });
}

/** A record of calls as `callText` wrote them. */
export function recordText({ url, subject, generation }: RecordHead, calls: Iterable<string>): string {
  return `{"v":${VERSION},"head":${JSON.stringify({ url, subject, generation })},"calls":[${[...calls].join(",")}]}`;
}

/** Undefined for what this library did not write. `nowMs` as for `callText`. */
export function readRecord(text: string, nowMs: number): LeftRecord | undefined {
  const record = parsed(text);
  const { v, head, calls } = isObject(record) ? record : {};
  if (v !== VERSION || !isObject(head) || !Array.isArray(calls)) return undefined;
  const { url, subject, generation } = head;
  if (typeof url !== "string" || typeof generation !== "number") return undefined;
  if (subject !== undefined && typeof subject !== "string") return undefined;
  const left = calls.map((call: Json) => (isObject(call) ? readCall(call, nowMs) : undefined));
  if (!left.every((call) => call !== undefined)) return undefined;
  return { url, subject, generation, calls: left };
}

function readCall(call: JsonObject, nowMs: number): LeftCall | undefined {
  const { n, lane, target, name, input, if: ifSeq, born, ttl, at } = call;
  if (typeof n !== "number" || typeof lane !== "string" || typeof target !== "string") return undefined;
  if (typeof name !== "string" || input === undefined || typeof ttl !== "number") return undefined;
  if (typeof born !== "number" && typeof at !== "number") return undefined;
  const options = typeof ifSeq === "number" ? { ifSeq } : undefined;
  const due = typeof born === "number" ? { born, ttl } : undefined;
  // A clock that went back must not make it younger than it was, nor one that jumped ahead older than can be.
  const agedMs = typeof at === "number" ? Math.min(Math.max(0, nowMs - at), LIMITS.requestHorizonMs) : 0;
  return { n, request: { lane, target, name, input, options }, input, due, leftMs: Math.max(0, ttl - agedMs) };
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
