// The request windows of all clients of one document, read from the store when a client is first heard of. Calls of a
// client whose window is being read wait in their order; those of others go on.
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { ClientWindow } from "./client-window.js";
import type { DocumentRef, DocumentStore } from "./document-store.js";
import type { RefusedAnswer } from "./documents.js";
import type { CallWork } from "./work.js";

/** How many clients' windows one document keeps in memory. Beyond it, the ones heard of least recently are read again
 * when needed. */
const WINDOWS_MAX = 10_000;
/** How many of the oldest are looked at for each new one. */
const EVICTION_SCAN = 16;
/** How many windows of passing clients may be there before they are looked through. */
const PASSING_MAX = 64;
const RETRY_MS = 200;

interface Slot {
  /** Another subject's slot under the same client id: a stranger's id is just another name. */
  readonly next: Slot | undefined;
  readonly subject: string;
  readonly client: string;
  readonly window: ClientWindow;
  /** How many calls its client makes; undefined: any number. */
  readonly callsMax: number | undefined;
  /** `unread`: its receipts are not known, or may not be what the store holds. */
  state: "unread" | "reading" | "ready";
  waiting: CallWork[];
  /** Whole ms, which need no place of their own in memory. */
  usedAtMs: number;
}

/** What the windows are read from, and who takes a call whose window is here. */
export interface ClientWindowsParts {
  readonly store: DocumentStore;
  readonly runtime: Runtime;
  readonly take: (work: CallWork, window: ClientWindow) => void;
  /** Takes what must never be thrown. */
  readonly failed: (error: unknown) => void;
  readonly windowsMax?: number;
}

/** Windows by (subject, client). */
export class ClientWindows {
  readonly #parts: ClientWindowsParts;
  readonly #runtime: Runtime;
  readonly #take: ClientWindowsParts["take"];
  readonly #windowsMax: number;
  /** By client id, which is random and never joined to anything on the way of a call. */
  readonly #slots = new Map<string, Slot>();
  /** The one found last: mostly it is the one client that calls. */
  #latest: Slot | undefined;
  /** Those of clients that make a few calls and are gone, oldest first. */
  #passing: Slot[] = [];
  #ref: DocumentRef | undefined;
  #generation = 0;
  #count = 0;
  #reading = 0;
  #waiting = 0;

  constructor(parts: ClientWindowsParts) {
    this.#parts = parts;
    this.#runtime = parts.runtime;
    this.#take = parts.take;
    this.#windowsMax = parts.windowsMax ?? WINDOWS_MAX;
  }

  /** How many windows are in memory. */
  get count(): number {
    return this.#count;
  }

  /** How many windows are being read, or will be once the store answers again. */
  get reading(): number {
    return this.#reading;
  }

  /** How many calls wait for their window. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The document was loaded (again): receipts in memory may be of transactions that are lost. */
  reset(ref: DocumentRef): void {
    this.#ref = ref;
    this.#generation += 1;
    for (const slot of this.#all()) if (slot.state === "ready") slot.state = "unread";
  }

  /** Hands a call on: at once when its client's window is here, else in call order once it has been read. */
  take(work: CallWork): void {
    const slot = this.#slot(work);
    if (slot.state === "ready") return this.#take(work, slot.window);
    slot.waiting.push(work);
    this.#waiting += 1;
    if (slot.state === "reading") return;
    slot.state = "reading";
    this.#reading += 1;
    this.#read(slot);
  }

  /** Puts a query behind the calls of its client that wait; false when none does. */
  queue(work: CallWork): boolean {
    if (this.#waiting === 0) return false;
    const { caller, client } = work.call.origin;
    const slot = this.#find(caller.principal.id, client);
    if (slot === undefined || slot.waiting.length === 0) return false;
    slot.waiting.push(work);
    this.#waiting += 1;
    return true;
  }

  /** The window of a call's client if it is here and true. */
  ready(work: CallWork): ClientWindow | undefined {
    const slot = this.#slot(work);
    return slot.state === "ready" ? slot.window : undefined;
  }

  /** A call was refused in a way that invites a retry, whatever is known of its client. */
  refused(work: CallWork, answer: RefusedAnswer): void {
    this.#slot(work).window.refused(work.call.n, answer);
  }

  /** Takes back the calls that wait, those of each client in their order. */
  drain(): CallWork[] {
    const waiting = [...this.#all()].flatMap((slot) => slot.waiting.splice(0));
    this.#waiting = 0;
    return waiting;
  }

  /** Forgets old windows when there are many: those that can be read again without loss, since everything applied is
   * durable and no copy of a call can be under way any more. */
  evict(durableSeq: number): void {
    if (this.#passing.length > PASSING_MAX) this.#letPass(durableSeq);
    const windowsMax = this.#windowsMax;
    if (this.#count <= windowsMax) return;
    const olderThan = this.#runtime.monotonicMs() - LIMITS.idleUnloadMs;
    let looked = 0;
    const isNeeded = (slot: Slot): boolean =>
      slot.state === "reading" || slot.usedAtMs >= olderThan || !slot.window.isStored(durableSeq);
    for (const [client, first] of this.#slots) {
      if (looked === EVICTION_SCAN || this.#count <= windowsMax) return;
      looked += 1;
      this.#slots.delete(client);
      this.#latest = undefined;
      const sharing = [...chain(first)];
      if (sharing.some(isNeeded)) this.#slots.set(client, first);
      else this.#count -= sharing.length;
    }
  }

  /** Who makes no further call leaves with the last commit. */
  #letPass(durableSeq: number): void {
    this.#latest = undefined;
    this.#passing = this.#passing.filter(({ client }) => {
      const first = this.#slots.get(client);
      if (first === undefined) return false;
      const sharing = [...chain(first)];
      if (!sharing.every((slot) => hasPassed(slot, durableSeq))) return true;
      this.#slots.delete(client);
      this.#count -= sharing.length;
      return false;
    });
  }

  *#all(): Generator<Slot> {
    for (const first of this.#slots.values()) yield* chain(first);
  }

  #find(subject: string, client: string): Slot | undefined {
    const latest = this.#latest;
    if (latest?.client === client && latest.subject === subject) return latest;
    let slot = this.#slots.get(client);
    while (slot !== undefined && slot.subject !== subject) slot = slot.next;
    this.#latest = slot;
    return slot;
  }

  #slot({ call: { origin } }: CallWork): Slot {
    const subject = origin.caller.principal.id;
    const { client } = origin;
    const known = this.#find(subject, client);
    const usedAtMs = Math.floor(this.#runtime.monotonicMs());
    if (known !== undefined) {
      known.usedAtMs = usedAtMs;
      return known;
    }
    const slot: Slot = {
      next: this.#slots.get(client),
      subject,
      client,
      window: new ClientWindow(),
      callsMax: origin.callsMax,
      state: origin.isFresh === true ? "ready" : "unread",
      waiting: [],
      usedAtMs,
    };
    this.#slots.set(client, slot);
    this.#count += 1;
    if (slot.callsMax !== undefined) this.#passing.push(slot);
    return slot;
  }

  #read(slot: Slot): void {
    const ref = this.#ref;
    const generation = this.#generation;
    // Never asked before the document was loaded.
    if (ref === undefined) return;
    const { store, runtime, failed } = this.#parts;
    store
      .receipts(ref, slot.subject, slot.client)
      .then(
        (stored) => {
          // Reloaded meanwhile: what was read may be older than what is stored now.
          if (generation !== this.#generation) return this.#read(slot);
          slot.window.know(stored);
          this.#begin(slot);
        },
        // The store is recovering, or failing for good and about to end the process.
        () => void runtime.setTimer(RETRY_MS, () => this.#read(slot)),
      )
      .catch(failed);
  }

  #begin(slot: Slot): void {
    slot.state = "ready";
    this.#reading -= 1;
    const waiting = slot.waiting.splice(0);
    this.#waiting -= waiting.length;
    for (const work of waiting) this.#take(work, slot.window);
  }
}

/** What is known of it can be read again; a refusal only holds back later calls, which a single call has none of. */
const hasPassed = ({ callsMax, state, window }: Slot, durableSeq: number): boolean =>
  callsMax !== undefined && state !== "reading" && window.isStored(durableSeq) && (callsMax === 1 || !window.isLatched);

function* chain(first: Slot): Generator<Slot> {
  for (let slot: Slot | undefined = first; slot !== undefined; slot = slot.next) yield slot;
}
