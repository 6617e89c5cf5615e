// Tickets: what a page shows in an address where it can send no header, as a browser's EventSource cannot. Each lets in
// once, within seconds, as whoever asked for it, to follow one document, and is good for nothing else: an address ends up
// in logs and histories.
import type { Runtime } from "../runtime/runtime.js";
import type { Identified } from "../session/identity.js";
import { ShownOnce } from "./shown-once.js";

/** A ticket. */
export interface Ticket {
  readonly ticket: string;
  /** Unix ms: shown later, it is refused. */
  readonly useBefore: number;
}

interface Admission {
  readonly identity: Identified;
  /** `type/key`. */
  readonly doc: string;
}

/** What tickets begin with. */
export const TICKET_PREFIX = "tmt_";
/** How soon one must be shown. */
export const TICKET_WITHIN_MS = 30_000;

/** The tickets that nobody has shown yet. */
export class Tickets {
  readonly #runtime: Runtime;
  readonly #waiting: ShownOnce<Admission>;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#waiting = new ShownOnce(TICKET_PREFIX, runtime);
  }

  /** Makes one for a document, which need not be there. Throws TidemarkError `limit_reached`. */
  make(identity: Identified, doc: string): Ticket {
    const useBefore = Math.min(this.#runtime.now() + TICKET_WITHIN_MS, identity.expiresAt);
    return { ticket: this.#waiting.make({ identity, doc }, useBefore), useBefore };
  }

  /** Who shows it at a document; undefined: it does not let in there. It cannot be shown again. */
  take(ticket: string, doc: string): Identified | undefined {
    const admission = this.#waiting.take(ticket);
    return admission?.doc === doc ? admission.identity : undefined;
  }
}
