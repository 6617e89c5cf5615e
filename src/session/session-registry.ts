// Which session speaks for which client: a newer connection of one ends the older, which would only hold resources. And
// what a server keeps for all its sessions together: who is not known yet, and what clients report.
import { CLOSE, type ErrorCode, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { ClientReports } from "./client-reports.js";
import type { Identified } from "./identity.js";
import { Newcomers } from "./newcomers.js";
import { Rounds } from "./rounds.js";

/** Whom a session speaks for, and which connection of theirs it is. */
export interface Claim {
  readonly space: string;
  readonly subject: string;
  readonly client: string;
  readonly conn: number;
}

/** When to come back: after `afterMs` and up to `jitterMs` more. */
export interface GoAway {
  readonly afterMs: number;
  readonly jitterMs: number;
}

/** Something that can be ended. */
export interface Endable {
  end(closeCode: number, reason: ErrorCode): void;
  /** Ends it, having said when to come back. */
  goAway(hint: GoAway): void;
  /** Ends it if what its identity rests on was withdrawn. */
  review(isOver: (identity: Identified) => boolean): void;
}

/** Where sessions of several processes are known together. */
export interface Elsewhere {
  /** A session is live here; it may have to end for another one that is not. */
  begun(claim: Claim, session: Endable, identity: Identified): void;
  refreshed(claim: Claim, identity: Identified): void;
  ended(claim: Claim): void;
  /** What a client reports. */
  reported(stats: JsonObject): void;
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
  /** How many of them are whose. */
  readonly #counts = new Map<string, number>();
  readonly #perPrincipal: number;
  readonly #elsewhere: Elsewhere | undefined;
  #rounds: Rounds | undefined = undefined;

  /** `connectionsPerPrincipal`: 0: any number. */
  constructor(connectionsPerPrincipal: number = LIMITS.connectionsPerPrincipal, elsewhere?: Elsewhere) {
    this.#perPrincipal = connectionsPerPrincipal;
    this.#elsewhere = elsewhere;
  }

  /** In which all of them beat. The interval is one for all. */
  rounds(runtime: Runtime, intervalMs: number): Rounds {
    this.#rounds ??= new Rounds(runtime, intervalMs);
    return this.#rounds;
  }

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A session goes live; of two of the same (subject, client) only the one with the greater `conn` goes on
   * (HELLO-5). Another than `begun`: it is this one that must end. */
  begins(claim: Claim, session: Endable, identity: Identified): "begun" | "replaced" | "too_many" {
    const name = nameOf(claim);
    const other = this.#sessions.get(name);
    if (other !== undefined && other.conn >= claim.conn) return "replaced";
    const principal = principalOf(claim);
    const count = this.#counts.get(principal) ?? 0;
    if (other === undefined && this.#perPrincipal > 0 && count >= this.#perPrincipal) return "too_many";
    this.#counts.set(principal, count + 1);
    this.#sessions.set(name, { session, conn: claim.conn });
    other?.session.end(CLOSE.replaced, "closed");
    this.#elsewhere?.begun(claim, session, identity);
    return "begun";
  }

  /** A session rests on another token from now on. */
  refreshed(claim: Claim, identity: Identified): void {
    this.#elsewhere?.refreshed(claim, identity);
  }

  /** A session that had begun is over. */
  ended(claim: Claim, session: Endable): void {
    const principal = principalOf(claim);
    const left = (this.#counts.get(principal) ?? 0) - 1;
    if (left > 0) this.#counts.set(principal, left);
    else this.#counts.delete(principal);
    const name = nameOf(claim);
    if (this.#sessions.get(name)?.session === session) this.#sessions.delete(name);
    this.#elsewhere?.ended(claim);
  }

  /** A client reports what it sees. */
  reported(stats: JsonObject): void {
    if (this.#elsewhere === undefined) this.reports.add(stats);
    else this.#elsewhere.reported(stats);
  }

  /** Something was withdrawn: whoever rests on it ends. */
  review(isOver: (identity: Identified) => boolean): void {
    for (const { session } of [...this.#sessions.values()]) session.review(isOver);
  }

  /** Ends all of them. */
  endAll(closeCode: number, reason: ErrorCode): void {
    for (const { session } of [...this.#sessions.values()]) session.end(closeCode, reason);
  }

  /** Sends all of them away, to come back no faster than they are let in (CLOSE-4). */
  drain(): void {
    const herdMs = (this.#sessions.size * 1_000) / (LIMITS.upgradesPerSecond * HERD_SHARE);
    const hint = { afterMs: BACK_AFTER_MS, jitterMs: Math.max(JITTER_MIN_MS, Math.ceil(herdMs)) };
    for (const { session } of [...this.#sessions.values()]) session.goAway(hint);
  }
}

const principalOf = ({ space, subject }: Claim): string => `${space}\n${subject}`;

const nameOf = (claim: Claim): string => `${claim.client} ${principalOf(claim)}`;
