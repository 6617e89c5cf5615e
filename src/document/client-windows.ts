// The request windows of all clients of one document, read from the store when a client is first heard of. Calls of a
// client whose window is being read wait in their order; those of others go on.
import type { Runtime } from "../runtime/runtime.js";
import { ClientWindow } from "./client-window.js";
import type { DocumentRef, DocumentStore } from "./document-store.js";

/** How many clients' windows one document keeps in memory. Beyond it, the ones heard of least recently are read again
 * when needed. */
const WINDOWS_MAX = 10_000;
/** How many of the oldest are looked at for each new one. */
const EVICTION_SCAN = 16;
const RETRY_MS = 200;

type Run = (window: ClientWindow) => void;
type Slot =
  | { readonly state: "reading"; readonly before: ClientWindow | undefined; readonly waiting: Run[] }
  | { readonly state: "ready"; readonly window: ClientWindow }
  /** Its receipts may not be what the store holds; what else it knows still counts. */
  | { readonly state: "stale"; readonly window: ClientWindow };

interface Who {
  readonly subject: string;
  readonly client: string;
}

/** What the windows are read from. */
export interface ClientWindowsParts {
  readonly store: DocumentStore;
  readonly runtime: Runtime;
}

/** Windows by (subject, client). */
export class ClientWindows {
  readonly #parts: ClientWindowsParts;
  #slots = new Map<string, Slot>();
  #ref: DocumentRef | undefined;
  #generation = 0;
  #reading = 0;

  constructor(parts: ClientWindowsParts) {
    this.#parts = parts;
  }

  /** How many windows are being read. */
  get reading(): number {
    return this.#reading;
  }

  /** The document was loaded (again): receipts in memory may be of transactions that are lost. */
  reset(ref: DocumentRef): void {
    this.#ref = ref;
    this.#generation += 1;
    for (const [name, slot] of this.#slots) {
      if (slot.state === "ready") this.#slots.set(name, { state: "stale", window: slot.window });
    }
  }

  /** Calls `run` with the client's window: at once when it is here, else in call order once it has been read. */
  with(subject: string, client: string, run: Run): void {
    const name = nameOf({ subject, client });
    const slot = this.#slots.get(name);
    if (slot?.state === "ready") return run(slot.window);
    if (slot?.state === "reading") return void slot.waiting.push(run);
    const waiting = [run];
    this.#slots.set(name, { state: "reading", before: slot?.window, waiting });
    this.#read({ subject, client }, name);
  }

  /** Forgets old windows when there are many. `isSettled`: it may be read again later without loss. */
  evict(isSettled: (window: ClientWindow) => boolean): void {
    let looked = 0;
    for (const [name, slot] of this.#slots) {
      if (looked === EVICTION_SCAN || this.#slots.size <= WINDOWS_MAX) return;
      looked += 1;
      this.#slots.delete(name);
      if (slot.state === "reading" || !isSettled(slot.window)) this.#slots.set(name, slot);
    }
  }

  #read(who: Who, name: string): void {
    const ref = this.#ref;
    const generation = this.#generation;
    if (ref === undefined) return;
    this.#reading += 1;
    this.#parts.store
      .receipts(ref, who.subject, who.client)
      .then((stored) => {
        const slot = this.#slots.get(name);
        // Reloaded meanwhile: what was read may be older than what is stored now.
        if (generation !== this.#generation) return this.#read(who, name);
        if (slot?.state !== "reading") return;
        const window = new ClientWindow(stored, slot.before);
        this.#slots.set(name, { state: "ready", window });
        for (const run of slot.waiting) run(window);
      })
      // The store is recovering, or failing for good and about to end the process.
      .catch(() => void this.#parts.runtime.setTimer(RETRY_MS, () => this.#read(who, name)))
      .finally(() => {
        this.#reading -= 1;
      });
  }
}

// The length makes the pair unambiguous whatever the subject holds.
const nameOf = ({ subject, client }: Who): string => `${client.length}:${client}${subject}`;
