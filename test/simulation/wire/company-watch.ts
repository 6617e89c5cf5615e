// What one connection is told of the others: under a handle that one of its subscriptions has, by revisions that are
// contiguous, no more often than is promised, and nothing once the subscription is over (SIG, PRES).
import {
  LIMITS,
  type Opened,
  type PresenceMessage,
  type SignalledMessage,
  type SignalMessage,
} from "@tidemark/protocol";
import type { Complain } from "./followed.js";

interface Told {
  readonly documentId: string;
  /** Subscriptions that have it. */
  readonly open: Set<number>;
  readonly waves: Set<string>;
  rev: number | undefined;
  peers: Set<string>;
  changedAtMs: number;
}

/** What a watch compares with. */
export interface CompanyWatchParts {
  readonly nowMs: () => number;
  /** Frames were lost: what is missing proves nothing. */
  readonly isLossy: () => boolean;
  readonly complain: Complain;
}

/** The company of one connection. */
export class CompanyWatch {
  readonly #parts: CompanyWatchParts;
  readonly #told = new Map<number, Told>();
  readonly #said = new Set<string>();

  constructor(parts: CompanyWatchParts) {
    this.#parts = parts;
  }

  opened({ s, peers }: Opened, documentId: string): void {
    if (peers === undefined) return;
    const told = this.#told.get(peers.h) ?? fresh(documentId);
    this.#told.set(peers.h, told);
    if (told.documentId !== documentId) this.#parts.complain("OPEN-6", `the handle of ${told.documentId} is another's`);
    told.open.add(s);
  }

  /** A signal came on this connection. */
  said([, , , data]: SignalMessage): void {
    this.#said.add(JSON.stringify(data));
  }

  /** A subscription is over. */
  over(s: number): void {
    for (const told of this.#told.values()) if (told.open.delete(s) && told.open.size === 0) told.rev = undefined;
  }

  signal([, h, , data]: SignalledMessage): void {
    const told = this.#heard(h, "sig");
    const id = JSON.stringify(data);
    if (this.#said.has(id)) this.#parts.complain("SIG-2", `${told?.documentId}: ${id} comes back to its sender`);
    if (told?.waves.has(id)) this.#parts.complain("SIG-2", `${told.documentId}: ${id} is sent twice`);
    told?.waves.add(id);
  }

  presence([, h, rev, { all, join = [], leave = [], count }]: PresenceMessage): void {
    const told = this.#heard(h, "pres");
    if (told === undefined) return;
    const { complain, isLossy, nowMs } = this.#parts;
    if (all === undefined && !isLossy() && rev !== (told.rev ?? Number.NaN) + 1)
      complain("PRES-2", `${told.documentId}: revision ${rev} after ${told.rev}`);
    if (all === undefined && nowMs() - told.changedAtMs < LIMITS.presenceIntervalMs - 1)
      complain("PRES-9", `${told.documentId}: told again after ${(nowMs() - told.changedAtMs).toFixed(0)} ms`);
    if (all === undefined) told.changedAtMs = nowMs();
    else told.peers = new Set();
    for (const peer of leave) told.peers.delete(peer);
    for (const [peer] of [...(all ?? []), ...join]) told.peers.add(peer);
    told.rev = rev;
    if (!isLossy() && told.peers.size !== Math.min(count, LIMITS.presenceListedMax))
      complain("PRES-3", `${told.documentId}: ${told.peers.size} of ${count} are listed`);
  }

  head(h: number, epoch: number, rev: number): void {
    const told = this.#told.get(h);
    if (told === undefined || this.#parts.isLossy() || (epoch === 0 && rev === told.rev)) return;
    this.#parts.complain("PRES-8", `${told.documentId}: a head says ${rev}, it was told ${told.rev}`);
  }

  #heard(h: number, type: string): Told | undefined {
    const told = this.#told.get(h);
    if (told === undefined) this.#parts.complain("SIG-2", `${type} under handle ${h}, which no opened named`);
    else if (told.open.size === 0) this.#parts.complain("R18", `${type} of ${told.documentId}, which is not followed`);
    return told;
  }
}

const fresh = (documentId: string): Told => ({
  documentId,
  open: new Set(),
  waves: new Set(),
  rev: undefined,
  peers: new Set(),
  changedAtMs: Number.NEGATIVE_INFINITY,
});
