// Writes down what one client's application asks and is told, and watches what the client sends: that a call keeps its
// number and its birth, and that nothing is sent again once it was answered (REQ-16).
import { type Codec, type Json, LIMITS, TidemarkError } from "@tidemark/protocol";
import type { Sent } from "../../../clients/typescript/src/api/call.js";
import { digest } from "../history/digest.js";
import { member } from "../history/fold.js";
import type { CallRecord, ClientHistory, Moment, Outcome, Seen } from "../history/history.js";
import { readToken } from "../server/token.js";
import { DELETE } from "../workload/deeds.js";
import type { Trace } from "../world/trace.js";
import { asJson } from "./as-json.js";
import type { BookedCall, CallBook } from "./call-book.js";

/** What a record is made of. */
export interface ClientRecordParts {
  readonly name: string;
  readonly subject: string;
  readonly codec: Codec;
  /** The calls of all clients. */
  readonly book: CallBook;
  readonly moment: () => Moment;
  readonly trace: Trace;
  readonly problem: (rule: string, text: string) => void;
}

const LIMIT = { bytesMax: LIMITS.frameBytesMax, depthMax: LIMITS.depthMax };

/** The record of one client. */
export class ClientRecord {
  readonly history: ClientHistory;
  readonly #parts: ClientRecordParts;
  /** By their numbers. */
  readonly #deletions = new Map<number, BookedCall>();

  constructor(parts: ClientRecordParts) {
    this.#parts = parts;
    const { name, subject } = parts;
    this.history = { name, subject, clientId: "", teams: [], calls: [], subscriptions: [], mayDiverge: false };
  }

  /** An application calls. */
  call(what: Pick<CallRecord, "documentId" | "name" | "isQuery" | "mayFail">): CallRecord {
    const { name, moment } = this.#parts;
    const token = `${name}.${this.history.calls.length + 1}`;
    const call: CallRecord = {
      ...what,
      token,
      sent: moment(),
      n: 0,
      born: 0,
      ttlMs: undefined,
      settled: undefined,
      outcome: { kind: "pending" },
      shownSeq: undefined,
    };
    this.history.calls.push(call);
    this.#parts.book.add(call, this.history);
    return call;
  }

  /** Writes down how a message ends. `shown` is asked at that very moment. */
  message(call: CallRecord, sent: Sent<unknown>, shown: () => number | undefined): void {
    sent.receipt.then(
      async ({ n, epoch, seq }) => {
        const result = asJson(await sent);
        call.shownSeq = shown();
        this.#settle(call, { kind: "applied", n, epoch, seq, result });
      },
      (error: unknown) => this.#settle(call, failure(error)),
    );
    sent.catch(() => undefined);
  }

  /** Writes down how a query ends. */
  query(call: CallRecord, asked: Promise<unknown>): void {
    asked.then(
      (result) => this.#settle(call, { kind: "answered", result: asJson(result) }),
      (error: unknown) => this.#settle(call, failure(error)),
    );
  }

  /** A new opening of a document; what it tells goes into the list. */
  subscription(documentId: string): (seen: Seen) => void {
    const seen: Seen[] = [];
    this.history.subscriptions.push({ documentId, seen });
    return (item) => {
      seen.push(item);
      const { trace, name } = this.#parts;
      const what = item.kind === "state" ? digest(item.state) : item.kind === "event" ? JSON.stringify(item.data) : 0;
      trace.note(name, `sees ${item.kind} of ${documentId}`, "seq" in item ? item.seq : item.from, what);
    };
  }

  /** A new socket; what is made is told of each frame that is about to leave by it. The first client id that is said on
   * any is this client's own: others are of pages that are gone, in whose name it speaks. */
  socket(): (frame: string | Uint8Array) => void {
    const { codec, trace, name } = this.#parts;
    const speaker = { clientId: "" };
    return (frame) => {
      trace.note(name, ">", frame);
      for (const message of codec.decode(frame, LIMIT)) this.#sending(message, speaker);
    };
  }

  /** The application is gone: nobody hears an answer any more. */
  gone(code: "crashed" | "closed"): void {
    for (const call of this.history.calls)
      if (call.outcome.kind === "pending") this.#settle(call, { kind: "unknown", code });
  }

  #sending(message: Json, speaker: { clientId: string }): void {
    if (!isList(message)) return;
    const [type, n, target, name, input, extension] = message;
    const { history } = this;
    if (type === "hello") {
      speaker.clientId = textAt(n, "client");
      if (history.clientId === "") history.clientId = speaker.clientId;
    }
    const isOwn = speaker.clientId === history.clientId;
    if (isOwn && (type === "hello" || type === "auth")) this.#belongsTo(readToken(textAt(n, "token")).team);
    if (type !== "c" || typeof n !== "number") return;
    const isDeletion = target === "$" && name === "delete";
    const booked = isDeletion ? this.#deletion(n, textAt(input, "doc")) : this.#parts.book.find(tokenOf(input));
    if (booked === undefined) return;
    // Its page may have died before it said anything.
    if (booked.owner.clientId === "") booked.owner.clientId = speaker.clientId;
    if (isOwn !== (booked.owner === history)) this.#misnamed(booked.call);
    this.#copy(booked.call, n, extension ?? null);
  }

  /** Deletions carry no token: the first copies leave in the order in which they were asked for, but for those that were
   * given up before. */
  #deletion(n: number, documentId: string): BookedCall | undefined {
    const known = this.#deletions.get(n);
    if (known !== undefined) return known;
    const call = this.history.calls.find(
      ({ name, documentId: of, n: asked, settled }) =>
        name === DELETE && of === documentId && asked === 0 && settled === undefined,
    );
    if (call === undefined) return undefined;
    const booked = { call, owner: this.history };
    this.#deletions.set(n, booked);
    return booked;
  }

  #misnamed({ token }: CallRecord): void {
    this.#parts.problem("REQ-20", `${this.#parts.name}: ${token} is sent in another's name`);
  }

  #belongsTo(team: string): void {
    if (this.history.teams.at(-1) !== team) this.history.teams.push(team);
  }

  #copy(call: CallRecord, n: number, extension: Json): void {
    const { name, problem } = this.#parts;
    const born = numberAt(extension, "born") ?? 0;
    if (call.n === 0) {
      call.n = n;
      call.born = born;
      call.ttlMs = numberAt(extension, "ttl");
    }
    if (call.n !== n || call.born !== born) problem("REQ-16", `${name}: ${call.token} is sent again as another call`);
    const isForgotten = call.outcome.kind === "unknown" && call.outcome.code === "crashed";
    if (call.settled !== undefined && !isForgotten) {
      problem("REQ-16", `${name}: ${call.token} is sent again after it was answered`);
    }
  }

  #settle(call: CallRecord, outcome: Outcome): void {
    if (call.settled !== undefined) return;
    const { trace, name, moment } = this.#parts;
    call.settled = moment();
    call.outcome = outcome;
    trace.note(name, `hears of ${call.token}`, JSON.stringify(outcome));
  }
}

function failure(error: unknown): Outcome {
  if (!(error instanceof TidemarkError))
    return { kind: "rejected", code: String(error), reason: undefined, data: null };
  const { code, outcome, reason, data } = error;
  if (outcome === "unknown") return { kind: "unknown", code };
  return { kind: "rejected", code, reason, data: data ?? null };
}

/** What is published on a channel carries it in its data. */
const tokenOf = (input: Json | undefined): string => textAt(input, "token") || textAt(member(input, "data"), "token");

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

function fieldOf(value: Json | undefined, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function textAt(value: Json | undefined, name: string): string {
  const text = fieldOf(value, name);
  return typeof text === "string" ? text : "";
}

function numberAt(value: Json, name: string): number | undefined {
  const number = fieldOf(value, name);
  return typeof number === "number" ? number : undefined;
}
