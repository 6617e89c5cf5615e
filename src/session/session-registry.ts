// Which session speaks for which client: a newer connection of one ends the older, which would only hold resources. And
// what a server keeps for all its sessions together: who is not known yet, and what clients report.
import { CLOSE, type ErrorCode, LIMITS } from "@tidemark/protocol";
import { ClientReports } from "./client-reports.js";
import type { Identified } from "./identity.js";
import { Newcomers } from "./newcomers.js";

/** Whom a session speaks for, and which connection of theirs it is. */
export interface Claim {
  readonly subject: string;
  readonly client: string;
  readonly conn: number;
}

/** Something that can be ended. */
export interface Endable {
  end(closeCode: number, reason: ErrorCode): void;
  /** Ends it, having said when to come back: after `afterMs` and up to `jitterMs` more. */
  goAway(hint: { readonly afterMs: number; readonly jitterMs: number }): void;
  /** Ends it if what its identity rests on was withdrawn. */
  review(isOver: (identity: Identified) => boolean): void;
}

/** A server that was told to stop is back so soon, at best. */
const BACK_AFTER_MS = 500;
const JITTER_MIN_MS = 1_000;
/** Share of the admission that those who come back may use, so that others get in beside them. */
const HERD_SHARE = 0.5;

/** The live sessions of a server. */
export class SessionRegistry {
  readonly newcomers = new Newcomers();
  readonly reports = new ClientReports();
  readonly #sessions = new Map<string, { readonly session: Endable; readonly conn: number }>();

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A session goes live; of two of the same (subject, client) only the one with the greater `conn` goes on
   * (HELLO-5). False: it is this one that must end. */
  begins({ subject, client, conn }: Claim, session: Endable): boolean {
    const name = nameOf(subject, client);
    const other = this.#sessions.get(name);
    if (other !== undefined && other.conn >= conn) return false;
    this.#sessions.set(name, { session, conn });
    other?.session.end(CLOSE.replaced, "closed");
    return true;
  }

  /** A session is over. */
  ended({ subject, client }: Claim, session: Endable): void {
    const name = nameOf(subject, client);
    if (this.#sessions.get(name)?.session === session) this.#sessions.delete(name);
  }

  /** Something was withdrawn: whoever rests on it ends. */
  review(isOver: (identity: Identified) => boolean): void {
    for (const { session } of [...this.#sessions.values()]) session.review(isOver);
  }

  /** Sends all of them away, to come back no faster than they are let in (CLOSE-4). */
  drain(): void {
    const herdMs = (this.#sessions.size * 1_000) / (LIMITS.upgradesPerSecond * HERD_SHARE);
    const hint = { afterMs: BACK_AFTER_MS, jitterMs: Math.max(JITTER_MIN_MS, Math.ceil(herdMs)) };
    for (const { session } of [...this.#sessions.values()]) session.goAway(hint);
  }
}

const nameOf = (subject: string, client: string): string => `${client} ${subject}`;
