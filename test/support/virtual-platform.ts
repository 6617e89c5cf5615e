// A client's world under a test's control: time that moves only when told, sockets that end at the test, chance that
// repeats. Nothing here waits for real time.
import type {
  Cancel,
  Platform,
  Post,
  ResponseListener,
  Socket,
  SocketListener,
  Wake,
} from "../../clients/typescript/src/platform/platform.js";

/** The test's end of one of the client's sockets. */
export interface VirtualSocket {
  readonly url: string;
  readonly subprotocol: string;
  readonly listener: SocketListener;
  /** What the client closed it with; undefined while it has not. */
  closedWith: number | undefined;
}

/** The test's end of one of the client's requests. */
export interface VirtualPost {
  readonly request: Post;
  readonly listener: ResponseListener;
  isCancelled: boolean;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Lets every promise that can settle do so. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A generator of uniform numbers in [0, 1): the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class VirtualPlatform implements Platform {
  readonly sockets: VirtualSocket[] = [];
  readonly posts: VirtualPost[] = [];
  /** What listeners threw. */
  readonly reported: unknown[] = [];
  /** Takes each frame the client sends. */
  onFrame: (socket: VirtualSocket, frame: string | Uint8Array) => void = () => undefined;
  onOpen: (socket: VirtualSocket) => void = () => undefined;
  onPost: (post: VirtualPost) => void = () => undefined;
  random: () => number = () => 0.5;
  networkUp = true;
  /** Wall clock minus monotonic clock. */
  wallOffsetMs = 1_700_000_000_000;
  readonly #timers = new Set<Timer>();
  readonly #wakes = new Set<(wake: Wake) => void>();
  #nowMs = 1_000;
  #order = 0;

  now(): number {
    return this.#nowMs + this.wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): Cancel {
    const timer = { atMs: this.#nowMs + delayMs, order: this.#order++, fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  microtask(run: () => void): void {
    queueMicrotask(run);
  }

  randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, index) => index + 1);
  }

  openSocket(url: string, subprotocol: string, listener: SocketListener): Socket {
    const socket: VirtualSocket = { url, subprotocol, listener, closedWith: undefined };
    this.sockets.push(socket);
    this.onOpen(socket);
    return {
      send: (frame) => {
        if (socket.closedWith === undefined) this.onFrame(socket, frame);
      },
      close: (code) => {
        socket.closedWith ??= code;
      },
    };
  }

  post(request: Post, listener: ResponseListener): Cancel {
    const post: VirtualPost = { request, listener, isCancelled: false };
    this.posts.push(post);
    this.onPost(post);
    return () => {
      post.isCancelled = true;
    };
  }

  online(): boolean {
    return this.networkUp;
  }

  onWake(listener: (wake: Wake) => void): Cancel {
    this.#wakes.add(listener);
    return () => void this.#wakes.delete(listener);
  }

  reportError(error: unknown): void {
    this.reported.push(error);
  }

  warn(error: unknown): void {
    this.reported.push(error);
  }

  // ------------------------------------------------------------------------------------------------ for tests

  /** How many timers are pending. */
  get pending(): number {
    return this.#timers.size;
  }

  wake(wake: Wake): void {
    for (const listener of [...this.#wakes]) listener(wake);
  }

  /** Moves time on, firing what falls due in order, with everything that follows from it. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settled();
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= untilMs);
      const [next] = due.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  /** The machine sleeps: time passes and nothing runs; what fell due runs late. */
  async freeze(forMs: number): Promise<void> {
    this.#nowMs += forMs;
    await this.advance(0);
  }
}
