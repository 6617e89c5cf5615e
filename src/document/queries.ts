// Answers what only looks: queries of the type, and the service's own `$head`, `$get` and `$history`. No seq, no
// receipt; an answer from memory waits at the gate like any other.
import type { Json, JsonObject } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { type Access, CALLING, OPENING } from "./access.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import type { Document } from "./document.js";
import type { DocumentName, DocumentStore } from "./document-store.js";
import type { Answer, RefusedAnswer } from "./documents.js";
import type { Following } from "./following.js";
import { type Past, page, stateAt } from "./history.js";
import type { HostReport } from "./host-report.js";
import type { Refused } from "./refusal.js";
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
    if (content.status !== "live") {
      return this.#say(work, residence, this.#refused(call.name, this.#parts.access.absenceOf(content.status, call)));
    }
    const answer = this.#guarded(work, () => this.#answer(work, residence, content.document));
    if (answer.kind === "later") return this.#later(work, residence, answer.past, again);
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
    const asked = name === HEAD || name === GET ? OPENING : CALLING;
    if (document.type.queries.get(name)?.can === undefined && !this.#parts.access.mayOpen(document, caller, asked))
      return no({ code: "denied" });
    const { seq, epoch } = residence.pipeline.head;
    if (name === HEAD) return ok([epoch, seq]);
    if (name === GET) return this.#get(work, residence, document);
    const answered = document.query({ name, input, caller: principal, now: this.#parts.runtime.now() });
    if (answered.kind === "answered") return { kind: "ok", at: null, resultJson: answered.resultJson };
    return this.#refused(name, answered);
  }

  #refused(what: string, { answer, thrown }: Refused): Answer {
    if (thrown !== undefined) this.#parts.report.handlerFailed(this.#parts.name, what, thrown);
    return no(answer);
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
    const snapshot = this.#parts.following.snapshot({ document, pipeline: residence.pipeline });
    const resultJson = `{"state":${snapshot.stateJson},"at":[${snapshot.epoch},${snapshot.seq}]}`;
    return { kind: "ok", at: null, resultJson };
  }

  #past(work: CallWork, { ref, pipeline, snapshots }: Residence): Answer | Later {
    if (work.call.name === GET && (wholeNumber(work.call.input, "seq") ?? 0) > pipeline.durable)
      return no({ code: "not_found" });
    return {
      kind: "later",
      past: { store: this.#parts.store, ref, head: pipeline.durable, snapshot: snapshots.stored },
    };
  }

  #later(work: CallWork, residence: Residence, past: Past, again: (work: CallWork) => void): void {
    this.#reading += 1;
    this.#fromLog(work, past)
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

  async #fromLog(work: CallWork, past: Past): Promise<Answer> {
    const { name, input } = work.call;
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
}

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
