// The documents of this process: one host for each that somebody needs, made on demand and unloaded when idle. It is
// the composition of the document room and the local implementation of its port.
import { isKey, TidemarkError } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import { Turns } from "../runtime/turns.js";
import { mayList } from "./access.js";
import { Committer } from "./committer.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { type DocumentCounts, DocumentFigures } from "./document-figures.js";
import { DocumentMap } from "./document-map.js";
import type { DocumentName, DocumentStore } from "./document-store.js";
import type {
  AudienceFactory,
  AudienceOptions,
  Call,
  Caller,
  Documents,
  Follower,
  ListRequest,
  OpenRequest,
  RefusedAnswer,
  Speech,
} from "./documents.js";
import { DocumentHost } from "./host.js";
import type { HostReport } from "./host-report.js";
import { LoadShares } from "./load-shares.js";
import { requestHash } from "./request-hash.js";
import { CallWork } from "./work.js";
import type { Waits } from "./workload.js";

/** What local documents are made of. */
export interface LocalDocumentsParts {
  readonly types: ReadonlyMap<string, ResolvedType>;
  readonly store: DocumentStore;
  readonly runtime: Runtime;
  readonly audience: AudienceFactory;
  readonly report: HostReport;
  /** How long an unused document stays loaded, ms. */
  readonly idleMs: number;
}

/** Logs that are read at a time, for openings from older positions than memory reaches back to. */
const LOG_READS_MAX = 16;
/** The same for queries about the past, each of which may find a megabyte. */
const PAST_READS_MAX = 4;
const LIST_LIMIT_MAX = 1_000;

/** Hosts by document. */
export class LocalDocuments implements Documents {
  readonly figures = new DocumentFigures();
  readonly #parts: LocalDocumentsParts;
  readonly #committer: Committer;
  readonly #logTurns: Turns;
  readonly #pastTurns: Turns;
  readonly #hosts = new DocumentMap<DocumentHost>();
  readonly #loads: LoadShares;
  #stopSweeping: CancelTimer;

  constructor(parts: LocalDocumentsParts) {
    this.#parts = parts;
    this.#committer = new Committer(parts);
    this.#loads = new LoadShares(parts.runtime);
    this.#logTurns = new Turns(parts.runtime, LOG_READS_MAX);
    this.#pastTurns = new Turns(parts.runtime, PAST_READS_MAX);
    this.#stopSweeping = this.#sweepLater();
  }

  /** What was counted since the last time. */
  takeFigures(): DocumentCounts & Waits & { readonly loaded: number } {
    return { loaded: this.#hosts.size, ...this.figures.take(), ...this.#committer.workload.takeWaits() };
  }

  /** Calls are being refused for want of time or room. */
  get isOverloaded(): boolean {
    return this.#committer.workload.isTooMuch;
  }

  /** How many documents are loaded. */
  get loadedCount(): number {
    return this.#hosts.size;
  }

  open(request: OpenRequest): void {
    const host = this.#hosts.get(request.document) ?? this.#make(request.document, request.follower.caller);
    if (!(host instanceof DocumentHost)) return request.follower.opened({ kind: "ended", ...host });
    host.accept({ kind: "open", request, losses: 0 });
  }

  close(document: DocumentName, follower: Follower): void {
    this.#hosts.get(document)?.leave(follower);
  }

  refresh(document: DocumentName, follower: Follower): void {
    this.#hosts.get(document)?.refresh(follower);
  }

  say(document: DocumentName, follower: Follower, speech: Speech): void {
    this.#hosts.get(document)?.say(follower, speech);
  }

  call(call: Call): void {
    const present = this.#hosts.get(call.document);
    if (present !== undefined) return this.#give(call, present);
    const made = this.#make(call.document, call.origin.caller);
    if (made instanceof DocumentHost) this.#give(call, made);
    else call.origin.answer(call, { kind: "no", ...made });
  }

  #give(call: Call, host: DocumentHost): void {
    // A caller without a subscription may not know which of the two a name is; they share their names.
    const isQuery = call.query || host.answers(call.name);
    host.accept(new CallWork(call, isQuery ? "query" : requestHash(call.name, JSON.stringify(call.input))));
  }

  async list({ caller, type, after, limit }: ListRequest): ReturnType<Documents["list"]> {
    const resolved = this.#parts.types.get(type);
    if (resolved === undefined) throw new TidemarkError("unknown_type");
    if (!this.#mayList(resolved, type, caller)) throw new TidemarkError("denied");
    const page = { space: caller.space, type, after, limit: Math.min(Math.max(limit, 1), LIST_LIMIT_MAX) };
    return this.#parts.store.list(page);
  }

  /** Finishes what was executed; nothing may be asked any more. */
  async stop(): Promise<void> {
    this.#stopSweeping();
    for (const host of this.#hosts.values()) host.stop();
    await this.#committer.idle();
  }

  #mayList(resolved: ResolvedType, type: string, caller: ListRequest["caller"]): boolean {
    try {
      return mayList(resolved, type, caller);
    } catch (error) {
      this.#parts.report.handlerFailed({ space: caller.space, type, key: "" }, "canList", error);
      return false;
    }
  }

  /** The host of one that is not loaded, made for `caller`; or why there is none. */
  #make(name: DocumentName, caller: Caller): DocumentHost | RefusedAnswer {
    const known = this.#parts.types.get(name.type);
    if (known === undefined) return { code: "unknown_type" };
    if (!isKey(name.key)) return { code: "invalid_key" };
    const refusal = this.#loads.refusal(caller);
    if (refusal !== undefined) return refusal;
    const type = known.channel === undefined ? known : known.channel.named(name.key);
    const { store, runtime, report } = this.#parts;
    const audience = this.#parts.audience(name, { everyMs: type.everyMs, peers: peersOf(type) });
    const { figures } = this;
    const [committer, logTurns, pastTurns] = [this.#committer, this.#logTurns, this.#pastTurns];
    const host = new DocumentHost({
      name,
      type,
      store,
      committer,
      runtime,
      audience,
      report,
      figures,
      logTurns,
      pastTurns,
    });
    this.#hosts.set(name, host);
    return host;
  }

  #sweepLater(): CancelTimer {
    return this.#parts.runtime.setTimer(Math.max(this.#parts.idleMs / 4, 1_000), () => {
      this.#sweep();
      this.#stopSweeping = this.#sweepLater();
    });
  }

  #sweep(): void {
    for (const host of this.#hosts.values()) {
      if (!host.isIdle(this.#parts.idleMs)) continue;
      host.saveSnapshot().then(
        () => this.#unload(host),
        // The document stays until a snapshot can be written.
        (error: unknown) => this.#parts.report.loadFailed(host.name, error),
      );
    }
  }

  #unload(host: DocumentHost): void {
    if (!host.isIdle(this.#parts.idleMs)) return;
    host.unload();
    this.#hosts.delete(host.name);
  }
}

function peersOf({ peers, revealAuthor }: ResolvedType): AudienceOptions["peers"] {
  if (peers === undefined) return "none";
  return revealAuthor ? "named" : "unnamed";
}
