// Runs calls against a loaded document: the order of checks of WIRE "Requests, exactly once", then the handler, then an
// answer at the gate. Messages take effect here; what only looks is in queries.ts.
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { Absence, Access } from "./access.js";
import type { ClientWindow } from "./client-window.js";
import { createState } from "./creation.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { Document } from "./document.js";
import { type DocumentName, type StoredPosition, TransactionKind, type TransactionRequest } from "./document-store.js";
import type { Answer, Call, Caller, RefusedAnswer } from "./documents.js";
import type { Following } from "./following.js";
import type { HostReport } from "./host-report.js";
import { inputRefusal, type Refused } from "./refusal.js";
import type { Residence } from "./residence.js";
import type { CallWork, OpenWork } from "./work.js";

/** Names under which the service's own messages reach a document. */
export const CREATE = "$create";
export const DELETE = "$delete";

/** What calls need besides the loaded document. */
export interface CallsParts {
  readonly name: DocumentName;
  readonly type: ResolvedType;
  readonly runtime: Runtime;
  readonly following: Following;
  readonly access: Access;
  readonly report: HostReport;
}

type Written = { readonly kind: "written"; readonly at: StoredPosition; readonly resultJson: string | undefined };

/** One call's turn: what it is and what it meets. */
interface Turn {
  readonly work: CallWork;
  readonly residence: Residence;
  readonly window: ClientWindow;
  /** Unix ms. */
  readonly now: number;
  /** It made the document itself: that it had not moved on was seen before. */
  readonly began?: boolean;
}

const refuse = (answer: RefusedAnswer): Refused => ({ kind: "refused", answer });
/** How often a call's own commit may be lost before its client is asked to wait. */
const LOSSES_MAX = 4;
const LOST: RefusedAnswer = { code: "internal", retry: "after", afterMs: 1_000 };

/** The messages of one document. */
export class Calls {
  readonly #parts: CallsParts;
  // What every call needs of the parts, one place in memory nearer.
  readonly #runtime: Runtime;
  readonly #access: Access;
  readonly #following: Following;

  constructor(parts: CallsParts) {
    this.#parts = parts;
    this.#runtime = parts.runtime;
    this.#access = parts.access;
    this.#following = parts.following;
  }

  /** Checks and executes a message, and puts its answer at the gate. */
  take(work: CallWork, residence: Residence, window: ClientWindow): void {
    const now = this.#runtime.now();
    const admission = window.admit(work.call, now, work.hash);
    if (admission.verdict === "execute") return this.#execute({ work, residence, window, now });
    if (admission.verdict === "dropped") return;
    const { head, durable } = residence.pipeline;
    // A copy shares the fate of the one that was applied: run alone after a loss, it would overtake what was refused.
    const applied = admission.verdict === "repeat" && admission.receipt.seq > durable;
    residence.pipeline.push(work.answered(answerOf(admission), head.seq, applied));
  }

  /** A message there is no room for. Load is the last thing to look at: what was applied is answered all the same. */
  takeOverloaded(
    work: CallWork,
    window: ClientWindow,
    { durable, refusal }: { durable: number; refusal: RefusedAnswer },
  ): void {
    const { call } = work;
    const admission = window.admit(call, this.#parts.runtime.now(), work.hash);
    if (admission.verdict === "dropped") return;
    if (admission.verdict === "repeat" && admission.receipt.seq <= durable) {
      return call.origin.answer(call, answerOf(admission));
    }
    window.refused(call.n, refusal);
    call.origin.answer(call, { kind: "no", ...refusal });
  }

  /** Creates the document for somebody who opens it; undefined: done. */
  createForOpening(
    { request, losses }: OpenWork,
    residence: Residence,
    input: Call["input"],
  ): RefusedAnswer | undefined {
    const { caller } = request.follower;
    if (losses >= LOSSES_MAX) return LOST;
    const made = this.#create(residence, { caller, input, request: undefined, now: this.#runtime.now() });
    return made.kind === "refused" ? made.answer : undefined;
  }

  #execute(turn: Turn): void {
    const { work, residence, window, now } = turn;
    const { call } = work;
    const held = window.passLatch(call.n);
    const untimely = untimelyAt(now, call);
    const postponed = untimely === undefined ? (held ?? hopeless(turn)) : undefined;
    // Rests on nothing in memory. At the gate it could be made again after a loss, when what it gave way to has come.
    if (postponed !== undefined) return call.origin.answer(call, { kind: "no", ...postponed });
    const outcome = untimely === undefined ? this.#perform(turn) : refuse(untimely);
    if (outcome.kind === "refused") {
      return residence.pipeline.push(
        work.answered({ kind: "no", ...outcome.answer }, residence.pipeline.head.seq, false),
      );
    }
    const { at, resultJson } = outcome;
    const { n, born } = call;
    window.applied({ n, seq: at.seq, epoch: at.epoch, born, hash: work.hash, result: resultJson });
    residence.pipeline.push(work.answered({ kind: "ok", at, resultJson }, at.seq, true));
  }

  #perform(turn: Turn): Refused | Written {
    const { work, residence } = turn;
    const { call } = work;
    const { caller } = call.origin;
    if (call.name === CREATE) {
      const request = requestOf(turn, undefined);
      return this.#create(residence, { caller, input: call.input, request, moved: () => moved(turn), now: turn.now });
    }
    const { content } = residence;
    if (content.status !== "live") return this.#absent(turn, content.status);
    if (call.name === DELETE) return this.#delete(turn, content.document);
    return this.#message(turn, content.document);
  }

  /** Nothing is there; a channel is from its first message on. */
  #absent(turn: Turn, status: Absence): Refused | Written {
    const { work, residence } = turn;
    const { call } = work;
    const { caller } = call.origin;
    const message = this.#parts.type.messages.get(call.name);
    const begins = this.#parts.type.channel !== undefined && (status === "absent" || status === "deleted");
    if (!begins || message === undefined || !this.#access.mayPublish(caller)) {
      return this.#reported(call.name, this.#access.absenceOf(status, call));
    }
    const wrong = inputRefusal(message.input, call.input);
    if (wrong !== undefined) return wrong;
    const refusal = moved(turn);
    if (refusal !== undefined) return refuse(refusal);
    const made = this.#create(residence, { caller, input: true, request: undefined, use: "publish", now: turn.now });
    if (made.kind === "refused" || residence.content.status !== "live") return made;
    return this.#message({ ...turn, began: true }, residence.content.document);
  }

  #message(turn: Turn, document: Document): Refused | Written {
    const { work, residence, now } = turn;
    const { name, input, ifSeq, origin } = work.call;
    const { caller } = origin;
    const { principal } = caller;
    // Without a `can` of its own, a message needs what `canOpen` asks, or a grant to call.
    const ownRule = document.type.messages.get(name)?.can !== undefined;
    const allowed = ownRule ? this.#access.mayTry(caller) : this.#access.mayCall(document, caller);
    if (!allowed) return refuse({ code: "denied" });
    const permitted =
      ifSeq === undefined || turn.began === true ? undefined : (): RefusedAnswer | undefined => moved(turn);
    const execution = document.execute({ name, input, caller: principal, now, permitted });
    if (execution.kind === "refused") return this.#reported(name, execution);
    const { operationsJson, eventsJson, resultJson } = execution;
    const at = residence.pipeline.append(
      {
        typeVersion: document.type.version,
        kind: TransactionKind.message,
        at: now,
        subject: principal.id,
        operations: operationsJson,
        events: eventsJson,
        request: requestOf(turn, resultJson),
      },
      document.type.revealAuthor ? principal.id : undefined,
    );
    residence.snapshots.wrote(operationsJson.length);
    this.#following.wrote(execution, document, residence.pipeline);
    return { kind: "written", at, resultJson };
  }

  #create(
    residence: Residence,
    creation: {
      caller: Caller;
      input: Call["input"];
      request: TransactionRequest | undefined;
      moved?: () => RefusedAnswer | undefined;
      use?: "open" | "publish";
      now: number;
    },
  ): Refused | Written {
    const { name, type, runtime } = this.#parts;
    const { now, caller } = creation;
    const { principal } = caller;
    if (!this.#access.mayCreate(caller, creation.use)) return refuse({ code: "denied" });
    const { content, pipeline } = residence;
    if (content.status === "live") return refuse({ code: "already_exists" });
    if (content.status !== "absent" && content.status !== "deleted") return refuse({ code: content.status });
    const moved = creation.moved?.();
    if (moved !== undefined) return refuse(moved);
    const seq = pipeline.head.seq + 1;
    const made = createState(type, { key: name.key, runtime, now, seq, caller: principal, input: creation.input });
    if (made.kind === "refused") return this.#reported("init", made);
    const { operations } = made;
    const row = { typeVersion: type.version, kind: TransactionKind.create, at: now, subject: principal.id, operations };
    const transaction = { ...row, events: made.eventsJson, request: creation.request };
    const at = pipeline.append(transaction, type.revealAuthor ? principal.id : undefined);
    residence.snapshots.wrote(operations.length);
    this.#parts.following.changed();
    const bytes = { measuredBytes: Buffer.byteLength(operations), grownBytes: 0 };
    residence.content = {
      status: "live",
      document: new Document({ type, key: name.key, runtime, state: made.state, seq, ...bytes }),
    };
    return { kind: "written", at, resultJson: undefined };
  }

  #reported(what: string, refusal: Refused): Refused {
    if (refusal.thrown !== undefined) this.#parts.report.handlerFailed(this.#parts.name, what, refusal.thrown);
    return refusal;
  }

  #delete(turn: Turn, document: Document): Refused | Written {
    const { work, residence, now } = turn;
    const { caller } = work.call.origin;
    if (!this.#parts.access.mayWithState("canDelete", document, caller)) return refuse({ code: "denied" });
    const refusal = moved(turn);
    if (refusal !== undefined) return refuse(refusal);
    const at = residence.pipeline.append(
      {
        typeVersion: document.type.version,
        kind: TransactionKind.delete,
        at: now,
        subject: caller.principal.id,
        operations: "[]",
        events: undefined,
        request: requestOf(turn, undefined),
      },
      undefined,
    );
    residence.content = { status: "deleted" };
    this.#parts.following.deleted(residence.pipeline);
    return { kind: "written", at, resultJson: undefined };
  }
}

function untimelyAt(now: number, { born, ttlMs }: Call): RefusedAnswer | undefined {
  if (ttlMs !== undefined && now >= born + ttlMs) return { code: "deadline_exceeded" };
  if (born > now + LIMITS.bornAheadMs) return { code: "invalid_input", data: { path: "born", latest: now } };
  return undefined;
}

/** A call whose commit was lost again and again is given back to its client, so that no host does only that. */
function hopeless({ work, window }: Turn): RefusedAnswer | undefined {
  if (work.losses < LOSSES_MAX) return undefined;
  window.refused(work.call.n, LOST);
  return LOST;
}

/** Asked after access: a seq is nobody's business who may not read (R18). */
function moved({ work, residence }: Turn): RefusedAnswer | undefined {
  const { ifSeq, ifEpoch } = work.call;
  if (ifSeq === undefined) return undefined;
  const { seq, epoch } = residence.pipeline.head;
  const isThere = ifSeq === seq && (ifEpoch === undefined || ifEpoch === epoch);
  return isThere ? undefined : { code: "conflict", data: { seq } };
}

function answerOf(admission: Exclude<ReturnType<ClientWindow["admit"]>, { verdict: "execute" | "dropped" }>): Answer {
  if (admission.verdict === "settled") return { kind: "unknown", code: admission.code, final: true };
  if (admission.verdict === "refused") return { kind: "no", code: admission.code };
  const { seq, epoch, result } = admission.receipt;
  return { kind: "ok", at: { seq, epoch }, resultJson: result };
}

function requestOf({ work, window }: Turn, result: string | undefined): TransactionRequest {
  const { n, born, origin } = work.call;
  const { caller, client } = origin;
  return { subject: caller.principal.id, client, n, low: window.low, born, hash: work.hash, result };
}
