// An edge: sessions and fan-out of its own, documents at the other end of the real link, whose bytes take their time. It runs in
// its owner's process, so that both pause and die together; that an edge alone is lost is a fault of its own.
import { EdgeSessions, type EdgeSettings } from "../../../src/cluster/edge-sessions.js";
import type { Link, LinkWire } from "../../../src/cluster/link.js";
import type { OwnerLinks } from "../../../src/cluster/owner-links.js";
import type { SessionParts } from "../../../src/session/session-parts.js";
import type { SimulatedProcess } from "../world/process.js";

/** What an edge is made of. */
export interface SimulatedEdgeParts {
  readonly process: SimulatedProcess;
  readonly owner: OwnerLinks;
  readonly settings: EdgeSettings;
  readonly transferBytesMax: number;
  readonly bug: (error: unknown) => void;
}

/** A frame takes up to so long, and mostly much less. */
const DELAY_MS_MAX = 400;
const MOSTLY = 6;

/** One edge at a time; a new one when it is lost. */
export class SimulatedEdge {
  readonly #parts: SimulatedEdgeParts;
  #sessions: EdgeSessions;

  constructor(parts: SimulatedEdgeParts) {
    this.#parts = parts;
    this.#sessions = this.#start();
  }

  get sessionParts(): SessionParts {
    return this.#sessions.parts;
  }

  /** The link breaks, with whatever is under way. */
  lose(): void {
    this.#sessions.link.wireClosed();
  }

  #start(): EdgeSessions {
    const { process, owner, settings, transferBytesMax, bug } = this.#parts;
    const toOwner = new Way(process);
    const toEdge = new Way(process);
    const sessions = new EdgeSessions({
      runtime: process,
      wire: toOwner,
      settings,
      transferBytesMax,
      over: () => {
        toEdge.destroy();
        process.post(0, () => accepted.link.wireClosed());
        this.#sessions = this.#start();
      },
      onBug: bug,
    });
    const accepted = owner.accept(toEdge, () => process.post(0, () => sessions.link.wireClosed()));
    toOwner.leadsTo(accepted.link);
    toEdge.leadsTo(sessions.link);
    return sessions;
  }
}

/** One direction, in order. */
class Way implements LinkWire {
  readonly unsentBytes = 0;
  readonly #process: SimulatedProcess;
  #link: Link | undefined;
  #freeAtMs = 0;

  constructor(process: SimulatedProcess) {
    this.#process = process;
  }

  leadsTo(link: Link): void {
    this.#link = link;
  }

  write(bytes: Uint8Array): void {
    const nowMs = this.#process.monotonicMs();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs + this.#process.random() ** MOSTLY * DELAY_MS_MAX);
    this.#process.post(this.#freeAtMs - nowMs, () => this.#link?.receive(bytes));
  }

  pause(): void {}

  resume(): void {}

  destroy(): void {
    this.#link = undefined;
  }
}
