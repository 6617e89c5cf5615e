// One connection: a pipe each way, and the ways in which it ends. It knows no frames: those are the two ends' business.
import type { SimulatedProcess } from "../world/process.js";
import type { TimeLine } from "../world/time-line.js";
import { Pipe, type PipeEnd } from "./pipe.js";
import type { Route } from "./route.js";

/** What a connection is made of. */
export interface LinkParts {
  readonly id: number;
  readonly timeLine: TimeLine;
  readonly route: Route;
  readonly client: SimulatedProcess;
  readonly server: SimulatedProcess;
  /** The WebSocket subprotocol that was asked for. */
  readonly subprotocol: string;
  readonly clientEnd: PipeEnd;
  /** The server has taken it. */
  readonly opened: () => void;
}

/** The server's end: what it wrote is taken at some time. */
export interface ServerEnd extends PipeEnd {
  /** The process holds so much that streams may wait for room. */
  readonly isSlow: boolean;
  /** The client takes nothing from now on. */
  stuck(): void;
  taken(): void;
}

/** A connection between one client and one server process. */
export class Link {
  readonly id: number;
  readonly route: Route;
  readonly client: SimulatedProcess;
  readonly server: SimulatedProcess;
  readonly subprotocol: string;
  readonly up: Pipe;
  readonly down: Pipe;
  /** Takes what the client sends; set by the server when it accepts. */
  serverEnd: ServerEnd | undefined;
  /** Something slowed or stopped it, or may have, until then. */
  badUntilMs = 0;
  readonly #timeLine: TimeLine;
  readonly #opened: () => void;
  #stalledUntilMs = 0;
  #untakenUntilMs = 0;
  #weight = 1;
  #orphaned: (() => boolean) | undefined;

  constructor(parts: LinkParts) {
    this.id = parts.id;
    this.route = parts.route;
    this.client = parts.client;
    this.server = parts.server;
    this.subprotocol = parts.subprotocol;
    this.#timeLine = parts.timeLine;
    this.#opened = parts.opened;
    const { timeLine, route, client, server, clientEnd } = parts;
    const shared = { timeLine, delayMs: route.delayMs };
    const blockedUntilMs = (): number => this.#blockedUntilMs;
    const downUntilMs = (): number => Math.max(this.#blockedUntilMs, this.#untakenUntilMs);
    this.up = new Pipe({ ...shared, blockedUntilMs, reader: server, end: this.#serverSide(), taken: () => undefined });
    this.down = new Pipe({
      ...shared,
      blockedUntilMs: downUntilMs,
      reader: client,
      end: clientEnd,
      taken: this.#taken,
    });
  }

  /** True while it could carry bytes both ways. */
  get isSound(): boolean {
    return !this.up.isVanishing && !this.down.isVanishing && this.#orphaned === undefined;
  }

  /** The server has taken it: the client hears of it behind nothing. */
  accepted(end: ServerEnd): void {
    this.serverEnd = end;
    this.down.behind(this.#opened);
  }

  /** Nothing arrives for a while, in either direction. */
  stall(forMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#timeLine.nowMs + forMs);
    this.badUntilMs = Math.max(this.badUntilMs, this.#stalledUntilMs);
  }

  /** Each byte that the client has not taken counts for so many. */
  get weight(): number {
    return this.#untakenUntilMs > this.#timeLine.nowMs ? this.#weight : 1;
  }

  /** The client takes nothing that comes for a while. Where bytes weigh more, little is much. */
  takeNothing(forMs: number, weight: number): void {
    this.#weight = Math.max(weight, this.weight);
    this.#untakenUntilMs = Math.max(this.#untakenUntilMs, this.#timeLine.nowMs + forMs);
    this.badUntilMs = Math.max(this.badUntilMs, this.#untakenUntilMs);
    this.serverEnd?.stuck();
  }

  /** It breaks: of what is under way each way so much still arrives. */
  cut(up: number, down: number): void {
    this.badUntilMs = Number.POSITIVE_INFINITY;
    this.up.cut(up);
    this.down.cut(down);
  }

  /** From now on everything vanishes that goes one way, and nobody is told. */
  vanish(way: "up" | "down"): void {
    this.badUntilMs = Number.POSITIVE_INFINITY;
    this[way].vanish();
  }

  /** The server's process is gone. Its machine lives: it says so. */
  serverDied(): void {
    this.badUntilMs = Number.POSITIVE_INFINITY;
    this.up.drop();
    this.down.finish();
  }

  /** The server's machine lost power: nobody says anything, until the client writes and `isBack`. */
  serverVanished(isBack: () => boolean): void {
    this.badUntilMs = Number.POSITIVE_INFINITY;
    this.up.drop();
    this.down.vanish();
    this.#orphaned = isBack;
  }

  /** The client's process is gone. */
  clientDied(): void {
    this.badUntilMs = Number.POSITIVE_INFINITY;
    this.down.drop();
    this.up.finish();
  }

  /** The client's machine is gone. */
  clientVanished(): void {
    this.badUntilMs = Number.POSITIVE_INFINITY;
    this.down.drop();
    this.up.vanish();
  }

  /** The client wrote to a machine that knows nothing of this connection: it hears so once that machine is up. */
  provoke(reset: () => void): void {
    if (this.#orphaned === undefined) return;
    const isBack = this.#orphaned;
    const answer = (): void => {
      const { nowMs } = this.#timeLine;
      if (isBack() && !this.route.isParted) this.client.post(2 * this.route.delayMs(), reset);
      else this.#timeLine.at(nowMs + RETRANSMIT_MS, answer);
    };
    answer();
  }

  /** The client has taken something: the server's kernel learns of it. */
  readonly #taken = (): void => {
    this.server.post(0, () => this.serverEnd?.taken());
  };

  get #blockedUntilMs(): number {
    return Math.max(this.#stalledUntilMs, this.route.partedUntilMs);
  }

  #serverSide(): PipeEnd {
    return {
      bytes: (chunk) => this.serverEnd?.bytes(chunk),
      ended: () => this.serverEnd?.ended(),
    };
  }
}

/** How often a kernel tries again, ms: what it sends first it repeats in a second, and at first not ever more slowly. */
export const RETRANSMIT_MS = 1_000;
