// What readers are told who know nothing of handles, layers or parts: whole states, patches of RFC 6902 from one to the
// next, and where they are then. The forms of an event stream and of a long poll say the same.
import { CLOSE, ERRORS, type ErrorCode, type Json, type JsonPatchOperation, type Retry } from "@tidemark/protocol";
import { invalid } from "./parameters.js";

/** A point in a document's history. */
export interface At {
  readonly epoch: number;
  readonly seq: number;
}

/** An event of a transaction. */
export interface ToldEvent {
  readonly seq: number;
  /** Unix ms. */
  readonly at: number;
  readonly name: string;
  readonly data: Json;
}

/** Each is whole in itself. */
export type Told =
  /** The state is this one. `gap`: events before it are lost. */
  | ({ readonly kind: "snapshot"; readonly state: Json } & At & Happened & { readonly gap?: true })
  | ({ readonly kind: "patch"; readonly patch: readonly JsonPatchOperation[] } & At & Happened)
  /** Nothing that is shown has changed. */
  | ({ readonly kind: "ping" } & At)
  | ToldEnd;

interface Happened {
  /** Absent: none. */
  readonly events?: readonly ToldEvent[];
}

/** It is over, or does not begin. */
export interface ToldEnd {
  readonly kind: "end";
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly afterMs?: number;
  readonly data?: Json;
}

/** What a reader holds: a point, and one tag for each layer of what it is shown. */
export interface Held extends At {
  readonly tags: readonly string[];
}

const HELD = /^(\d{1,16})\.(\d{1,16})((?:\.[A-Za-z0-9_-]{0,64}){0,2})$/;

/** Reads `epoch.seq.tag`, with as many tags as there are. Throws TidemarkError `invalid_input`; `path` names the place. */
export function heldIn(path: string, text: string): Held {
  const [, epoch, seq, tags] = HELD.exec(text) ?? [];
  if (epoch === undefined || tags === undefined) throw invalid(path, "a position as it was told, `epoch.seq.tag`");
  return { epoch: Number(epoch), seq: Number(seq), tags: tags.split(".").slice(1) };
}

/** Writes it. */
export const heldText = ({ epoch, seq, tags }: Held): string => [epoch, seq, ...tags].join(".");

/** What is told of an end. */
export function endOf({
  code,
  retry = ERRORS[code].retry,
  afterMs,
  data,
}: Omit<ToldEnd, "kind" | "retry"> & { retry?: Retry }): ToldEnd {
  const known = { ...(afterMs === undefined ? {} : { afterMs }), ...(data === undefined ? {} : { data }) };
  return { kind: "end", code, retry, ...known };
}

const ENDS: ReadonlyMap<number, ErrorCode> = new Map([
  [CLOSE.unauthenticated, "unauthenticated"],
  [CLOSE.revoked, "revoked"],
  [CLOSE.draining, "draining"],
  [CLOSE.slowReader, "slow_reader"],
  [CLOSE.overloaded, "overloaded"],
  [CLOSE.internal, "internal"],
  [CLOSE.protocolError, "protocol_error"],
  [CLOSE.unsupportedVersion, "unsupported_version"],
]);

/** What a close code is to a reader. */
export const endOfCode = (code: number): ToldEnd => endOf({ code: ENDS.get(code) ?? "connection_lost" });
