// Runs calls against a loaded document: the order of checks of WIRE "Requests, exactly once", then the handler, then an
// answer at the gate. Messages take effect here; what only looks is in queries.ts.
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { type Access, ANY_PART } from "./access.js";
import type { ClientWindow } from "./client-window.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { createState, Document, type Execution } from "./document.js";
import { type DocumentName, type StoredPosition, TransactionKind, type TransactionRequest } from "./document-store.js";
import type { Answer, Call, Caller, RefusedAnswer } from "./documents.js";
import type { Following } from "./following.js";
import type { HostReport } from "./host-report.js";
import type { Residence } from "./residence.js";
import { type CallWork, GatedAnswer } from "./work.js";

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
    this.#say(work, residence, answerOf(admission));
  }

  /** Refuses a message before it is executed, in a way that invites a retry: later ones must not overtake it. */
  refuseRetryably({ call }: CallWork, window: ClientWindow, answer: RefusedAnswer): void {
    window.refused(call.n, answer.code, answer.afterMs);
    call.origin.answer(call.n, { kind: "no", ...answer });
  }

  /** Creates the document for somebody who opens it; undefined: done. */
  createForOpening(residence: Residence, caller: Caller, input: Call["input"]): RefusedAnswer | undefined {
    const made = this.#create(residence, { caller, input, request: undefined });
    return made.kind === "refused" ? made.answer : undefined;
  }

  #execute(work: CallWork, residence: Residence, window: ClientWindow): void {
    const { call, hash } = work;
    const refusal = this.#untimely(call, residence);
    const outcome = refusal ?? this.#perform(work, residence, window);
    if (outcome.kind === "refused") return this.#say(work, residence, { kind: "no", ...outcome.answer });
    const { at, resultJson } = outcome;
    window.applied({ n: call.n, seq: at.seq, epoch: at.epoch, born: call.born, hash, result: resultJson });
    const answer: Answer = { kind: "ok", at: [at.epoch, at.seq], resultJson };
    residence.pipeline.push(new GatedAnswer(at.seq, work, answer, true));
  }

  #untimely(call: Call, { pipeline }: Residence): Refused | undefined {
    const now = this.#parts.runtime.now();
    if (call.ttlMs !== undefined && now > call.born + call.ttlMs) return refuse({ code: "deadline_exceeded" });
    if (call.born > now + LIMITS.bornAheadMs) return refuse({ code: "invalid_input", data: { path: "born", latest: now } });
    if (call.ifSeq !== undefined && call.ifSeq !== pipeline.head.seq) {
      return refuse({ code: "conflict", data: { seq: pipeline.head.seq } });
    }
    return undefined;
  }

  #perform(work: CallWork, residence: Residence, window: ClientWindow): Refused | Written {
    const { call } = work;
    if (call.name === CREATE) {
      return this.#create(residence, { caller: call.caller, input: call.input, request: requestOf(work, window, undefined) });
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
    const execution = document.execute({ name: call.name, input: call.input, caller: principal, now });
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
    creation: { caller: Caller; input: Call["input"]; request: TransactionRequest | undefined },
  ): Refused | Written {
    const { name, type, runtime } = this.#parts;
    const { principal } = creation.caller;
    if (!this.#parts.access.mayCreate(principal)) return refuse({ code: "denied" });
    const { content, pipeline } = residence;
    if (content.status === "live") return refuse({ code: "already_exists" });
    if (content.status !== "absent" && content.status !== "deleted") return refuse({ code: content.status });
    const now = runtime.now();
    const seq = pipeline.head.seq + 1;
    const made = createState(type, { key: name.key, runtime, now, seq, caller: principal, input: creation.input });
    if (made.kind === "refused") {
      if (made.thrown !== undefined) this.#parts.report.handlerFailed(name, "init", made.thrown);
      return made;
    }
    const operations = JSON.stringify([["=", "", made.state]]);
    const row = { typeVersion: type.version, kind: TransactionKind.create, at: now, subject: principal.id, operations };
    const transaction = { ...row, events: made.eventsJson, request: creation.request };
    const at = pipeline.append(transaction, type.revealAuthor ? principal.id : undefined);
    residence.snapshots.wrote(operations.length);
    residence.content = { status: "live", document: new Document({ type, key: name.key, runtime, state: made.state, seq }) };
    return { kind: "written", at, resultJson: undefined };
  }

  #delete(work: CallWork, residence: Residence, window: ClientWindow, document: Document): Refused | Written {
    const { principal } = work.call.caller;
    if (!this.#parts.access.mayWithState("canDelete", document, principal)) return refuse({ code: "denied" });
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
    this.#parts.following.endAllAt(at.seq, "deleted", residence.pipeline);
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
  if (admission.verdict === "refused") {
    const { code, afterMs } = admission;
    return { kind: "no", code, ...(afterMs === undefined ? {} : { afterMs }) };
  }
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
