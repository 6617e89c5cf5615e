// One process's documents on a bench: LocalDocuments over a store the test controls, with clients and followers that
// write down what reaches them and check it against the disk as it comes (R2, R3). It never forgives: see `violations`.
import { applyPatch, type HeldPosition, type Json, type PatchOperation, type Principal } from "@tidemark/protocol";
import type { ResolvedType } from "../../src/document/definition/resolved-type.js";
import type { DocumentName, DocumentStore } from "../../src/document/document-store.js";
import type {
  Answer,
  Audience,
  Call,
  Caller,
  Committed,
  Documents,
  Follower,
  Opening,
  Origin,
  PastEvent,
} from "../../src/document/documents.js";
import type { HostReport } from "../../src/document/host-report.js";
import { LocalDocuments } from "../../src/document/local-documents.js";
import { MemoryDisk } from "../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../src/storage/memory/memory-store.js";
import { nameKey } from "../../src/storage/name-key.js";
import { boardType } from "./board-type.js";
import { ControlledStore } from "./controlled-store.js";
import { VirtualRuntime } from "./virtual-runtime.js";

/** Something that left the document room, in the order it left. */
export type Left =
  | { readonly what: "answer"; readonly who: string; readonly n: number; readonly answer: Answer }
  | { readonly what: "delta"; readonly seq: number }
  | { readonly what: "opened"; readonly who: string; readonly opening: Opening }
  | { readonly what: "ended"; readonly who: string; readonly code: string };

export interface BenchOptions {
  readonly seed?: number;
  readonly idleMs?: number;
  readonly type?: ResolvedType;
  /** Besides `board`. */
  readonly types?: ReadonlyMap<string, ResolvedType>;
  readonly disk?: MemoryDisk;
  /** Put between the hosts and the controlled store: planted bugs. */
  readonly wrap?: (store: DocumentStore) => DocumentStore;
  /** Put between the hosts and the followers: planted bugs. */
  readonly wrapAudience?: (audience: Audience) => Audience;
  readonly wrapDocuments?: (documents: Documents) => Documents;
}

export const principal = (id: string, roles: readonly string[] = []): Principal => ({ id, roles, claims: {} });
export const callerOf = (id: string, roles: readonly string[] = []): Caller => ({
  principal: principal(id, roles),
  space: "",
});
export const boardName = (key = "one"): DocumentName => ({ space: "", type: "board", key });

/** A document room, and what came out of it. */
export class DocumentBench {
  readonly runtime: VirtualRuntime;
  readonly disk: MemoryDisk;
  store: ControlledStore;
  documents: Documents;
  local: LocalDocuments;
  readonly left: Left[] = [];
  /** What must never be seen. */
  readonly violations: string[] = [];
  readonly reports: { readonly kind: keyof HostReport; readonly error: unknown }[] = [];
  readonly audiences = new Map<string, BenchAudience>();
  /** Which process this is: what a dead one still says reaches nobody. */
  process = 1;
  readonly #options: BenchOptions;
  #clients = 0;

  constructor(options: BenchOptions = {}) {
    this.#options = options;
    this.runtime = new VirtualRuntime({ seed: options.seed ?? 1 });
    this.disk = options.disk ?? new MemoryDisk();
    this.store = this.#openStore();
    this.local = this.#openDocuments();
    this.documents = options.wrapDocuments?.(this.local) ?? this.local;
  }

  /** The process dies and another one starts on the same disk. What was in flight is gone; nobody hears of it. */
  restart(): void {
    for (const audience of this.audiences.values()) audience.cut();
    this.audiences.clear();
    this.process += 1;
    this.store = this.#openStore();
    this.local = this.#openDocuments();
    this.documents = this.#options.wrapDocuments?.(this.local) ?? this.local;
  }

  client(id = "ann", options: { client?: string; roles?: readonly string[] } = {}): BenchClient {
    return new BenchClient(this, callerOf(id, options.roles), options.client ?? `${id}-${++this.#clients}`);
  }

  /** Opens a document for somebody. */
  follow(id = "ann", options: { held?: HeldPosition; create?: Json; key?: string } = {}): BenchFollower {
    const follower = new BenchFollower(this, { name: id, caller: callerOf(id), document: boardName(options.key) });
    follower.open(options);
    return follower;
  }

  settle(): Promise<void> {
    return this.runtime.settle();
  }

  /** Seq of the durable head. */
  durable(key?: string): number {
    return this.disk.documents.get(nameKey(boardName(key)))?.head.seq ?? 0;
  }

  /** The durable state, folded from the whole log. */
  durableState(key?: string): Json {
    return this.rows(key).reduce<Json>((state, { operations }) => fold(state, operations), null);
  }

  /** The durable log. */
  rows(key?: string) {
    return this.disk.documents.get(nameKey(boardName(key)))?.rowsAfter(0) ?? [];
  }

  /** Everything said to somebody about a call. */
  answersTo(who: string, n: number): Answer[] {
    return this.left.flatMap((left) =>
      left.what === "answer" && left.who === who && left.n === n ? [left.answer] : [],
    );
  }

  /** A short form of what left, for comparisons of order. */
  order(): string[] {
    return this.left.map((left) => {
      if (left.what === "delta") return `d${left.seq}`;
      if (left.what === "answer") return `${left.answer.kind}${left.n}`;
      if (left.what === "ended") return `ended:${left.who}:${left.code}`;
      return `opened:${left.who}:${left.opening.kind}`;
    });
  }

  /** Anything named in what leaves must be on the disk by then (R2). */
  requireDurable(document: DocumentName, seq: number, what: string): void {
    const head = this.disk.documents.get(nameKey(document))?.head.seq ?? 0;
    if (seq > head) this.violations.push(`${what} reveals ${seq}, durable is ${head}`);
  }

  #openStore(): ControlledStore {
    return new ControlledStore(new MemoryStore({ disk: this.disk, runtime: this.runtime }));
  }

  #openDocuments(): LocalDocuments {
    const { idleMs = 60_000, type = boardType, types, wrap, wrapAudience } = this.#options;
    const alive = this.store;
    const report =
      (kind: keyof HostReport) =>
      (_document: DocumentName, ...rest: unknown[]) =>
        void (alive === this.store && this.reports.push({ kind, error: rest.at(-1) }));
    return new LocalDocuments({
      types: new Map([["board", type], ...(types ?? [])]),
      store: wrap?.(this.store) ?? this.store,
      runtime: this.runtime,
      idleMs,
      audience: (document) => {
        const audience = new BenchAudience(this, document);
        this.audiences.set(nameKey(document), audience);
        return wrapAudience?.(audience) ?? audience;
      },
      report: {
        handlerFailed: report("handlerFailed"),
        documentUnreadable: report("documentUnreadable"),
        commitLost: report("commitLost"),
        loadFailed: report("loadFailed"),
      },
    });
  }
}

/** Applies the operations of a row. */
export function fold(state: Json, operations: string): Json {
  const parsed: readonly PatchOperation[] = JSON.parse(operations);
  return parsed.length === 0 ? state : applyPatch(state, parsed);
}

/** Everybody who follows one document, like a fan-out without sockets. */
export class BenchAudience implements Audience {
  readonly followers = new Set<BenchFollower>();
  retired = false;
  readonly #bench: DocumentBench;
  readonly #document: DocumentName;
  #last: Committed | undefined;
  #cut = false;

  constructor(bench: DocumentBench, document: DocumentName) {
    this.#bench = bench;
    this.#document = document;
  }

  begin(): void {
    if (this.followers.size > 0) this.#bench.violations.push("begun while somebody follows");
    this.#last = undefined;
  }

  deliver(transactions: readonly Committed[]): void {
    if (this.#cut) return;
    for (const transaction of transactions) {
      const { seq } = transaction;
      this.#bench.requireDurable(this.#document, seq, "a delta");
      if (this.#last !== undefined && seq !== this.#last.seq + 1) {
        this.#bench.violations.push(`delta ${seq} was delivered after ${this.#last.seq}`);
      }
      this.#last = transaction;
      this.#bench.left.push({ what: "delta", seq });
      for (const follower of this.followers) follower.receive(transaction);
    }
  }

  retire(): void {
    this.retired = true;
    if (this.followers.size > 0) this.#bench.violations.push("retired while somebody follows");
  }

  beginLayer(): void {
    this.#bench.violations.push("a document without views has no layers");
  }

  endLayer(): void {
    this.beginLayer();
  }

  release(): void {
    this.beginLayer();
  }

  /** The process is gone. */
  cut(): void {
    this.#cut = true;
    for (const follower of this.followers) follower.isAttached = false;
    this.followers.clear();
  }
}

/** One subscription and the state it holds. */
export class BenchFollower implements Follower {
  readonly caller: Caller;
  readonly name: string;
  readonly document: DocumentName;
  opening: Opening | undefined;
  endedWith: string | undefined;
  state: Json = null;
  epoch = 0;
  seq = 0;
  readonly events: PastEvent[] = [];
  gaps = 0;
  /** Where its history begins: seq of its first snapshot. */
  firstSeq = 0;
  isAttached = false;
  readonly #bench: DocumentBench;
  #process = 0;
  #left = false;

  constructor(bench: DocumentBench, parts: { name: string; caller: Caller; document: DocumentName }) {
    this.#bench = bench;
    this.name = parts.name;
    this.caller = parts.caller;
    this.document = parts.document;
  }

  get held(): HeldPosition {
    return [this.epoch, this.seq, ""];
  }

  open({ held, create }: { held?: HeldPosition | undefined; create?: Json }): void {
    this.#process = this.#bench.process;
    this.#bench.documents.open({ document: this.document, held, create, follower: this });
  }

  /** The client closes it. */
  leave(): void {
    this.#left = true;
    this.#detach();
    this.#bench.documents.close(this.document, this);
  }

  /** A new subscription that goes on from what this one holds. */
  reopen(held: HeldPosition | null = this.held): BenchFollower {
    const next = new BenchFollower(this.#bench, { name: this.name, caller: this.caller, document: this.document });
    next.state = this.state;
    next.epoch = this.epoch;
    next.seq = this.seq;
    next.events.push(...this.events);
    next.gaps = this.gaps;
    next.firstSeq = this.firstSeq;
    next.open({ held: held ?? undefined });
    return next;
  }

  said(): void {
    this.#wrong("heard of something it did not say");
  }

  opened(opening: Opening): void {
    if (this.#process !== this.#bench.process) return;
    this.#bench.left.push({ what: "opened", who: this.name, opening });
    if (this.#left) return;
    if (this.opening !== undefined || this.endedWith !== undefined) this.#wrong("opened twice, or after its end");
    this.opening = opening;
    if (opening.kind === "ended") {
      this.endedWith = opening.code;
      return;
    }
    if (opening.kind === "reset") this.#reset(opening);
    else if (opening.kind === "resume") this.#resume(opening);
    else this.#wrong("opened a view of a document without views");
    this.isAttached = true;
    this.#bench.audiences.get(nameKey(this.document))?.followers.add(this);
  }

  ended(code: string): void {
    if (this.#process !== this.#bench.process) return;
    this.#bench.left.push({ what: "ended", who: this.name, code });
    if (this.endedWith !== undefined) this.#wrong("ended twice");
    if (this.#left) this.#wrong("ended after it had left");
    this.endedWith = code;
    this.#detach();
  }

  receive({ seq, epoch, previousEpoch, operations, events, at }: Committed): void {
    if (seq !== this.seq + 1) this.#wrong(`${seq} came after ${this.seq}`);
    if (previousEpoch !== this.epoch) this.#wrong(`${seq} follows epoch ${previousEpoch}, held is ${this.epoch}`);
    this.state = fold(this.state, operations);
    this.seq = seq;
    this.epoch = epoch;
    const emitted: readonly (readonly [string, Json])[] = events === undefined ? [] : JSON.parse(events);
    for (const [name, data] of emitted) this.events.push({ seq, at, name, data });
  }

  #resume({ prev, missed }: Extract<Opening, { kind: "resume" }>): void {
    if (prev[0] !== this.epoch && this.epoch !== 0) this.#wrong("resumed from another epoch");
    if (prev[1] !== this.seq && this.epoch !== 0) this.#wrong("resumed from another seq");
    [this.epoch, this.seq] = prev;
    for (const row of missed) this.receive(row);
    this.#bench.requireDurable(this.document, this.seq, "a resume");
  }

  #reset({ snapshot, events, gap }: Extract<Opening, { kind: "reset" }>): void {
    if (this.epoch === 0) this.firstSeq = snapshot.seq;
    this.state = JSON.parse(snapshot.stateJson);
    this.seq = snapshot.seq;
    this.epoch = snapshot.epoch;
    if (gap) this.gaps += 1;
    this.events.push(...events);
    this.#bench.requireDurable(this.document, this.seq, "a snapshot");
  }

  #detach(): void {
    this.isAttached = false;
    this.#bench.audiences.get(nameKey(this.document))?.followers.delete(this);
  }

  #wrong(what: string): void {
    this.#bench.violations.push(`follower ${this.name}: ${what}`);
  }
}

/** A call that was sent. */
export interface Sent {
  readonly call: Call;
  /** All answers so far, one for each copy that was answered. */
  readonly answers: Answer[];
}

export type SendOptions = Partial<Pick<Call, "n" | "low" | "born" | "ttlMs" | "ifSeq" | "query" | "document">> & {
  readonly conn?: number;
  readonly caller?: Caller;
};

/** One client id, without any cleverness: the test numbers and repeats its calls. */
export class BenchClient {
  readonly caller: Caller;
  readonly client: string;
  conn = 1;
  low = 0;
  #n = 0;
  readonly #bench: DocumentBench;

  constructor(bench: DocumentBench, caller: Caller, client: string) {
    this.#bench = bench;
    this.caller = caller;
    this.client = client;
  }

  /** Sends a call; its answers come into the record. */
  send(name: string, input: Json = null, options: SendOptions = {}): Sent {
    const n = options.n ?? this.#n + 1;
    this.#n = Math.max(this.#n, n);
    const answers: Answer[] = [];
    const call: Call = {
      document: boardName(),
      n,
      name,
      input,
      query: false,
      low: this.low,
      born: this.#bench.runtime.now(),
      ttlMs: undefined,
      ifSeq: undefined,
      ...options,
      origin: this.#origin(options, () => undefined),
    };
    const sent = { call, answers };
    this.repeat(sent, options);
    return sent;
  }

  /** Sends another copy; answers come into the same record. */
  repeat(sent: Sent, changes: SendOptions = {}): void {
    const { process } = this.#bench;
    const answer = (answered: Call, said: Answer): void => {
      if (process === this.#bench.process) this.#heard(sent.call, sent.answers, { answered: answered.n, answer: said });
    };
    this.#bench.documents.call({
      ...sent.call,
      ...changes,
      origin: this.#origin({ caller: sent.call.origin.caller, ...changes }, answer),
    });
  }

  #origin({ caller = this.caller, conn = this.conn }: SendOptions, answer: Origin["answer"]): Origin {
    return { caller, client: this.client, conn, answer };
  }

  query(name: string, input: Json = null, options: SendOptions = {}): Sent {
    return this.send(name, input, { ...options, query: true });
  }

  #heard(call: Call, answers: Answer[], { answered, answer }: { answered: number; answer: Answer }): void {
    if (answered !== call.n) this.#bench.violations.push(`answer to ${answered} came for ${call.n}`);
    if (answer.kind === "ok" && answer.at !== null) this.#bench.requireDurable(call.document, answer.at.seq, "an ok");
    answers.push(answer);
    this.#bench.left.push({ what: "answer", who: this.client, n: answered, answer });
  }
}
