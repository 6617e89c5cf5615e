// Compares what a crash left, as the store's own engine reads it, with what clients had been told before the cut.
import { applyPatch, type Json, type PatchOperation } from "@tidemark/protocol";
import type { LogRow } from "../../src/document/document-store.js";
import type { Engine } from "../../src/storage/sqlite/engine.js";
import type { LoadAnswer } from "../../src/storage/sqlite/writer-calls.js";
import type { CrashState } from "./crash-states.js";
import type { WireClient } from "./wire-client.js";
import type { Acknowledgement } from "./witness.js";
import { pushedItem } from "./workload.js";

/** What a crash broke. `lost`: somebody was told, and it is gone. `unreadable`: a document or the file does not open.
 * `inconsistent`: it opens, and contradicts itself or what was sent. */
export interface Violation {
  readonly kind: "lost" | "unreadable" | "inconsistent";
  readonly what: string;
}

/** What was sent in the whole run. */
export interface Sent {
  readonly clients: ReadonlyMap<string, WireClient>;
  /** `type/key` of everything that was opened. */
  readonly documents: readonly string[];
  /** Token and so subject of every client. */
  readonly subject: string;
}

type LiveDocument = LoadAnswer & { status: "live" };

const PAGE = { after: 0, limit: 100_000, bytesMax: 256 * 1024 * 1024 };

/** One look at one crash state. */
export class Inspection {
  readonly #engine: Engine;
  readonly #state: CrashState;
  readonly #sent: Sent;
  readonly #found: Violation[] = [];

  constructor(engine: Engine, state: CrashState, sent: Sent) {
    this.#engine = engine;
    this.#state = state;
    this.#sent = sent;
  }

  /** Everything that is wrong. */
  violations(): readonly Violation[] {
    for (const name of this.#sent.documents) this.#document(name);
    return this.#found;
  }

  #document(name: string): void {
    const told = this.#state.acknowledged.filter((one) => this.#callOf(one)?.document === name);
    const seen = told.reduce((most, one) => Math.max(most, one.seq), this.#state.seen.get(name) ?? 0);
    const [type = "", key = ""] = name.split("/");
    const loaded = this.#engine.load({ space: "", type, key });
    if (loaded.status === "absent") {
      if (seen > 0) this.#violated("lost", `${name} is gone; seq ${seen} was seen`);
    } else if (loaded.status !== "live") {
      const reason = loaded.status === "quarantined" ? `: ${loaded.reason}` : "";
      this.#violated("unreadable", `${name} is ${loaded.status}${reason}`);
    } else {
      // R1, R2: not only what was answered, but whatever any frame showed.
      if (loaded.head.seq < seen) this.#violated("lost", `${name} ends at ${loaded.head.seq}; seq ${seen} was seen`);
      const rows = this.#engine.read({ doc: loaded.doc, ...PAGE });
      this.#calls(rows, told);
      this.#receipts(loaded, told);
      this.#log(name, loaded, rows);
    }
  }

  /** R1: the row of each acknowledged call is where its answer said. */
  #calls(rows: readonly LogRow[], told: readonly Acknowledgement[]): void {
    for (const one of told) {
      const call = this.#callOf(one);
      const item = call === undefined ? undefined : pushedItem(call);
      const row = rows[one.seq - 1];
      const there = row?.seq === one.seq && row.epoch === one.epoch;
      const kept = there && item !== undefined && row.operations.includes(item);
      if (!kept) this.#violated("lost", `the call ${item} acknowledged at ${one.epoch}:${one.seq}`);
    }
  }

  /** R6: a retry of an acknowledged call would get the same answer. */
  #receipts(loaded: LiveDocument, told: readonly Acknowledgement[]): void {
    for (const client of this.#sent.clients.keys()) {
      const kept = this.#engine.receipts({ doc: loaded.doc, subject: this.#sent.subject, client });
      const byNumber = new Map(kept.receipts.map((receipt) => [receipt.n, receipt]));
      for (const one of told) {
        if (one.client !== client || one.n < kept.low) continue;
        const receipt = byNumber.get(one.n);
        const same = receipt?.seq === one.seq && receipt.epoch === one.epoch && receipt.result === one.result;
        if (!same) this.#violated("lost", `the receipt of ${client}.${one.n} at ${one.seq}`);
      }
    }
  }

  /** R3, R8: contiguous, only what was sent, each at most once, and the snapshot is the fold of the log. */
  #log(name: string, loaded: LiveDocument, rows: readonly LogRow[]): void {
    const wrong = (what: string): void => this.#violated("inconsistent", `${name}: ${what}`);
    const gap = rows.findIndex((row, index) => row.seq !== index + 1);
    if (gap >= 0) wrong(`row ${gap + 1} of the log is ${rows[gap]?.seq}`);
    if (rows.length !== loaded.head.seq) wrong(`${rows.length} rows, head ${loaded.head.seq}`);
    const whole = stateAfter({}, rows);
    const { snapshot, tail } = loaded;
    const resumed = stateAfter(snapshot === undefined ? {} : JSON.parse(snapshot.body), tail);
    if (JSON.stringify(whole) !== JSON.stringify(resumed)) wrong("snapshot and tail do not give the state of the log");
    for (const problem of this.#itemProblems(whole)) wrong(problem);
  }

  #itemProblems(state: Json): readonly string[] {
    const items = typeof state === "object" && state !== null && "items" in state ? state.items : undefined;
    if (!Array.isArray(items)) return ["the state has no items"];
    const known = new Set([...this.#sent.clients.values()].flatMap((client) => client.calls.map(pushedItem)));
    const met = new Set<string>();
    const problems: string[] = [];
    for (const item of items) {
      const id: unknown = item?.id;
      if (typeof id !== "string" || !known.has(id)) problems.push(`item ${String(id)} was never sent`);
      else if (met.has(id)) problems.push(`item ${id} is there twice`);
      else met.add(id);
    }
    return problems;
  }

  #callOf(one: Acknowledgement): WireClient["calls"][number] | undefined {
    return this.#sent.clients.get(one.client)?.calls[one.n - 1];
  }

  #violated(kind: Violation["kind"], what: string): void {
    this.#found.push({ kind, what });
  }
}

function stateAfter(start: Json, rows: readonly LogRow[]): Json {
  let state = start;
  for (const row of rows) {
    const operations: readonly PatchOperation[] = JSON.parse(row.operations);
    state = applyPatch(state, operations);
  }
  return state;
}
