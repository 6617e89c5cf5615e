// Runs calls against a loaded document: the order of checks of WIRE "Requests, exactly once", then the handler, then an
// answer at the gate. Messages take effect here; what only looks is in queries.ts.
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { type Access, ANY_PART } from "./access.js";
import type { ClientWindow } from "./client-window.js";
import { createState } from "./creation.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { Document, type Execution } from "./document.js";
import { type DocumentName, type StoredPosition, TransactionKind, type TransactionRequest } from "./document-store.js";
import type { Answer, Call, Caller, RefusedAnswer } from "./documents.js";
import type { Following } from "./following.js";
import type { HostReport } from "./host-report.js";
import type { Residence } from "./residence.js";
import { type CallWork, GatedAnswer, type OpenWork } from "./work.js";

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

type Refused = { readonly kind: "refused"; readonly answer: RefusedAnswer };
type Written = { readonly kind: "written"; readonly at: StoredPosition; readonly resultJson: string | undefined };

const refuse = (answer: RefusedAnswer): Refused => ({ kind: "refused", answer });
/** How often a call's own commit may be lost before its client is asked to wait. */
const LOSSES_MAX = 4;
const LOST: RefusedAnswer = { code: "internal", retry: "after", afterMs: 1_000 };
const EVERY_PART: ReadonlySet<string> = new Set([ANY_PART]);

/** The messages of one document. */
export class Calls {
  readonly #parts: CallsParts;

  constructor(parts: CallsParts) {
    this.#parts = parts;
  }

  /** Checks and executes a message, and puts its answer at the gate. */
  take(work: CallWork, residence: Residence, window: ClientWindow): void {
    const { call, hash } = work;
    const admission = window.admit(call, this.#parts.runtime.now(), hash);
    if (admission.verdict === "dropped") return;
    if (admission.verdict === "execute") return this.#execute(work, residence, window);
    const { head, durable } = residence.pipeline;
    // A copy shares the fate of the one that was applied: run alone after a loss, it would overtake what was refused.
    const applied = admission.verdict === "repeat" && admission.receipt.seq > durable;
    residence.pipeline.push(new GatedAnswer(head.seq, work, answerOf(admission), applied));
  }

  /** A message there is no room for. Load is the last thing to look at: what was applied is answered all the same. */
  takeOverloaded(
    work: CallWork,
    window: ClientWindow,
    { durable, refusal }: { durable: number; refusal: RefusedAnswer },
  ): void {
    const { call, hash } = work;
    const admission = window.admit(call, this.#parts.runtime.now(), hash);
    if (admission.verdict === "dropped") return;
    if (admission.verdict === "repeat" && admission.receipt.seq <= durable) {
      return call.origin.answer(call.n, answerOf(admission));
    }
    window.refused(call.n, refusal);
    call.origin.answer(call.n, { kind: "no", ...refusal });
  }

  /** Creates the document for somebody who opens it; undefined: done. */
  createForOpening(
    { request, losses }: OpenWork,
    residence: Residence,
    input: Call["input"],
  ): RefusedAnswer | undefined {
    const { caller } = request.follower;
    if (losses >= LOSSES_MAX) return LOST;
    const made = this.#create(residence, { caller, input, request: undefined, moved: () => undefined });
    return made.kind === "refused" ? made.answer : undefined;
  }

  #execute(work: CallWork, residence: Residence, window: ClientWindow): void {
    const { call, hash } = work;
    const held = window.passLatch(call.n);
    const untimely = this.#untimely(call);
    const postponed = untimely === undefined ? (held ?? this.#hopeless(work, window)) : undefined;
    // Rests on nothing in memory. At the gate it could be made again after a loss, when what it gave way to has come.
    if (postponed !== undefined) return call.origin.answer(call.n, { kind: "no", ...postponed });
    const outcome = untimely === undefined ? this.#perform(work, residence, window) : refuse(untimely);
    if (outcome.kind === "refused") return this.#say(work, residence, { kind: "no", ...outcome.answer });
    const { at, resultJson } = outcome;
    window.applied({ n: call.n, seq: at.seq, epoch: at.epoch, born: call.born, hash, result: resultJson });
    const answer: Answer = { kind: "ok", at: [at.epoch, at.seq], resultJson };
    residence.pipeline.push(new GatedAnswer(at.seq, work, answer, true));
  }

  #untimely({ born, ttlMs }: Call): RefusedAnswer | undefined {
    const now = this.#parts.runtime.now();
    if (ttlMs !== undefined && now >= born + ttlMs) return { code: "deadline_exceeded" };
    if (born > now + LIMITS.bornAheadMs) return { code: "invalid_input", data: { path: "born", latest: now } };
    return undefined;
  }

  /** A call whose commit was lost again and again is given back to its client, so that no host does only that. */
  #hopeless({ call, losses }: CallWork, window: ClientWindow): RefusedAnswer | undefined {
    if (losses < LOSSES_MAX) return undefined;
    window.refused(call.n, LOST);
    return LOST;
  }

  /** Asked after access: a seq is nobody's business who may not read (R18). */
  #moved({ ifSeq }: Call, { pipeline }: Residence): RefusedAnswer | undefined {
    const { seq } = pipeline.head;
    return ifSeq === undefined || ifSeq === seq ? undefined : { code: "conflict", data: { seq } };
  }

  #perform(work: CallWork, residence: Residence, window: ClientWindow): Refused | Written {
    const { call } = work;
    if (call.name === CREATE) {
      const request = requestOf(work, window, undefined);
      return this.#create(residence, {
        caller: call.caller,
        input: call.input,
        request,
        moved: () => this.#moved(call, residence),
      });
    }
    const { content } = residence;
    if (content.status !== "live") {
      return refuse({ code: this.#parts.access.absence(content.status, call.caller.principal) });
    }
    if (call.name === DELETE) return this.#delete(work, residence, window, content.document);
    return this.#message(work, residence, window, content.document);
  }

  #message(work: CallWork, residence: Residence, window: ClientWindow, document: Document): Refused | Written {
    const { call } = work;
    const { principal } = call.caller;
    // Without a `can` of its own, a message needs what `canOpen` asks.
    const ownRule = document.type.messages.get(call.name)?.can !== undefined;
    if (!ownRule && !this.#parts.access.mayOpen(document, principal)) return refuse({ code: "denied" });
    const now = this.#parts.runtime.now();
    const permitted = (): RefusedAnswer | undefined => this.#moved(call, residence);
    const execution = document.execute({ name: call.name, input: call.input, caller: principal, now, permitted });
    if (execution.kind === "refused") {
      this.#reportThrown(call, execution);
      return execution;
    }
    const { operationsJson, eventsJson, resultJson } = execution;
    const at = residence.pipeline.append(
      {
        typeVersion: document.type.version,
        kind: TransactionKind.message,
        at: now,
        subject: principal.id,
        operations: operationsJson,
        events: eventsJson,
        request: requestOf(work, window, resultJson),
      },
      document.type.revealAuthor ? principal.id : undefined,
    );
    residence.snapshots.wrote(operationsJson.length);
    this.#parts.following.wrote(() => partsOf(execution), document, residence.pipeline);
    return { kind: "written", at, resultJson };
  }

  #create(
    residence: Residence,
    creation: {
      caller: Caller;
      input: Call["input"];
      request: TransactionRequest | undefined;
      moved: () => RefusedAnswer | undefined;
    },
  ): Refused | Written {
    const { name, type, runtime } = this.#parts;
    const { principal } = creation.caller;
    if (!this.#parts.access.mayCreate(principal)) return refuse({ code: "denied" });
    const { content, pipeline } = residence;
    if (content.status === "live") return refuse({ code: "already_exists" });
    if (content.status !== "absent" && content.status !== "deleted") return refuse({ code: content.status });
    const moved = creation.moved();
    if (moved !== undefined) return refuse(moved);
    const now = runtime.now();
    const seq = pipeline.head.seq + 1;
    const made = createState(type, { key: name.key, runtime, now, seq, caller: principal, input: creation.input });
    if (made.kind === "refused") {
      if (made.thrown !== undefined) this.#parts.report.handlerFailed(name, "init", made.thrown);
      return made;
    }
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

  #delete(work: CallWork, residence: Residence, window: ClientWindow, document: Document): Refused | Written {
    const { principal } = work.call.caller;
    if (!this.#parts.access.mayWithState("canDelete", document, principal)) return refuse({ code: "denied" });
    const moved = this.#moved(work.call, residence);
    if (moved !== undefined) return refuse(moved);
    const at = residence.pipeline.append(
      {
        typeVersion: document.type.version,
        kind: TransactionKind.delete,
        at: this.#parts.runtime.now(),
        subject: principal.id,
        operations: "[]",
        events: undefined,
        request: requestOf(work, window, undefined),
      },
      undefined,
    );
    residence.content = { status: "deleted" };
    this.#parts.following.deleted(residence.pipeline);
    return { kind: "written", at, resultJson: undefined };
  }

  #reportThrown(call: Call, execution: Extract<Execution, { kind: "refused" }>): void {
    if (execution.thrown !== undefined) this.#parts.report.handlerFailed(this.#parts.name, call.name, execution.thrown);
  }

  #say(work: CallWork, { pipeline }: Residence, answer: Answer): void {
    pipeline.push(new GatedAnswer(pipeline.head.seq, work, answer, false));
  }
}

function answerOf(admission: Exclude<ReturnType<ClientWindow["admit"]>, { verdict: "execute" | "dropped" }>): Answer {
  if (admission.verdict === "settled") return { kind: "unknown", code: admission.code, final: true };
  if (admission.verdict === "refused") return { kind: "no", code: admission.code };
  const { seq, epoch, result } = admission.receipt;
  return { kind: "ok", at: [epoch, seq], resultJson: result };
}

function requestOf({ call, hash }: CallWork, window: ClientWindow, result: string | undefined): TransactionRequest {
  const { n, born, client } = call;
  return { subject: call.caller.principal.id, client, n, low: window.low, born, hash, result };
}

/** The top-level parts of the state that a transaction wrote; "" stands for the root itself. */
function partsOf({ operations }: Extract<Execution, { kind: "applied" }>): ReadonlySet<string> {
  const parts = new Set<string>();
  for (const operation of operations) {
    for (const path of operation[0] === ">" ? [operation[1], operation[2]] : [operation[1]]) {
      if (path === "") return EVERY_PART;
      const end = path.indexOf("/", 1);
      const token = end === -1 ? path.slice(1) : path.slice(1, end);
      // Adding or removing a part changes which parts there are.
      if (end === -1 && operation[0] !== "=" && operation[0] !== "~") return EVERY_PART;
      parts.add(token.replaceAll("~1", "/").replaceAll("~0", "~"));
    }
  }
  return parts;
}
