// The client's Platform in the simulation: the clocks and chance of its process, sockets over the simulated network, and
// page events that the faults bring about.
import type {
  Cancel,
  Platform,
  Socket,
  SocketListener,
  Wake,
} from "../../../clients/typescript/src/platform/platform.js";
import type { SimulatedProcess } from "../world/process.js";
import type { ClientSocket } from "./client-socket.js";
import type { Network } from "./network.js";
import type { Route } from "./route.js";

/** What a platform is made of. */
export interface ClientPlatformParts {
  readonly process: SimulatedProcess;
  readonly route: Route;
  readonly network: Network;
  /** A socket is opened; what is made sees each frame before it leaves by it. */
  readonly opening: () => (frame: string | Uint8Array) => void;
  /** Takes what the client reports: in a simulation nothing is damaged, so there is nothing to report. */
  readonly reported: (error: unknown) => void;
  /** Where chance comes from, when it is not the process's own. */
  readonly randomBytes?: (length: number) => Uint8Array;
}

/** The world as one client sees it. */
export class ClientPlatform implements Platform {
  readonly #parts: ClientPlatformParts;
  readonly #wakes = new Set<(wake: Wake) => void>();
  #isOnline = true;
  #socket: ClientSocket | undefined;

  constructor(parts: ClientPlatformParts) {
    this.#parts = parts;
  }

  /** The newest socket. */
  get socket(): ClientSocket | undefined {
    return this.#socket;
  }

  now(): number {
    return this.#parts.process.now();
  }

  monotonicMs(): number {
    return this.#parts.process.monotonicMs();
  }

  setTimer(delayMs: number, fire: () => void): Cancel {
    return this.#parts.process.setTimer(delayMs, fire);
  }

  microtask(run: () => void): void {
    this.#parts.process.microtask(run);
  }

  random(): number {
    return this.#parts.process.random();
  }

  randomBytes(length: number): Uint8Array {
    return this.#parts.randomBytes?.(length) ?? this.#parts.process.randomBytes(length);
  }

  openSocket(_url: string, subprotocol: string, listener: SocketListener): Socket {
    const { network, process, route, opening } = this.#parts;
    const sending = opening();
    const socket = network.dial({ process, route }, subprotocol, listener);
    this.#socket = socket;
    return {
      send: (frame) => {
        sending(frame);
        socket.send(frame);
      },
      close: (code) => socket.close(code),
    };
  }

  post(): Cancel {
    throw new Error("there is no HTTP in the simulation");
  }

  online(): boolean {
    return this.#isOnline;
  }

  onWake(listener: (wake: Wake) => void): Cancel {
    this.#wakes.add(listener);
    return () => void this.#wakes.delete(listener);
  }

  reportError(error: unknown): void {
    this.#parts.reported(error);
  }

  warn(error: unknown): void {
    this.#parts.reported(error);
  }

  /** The page hears of something; as an event of its own process. */
  wake(wake: Wake): void {
    this.#parts.process.post(0, () => {
      if (wake !== "visible") this.#isOnline = wake === "online";
      for (const listener of [...this.#wakes]) listener(wake);
    });
  }
}
