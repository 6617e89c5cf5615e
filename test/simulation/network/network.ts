// All connections, and where new ones go: to the server that listens now, if there is one and the way is free. It owns
// what a network does to connections; which of it happens, the faults say.
import type { SocketListener } from "../../../clients/typescript/src/platform/platform.js";
import type { SimulatedProcess } from "../world/process.js";
import type { TimeLine } from "../world/time-line.js";
import { ClientSocket } from "./client-socket.js";
import { Link, RETRANSMIT_MS } from "./link.js";
import type { Route } from "./route.js";

/** A server that takes connections. */
export interface Listening {
  readonly process: SimulatedProcess;
  accept(link: Link): void;
}

/** Who connects, by which way. */
export interface Dialer {
  readonly process: SimulatedProcess;
  readonly route: Route;
}

/** The network between clients and server. */
export class Network {
  /** Undefined: nobody listens, so connecting is refused. */
  listening: Listening | undefined;
  readonly #timeLine: TimeLine;
  readonly #links = new Set<Link>();
  #refusingUntilMs = 0;
  #ids = 0;
  /** How often connecting was refused though somebody listened. */
  refusals = 0;

  constructor(timeLine: TimeLine) {
    this.#timeLine = timeLine;
  }

  /** Every connection that was not taken down. */
  get links(): readonly Link[] {
    return [...this.#links];
  }

  /** Begins connecting. */
  dial(dialer: Dialer, subprotocol: string, listener: SocketListener): ClientSocket {
    const socket = new ClientSocket(listener, (link) => this.#links.delete(link));
    this.#knock(dialer, subprotocol, socket);
    return socket;
  }

  /** Upgrades are turned away for a while. */
  refuse(forMs: number): void {
    this.#refusingUntilMs = Math.max(this.#refusingUntilMs, this.#timeLine.nowMs + forMs);
  }

  #knock(dialer: Dialer, subprotocol: string, socket: ClientSocket): void {
    const { route, process } = dialer;
    if (socket.isClosed || !process.alive) return;
    if (route.isParted) {
      this.#timeLine.at(this.#timeLine.nowMs + RETRANSMIT_MS, () => this.#knock(dialer, subprotocol, socket));
      return;
    }
    this.#timeLine.at(this.#timeLine.nowMs + route.delayMs(), () => this.#arrive(dialer, subprotocol, socket));
  }

  #arrive({ process, route }: Dialer, subprotocol: string, socket: ClientSocket): void {
    const { listening } = this;
    const refused = this.#timeLine.nowMs < this.#refusingUntilMs;
    if (refused && listening !== undefined) this.refusals += 1;
    if (listening === undefined || refused) return process.post(route.delayMs(), () => socket.lost());
    this.#ids += 1;
    const link = new Link({
      id: this.#ids,
      timeLine: this.#timeLine,
      route,
      client: process,
      server: listening.process,
      subprotocol,
      clientEnd: socket,
      opened: () => socket.opened(),
    });
    if (!socket.takes(link)) return;
    this.#links.add(link);
    listening.process.post(0, () => listening.accept(link));
  }
}
