// Answers what only looks: queries of the type, and the service's own `$head`, `$get` and `$history`. No seq, no
// receipt; an answer from memory waits at the gate like any other.
import { CHANNEL_HISTORY, type Json, type JsonObject } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { Turns } from "../runtime/turns.js";
import type { Absence, Access } from "./access.js";
import { LookBack } from "./channels/channel-inputs.js";
import { beginningOf } from "./channels/channel-type.js";
import { messagesBefore } from "./channels/past-messages.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import type { Document } from "./document.js";
import type { DocumentName, DocumentStore } from "./document-store.js";
import type { Answer, Call, Caller, RefusedAnswer } from "./documents.js";
import type { Following } from "./following.js";
import { type Past, page, stateAt } from "./history.js";
import type { HostReport } from "./host-report.js";
import { invalidInput, parseInput, type Refused } from "./refusal.js";
import type { Residence } from "./residence.js";
import { composedView } from "./views/composed-view.js";
import { frozenTree } from "./views/frozen-tree.js";
import { Reads, tracked } from "./views/reads.js";
import { viewParams } from "./views/view-params.js";
import type { CallWork } from "./work.js";

/** Names under which the service's own queries reach a document. */
export const HEAD = "$head";
export const GET = "$get";
export const HISTORY = "$history";

const PAGE_ROWS_MAX = 1_000;
const PAGE_ROWS = 100;

/** What queries need besides the loaded document. */
export interface QueriesParts {
  readonly name: DocumentName;
  readonly type: ResolvedType;
  readonly store: DocumentStore;
  readonly runtime: Runtime;
  readonly following: Following;
  readonly access: Access;
  readonly report: HostReport;
  /** In which the documents of this process look back: what one finds is held in memory until it is answered (R14). */
  readonly pastTurns: Turns;
}

const no = (answer: RefusedAnswer): Answer => ({ kind: "no", ...answer });
const ok = (result: unknown): Answer => ({ kind: "ok", at: null, resultJson: JSON.stringify(result) });

/** The queries of one document. */
export class Queries {
  readonly #parts: QueriesParts;
  #reading = 0;

  constructor(parts: QueriesParts) {
    this.#parts = parts;
  }

  /** How many read the log now. */
  get reading(): number {
    return this.#reading;
  }

  /** Answers a query at the state in memory; `again` is called instead when that is lost before the answer is made. */
  take(work: CallWork, residence: Residence, again: (work: CallWork) => void): void {
    const { call } = work;
    const { content } = residence;
    if (call.ttlMs !== undefined && this.#parts.runtime.now() >= call.born + call.ttlMs) {
      return this.#say(work, residence, no({ code: "deadline_exceeded" }));
    }
    if (content.status !== "live") return this.#say(work, residence, this.#absent(call, content.status));
    const answer = this.#guarded(work, () => this.#answer(work, residence, content.document));
    if (answer.kind === "later") return this.#later(work, residence, answer, again);
    this.#say(work, residence, answer);
  }

  #answer(work: CallWork, residence: Residence, document: Document): Answer | Later {
    const { name, origin, input } = work.call;
    const { caller } = origin;
    const { principal } = caller;
    if (name === HISTORY) {
      return this.#parts.access.mayWithState("canHistory", document, caller)
        ? this.#past(work, residence)
        : no({ code: "denied" });
    }
    if (!this.#mayAsk(document, name, caller)) return no({ code: "denied" });
    const { seq, epoch } = residence.pipeline.head;
    if (name === HEAD) return ok([epoch, seq]);
    if (name === GET) return this.#get(work, residence, document);
    if (isLookingBack(document.type, name))
      return { ...later(this.#parts.store, residence), since: document.read(beginningOf) };
    const answered = document.query({ name, input, caller: principal, now: this.#parts.runtime.now() });
    if (answered.kind === "answered") return { kind: "ok", at: null, resultJson: answered.resultJson };
    return this.#refused(name, answered);
  }

  /** A channel that nobody has used has no messages. */
  #absent(call: Call, status: Absence): Answer {
    const { access, type } = this.#parts;
    const isEmpty = isLookingBack(type, call.name) && (status === "absent" || status === "deleted");
    if (isEmpty && access.mayLookBack(call.origin.caller)) return ok({ messages: [], next: null });
    return this.#refused(call.name, access.absenceOf(status, call));
  }

  #refused(what: string, { answer, thrown }: Refused): Answer {
    if (thrown !== undefined) this.#parts.report.handlerFailed(this.#parts.name, what, thrown);
    return no(answer);
  }

  #mayAsk(document: Document, name: string, caller: Caller): boolean {
    const { access } = this.#parts;
    if (name === HEAD || name === GET) return access.mayOpen(document, caller);
    if (isLookingBack(document.type, name)) return access.mayLookBack(caller);
    const ownRule = document.type.queries.get(name)?.can !== undefined;
    return ownRule ? access.mayTry(caller) : access.mayCall(document, caller);
  }

  #get(work: CallWork, residence: Residence, document: Document): Answer | Later {
    const seq = wholeNumber(work.call.input, "seq");
    if (seq !== undefined) {
      const allowed = this.#parts.access.mayWithState("canHistory", document, work.call.origin.caller);
      return allowed ? this.#past(work, residence) : no({ code: "denied" });
    }
    const checked = viewParams(document.type, field(work.call.input, "params"));
    if (!checked.ok) return no(checked.refusal);
    const { views } = document.type;
    if (views !== undefined) {
      const { seq: head, epoch } = residence.pipeline.head;
      const viewer = work.call.origin.caller.principal;
      const { value: params } = checked.params;
      return document.read((state) => ok({ state: composedView(views, { state, viewer, params }), at: [epoch, head] }));
    }
    const snapshot = this.#parts.following.snapshots.shown({ document, pipeline: residence.pipeline });
    const resultJson = `{"state":${snapshot.stateJson},"at":[${snapshot.epoch},${snapshot.seq}]}`;
    return { kind: "ok", at: null, resultJson };
  }

  #past(work: CallWork, residence: Residence): Answer | Later {
    if (work.call.name === GET && (wholeNumber(work.call.input, "seq") ?? 0) > residence.pipeline.durable)
      return no({ code: "not_found" });
    return later(this.#parts.store, residence);
  }

  #later(work: CallWork, residence: Residence, later: Later, again: (work: CallWork) => void): void {
    this.#reading += 1;
    this.#inTurn(work, () => this.#fromLog(work, later))
      .catch((error: unknown): Answer => {
        this.#parts.report.loadFailed(this.#parts.name, error);
        return no({ code: "internal" });
      })
      .then((answer) => {
        this.#reading -= 1;
        if (residence.pipeline.isDead) again(work);
        else this.#say(work, residence, answer);
      })
      .catch((error: unknown) => this.#parts.report.loadFailed(this.#parts.name, error));
  }

  #inTurn({ call }: CallWork, begin: () => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#parts.pastTurns.take({
        isUrgent: false,
        isAwaited: () => call.origin.isGone !== true,
        skipped: () => resolve(no({ code: "closed" })),
        begin: () => begin().then(resolve, reject),
      });
    });
  }

  async #fromLog(work: CallWork, { past, since }: Later): Promise<Answer> {
    const { name, input } = work.call;
    if (since !== undefined) return this.#messages(work, past, since);
    if (name === GET) {
      const found = await stateAt(past, wholeNumber(input, "seq") ?? 0);
      if (found === undefined) return no({ code: "history_trimmed" });
      if (found.state === undefined) return no({ code: "not_found" });
      const { epoch, state } = found;
      const answer = this.#guarded(work, () => this.#pastView(work, state, [epoch, wholeNumber(input, "seq") ?? 0]));
      return answer.kind === "later" ? no({ code: "internal" }) : answer;
    }
    const limit = Math.min(Math.max(wholeNumber(input, "limit") ?? PAGE_ROWS, 1), PAGE_ROWS_MAX);
    const entries = await page(past, { after: wholeNumber(input, "after") ?? 0, limit }, this.#parts.type);
    return entries === undefined ? no({ code: "history_trimmed" }) : ok(entries);
  }

  async #messages({ call }: CallWork, past: Past, since: number): Promise<Answer> {
    const { type, runtime } = this.#parts;
    const parsed = parseInput(type.queries.get(call.name)?.input, call.input);
    if (!parsed.ok) return no(invalidInput(parsed.issues).answer);
    if (!(parsed.value instanceof LookBack)) return no({ code: "internal" });
    const kept = { history: type.history, since, now: runtime.now() };
    const { messages, next } = await messagesBefore(past, parsed.value, kept);
    return ok({ messages: messages.map(({ seq, at, name, data }) => [seq, at, name, data]), next: next ?? null });
  }

  #pastView({ call }: CallWork, state: Json, at: readonly [epoch: number, seq: number]): Answer {
    const { type } = this.#parts;
    const { views, hidden } = type;
    const checked = viewParams(type, field(call.input, "params"));
    if (!checked.ok) return no(checked.refusal);
    if (!isObject(state)) return ok({ state, at });
    if (views === undefined) return ok({ state: hidden === undefined ? state : hidden.stateOf(state), at });
    const past = tracked(frozenTree(state), new Reads());
    const viewer = call.origin.caller.principal;
    return ok({ state: composedView(views, { state: past, viewer, params: checked.params.value }), at });
  }

  #guarded(work: CallWork, answer: () => Answer | Later): Answer | Later {
    try {
      return answer();
    } catch (error) {
      this.#parts.report.handlerFailed(this.#parts.name, work.call.name, error);
      return no({ code: "handler_failed" });
    }
  }

  #say(work: CallWork, { pipeline }: Residence, answer: Answer): void {
    pipeline.push(work.answered(answer, pipeline.head.seq, false));
  }
}

interface Later {
  readonly kind: "later";
  readonly past: Past;
  /** The seq with which a channel began. */
  readonly since?: number;
}

const later = (store: DocumentStore, { ref, pipeline, snapshots }: Residence): Later => ({
  kind: "later",
  past: { store, ref, head: pipeline.durable, snapshot: snapshots.stored },
});

/** Is this the query of a channel, which is answered from its log? */
const isLookingBack = ({ channel }: ResolvedType, name: string): boolean =>
  channel !== undefined && name === CHANNEL_HISTORY;

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function field(input: Json, name: string): Json | undefined {
  return isObject(input) && Object.hasOwn(input, name) ? input[name] : undefined;
}

/** A whole number under `name` of an input object; undefined when it is not one. */
function wholeNumber(input: Json, name: string): number | undefined {
  const value = field(input, name);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
