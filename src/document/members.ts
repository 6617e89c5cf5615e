// Who is here, durably: by person, however many connections they have, with a grace for those who were cut off. Each
// coming and each going is one transaction; between them nothing is written, however often somebody reconnects. It never
// decides who may be here: whoever follows is.
import { invariant } from "../runtime/invariant.js";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { ResolvedMembers } from "./definition/resolved-type.js";
import type { Applied, Document } from "./document.js";
import { type DocumentName, TransactionKind } from "./document-store.js";
import type { Follower } from "./documents.js";
import type { HostReport } from "./host-report.js";
import type { Residence } from "./residence.js";

/** What members need of their document. */
export interface MembersParts {
  readonly name: DocumentName;
  readonly hooks: ResolvedMembers;
  readonly runtime: Runtime;
  readonly report: HostReport;
  /** Undefined: it is not loaded. */
  readonly residence: () => Residence | undefined;
  /** A transaction was executed. */
  readonly wrote: (applied: Applied, document: Document, residence: Residence) => void;
}

/** Comings and goings of one turn of the event loop. */
const TURN_MAX = 128;
/** After a commit was lost: a disk that is full is not asked at once again. */
const AGAIN_MS = 1_000;

/** The members of one document. */
export class Members {
  readonly #parts: MembersParts;
  /** Who follows now, by id. */
  readonly #here = new Map<string, Set<Follower>>();
  /** Who is a member as of the head in memory. */
  #ids = new Set<string>();
  /** Members who do not follow and may yet come back. */
  readonly #away = new Map<string, CancelTimer>();
  /** For whom something is to be written, perhaps: it is decided when their turn comes. */
  readonly #due = new Set<string>();
  #cancelRetry: CancelTimer | undefined = undefined;
  #deferred = false;
  #stopped = false;

  constructor(parts: MembersParts) {
    this.#parts = parts;
  }

  /** As of the head in memory, in the order in which they came. */
  get ids(): readonly string[] {
    return [...this.#ids];
  }

  /** Something is still to be written. */
  get isBusy(): boolean {
    return this.#away.size > 0 || this.#due.size > 0;
  }

  /** Somebody follows, perhaps not for the first time. */
  attached(follower: Follower): void {
    const { id } = follower.caller.principal;
    const here = this.#here.get(id);
    if (here !== undefined) return void here.add(follower);
    this.#here.set(id, new Set([follower]));
    this.#away.get(id)?.();
    this.#away.delete(id);
    if (!this.#ids.has(id)) this.#ask(id);
  }

  /** A follower is gone, or never came so far. */
  gone(follower: Follower): void {
    const { id } = follower.caller.principal;
    const here = this.#here.get(id);
    if (here?.delete(follower) !== true || here.size > 0) return;
    this.#here.delete(id);
    if (this.#ids.has(id)) this.#await(id);
  }

  /** The document was loaded, and these were its members; `again`: what was executed may be lost. */
  resume(ids: Iterable<string>, again: boolean): void {
    this.clear();
    this.#ids = new Set(ids);
    for (const id of this.#ids) if (!this.#here.has(id)) this.#await(id);
    for (const id of this.#here.keys()) if (!this.#ids.has(id)) this.#due.add(id);
    if (this.#due.size === 0) return;
    if (!again) return this.#later();
    this.#cancelRetry = this.#parts.runtime.setTimer(AGAIN_MS, () => {
      this.#cancelRetry = undefined;
      this.#later();
    });
  }

  /** There is room for more transactions. */
  goOn(): void {
    if (this.#due.size > 0 && this.#cancelRetry === undefined) this.#later();
  }

  /** The document is deleted: it has no members. */
  clear(): void {
    for (const cancel of this.#away.values()) cancel();
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#away.clear();
    this.#due.clear();
    this.#ids.clear();
  }

  /** The process ends: who does not come back to another one has left then. */
  stop(): void {
    this.#stopped = true;
    this.clear();
  }

  #await(id: string): void {
    if (this.#stopped) return;
    const { runtime, hooks } = this.#parts;
    const over = (): void => {
      this.#away.delete(id);
      this.#ask(id);
    };
    this.#away.set(id, runtime.setTimer(hooks.graceMs, over));
  }

  #ask(id: string): void {
    this.#due.add(id);
    if (this.#cancelRetry === undefined) this.#later();
  }

  /** Not at once: whoever is opened is told of the document before it changes for them. */
  #later(): void {
    if (this.#deferred || this.#stopped) return;
    this.#deferred = true;
    this.#parts.runtime.defer(() => {
      this.#deferred = false;
      this.#run();
    });
  }

  #run(): void {
    let left = TURN_MAX;
    for (const id of this.#due) {
      const residence = this.#parts.residence();
      // `resume` and `goOn` are called when there is one, and room in it.
      if (residence === undefined || residence.content.status !== "live" || residence.pipeline.isFull) return;
      if (left === 0) return this.#later();
      left -= 1;
      this.#due.delete(id);
      this.#settle(id, residence, residence.content.document);
    }
  }

  #settle(id: string, residence: Residence, document: Document): void {
    const { hooks } = this.#parts;
    const [follower] = this.#here.get(id) ?? [];
    if (follower !== undefined && !this.#ids.has(id)) {
      const who = follower.caller.principal;
      this.#write({ id, name: "joined", run: (ctx) => hooks.joined?.(ctx, who) }, residence, document);
      this.#ids.add(id);
    } else if (follower === undefined && this.#ids.has(id) && !this.#away.has(id)) {
      this.#write({ id, name: "left", run: (ctx) => hooks.left?.(ctx, id) }, residence, document);
      this.#ids.delete(id);
    }
  }

  /** What a hook that fails has done is undone, and yet its person has come or gone: it must not be asked for ever. */
  #write({ id, name, run }: Change, residence: Residence, document: Document): void {
    const { runtime, report, wrote } = this.#parts;
    const now = runtime.now();
    const done = document.perform(run, now);
    if (done.kind === "refused" && done.thrown !== undefined)
      report.handlerFailed(this.#parts.name, `members.${name}`, done.thrown);
    const applied = done.kind === "applied" ? done : document.perform(() => undefined, now);
    invariant(applied.kind === "applied", "nothing is too much for no state");
    const { version, revealAuthor } = document.type;
    residence.pipeline.append(
      {
        typeVersion: version,
        kind: TransactionKind[name],
        at: now,
        subject: id,
        operations: applied.operationsJson,
        events: applied.eventsJson,
        request: undefined,
      },
      revealAuthor ? id : undefined,
    );
    wrote(applied, document, residence);
  }
}

/** What somebody's coming or going does. */
interface Change {
  readonly id: string;
  readonly name: "joined" | "left";
  readonly run: (ctx: unknown) => unknown;
}
