// The client's pings: their numbers, their heads, their round trips, and once a minute what was counted. When one is due
// is the heartbeat's to say; comparing heads is the subscriptions'.
import type { Heads, PingMessage } from "@tidemark/protocol";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";
import type { Tally } from "./tally.js";

interface PulseOptions {
  readonly platform: Platform;
  readonly tally: Tally;
  /** Flat heads of all that is live, cut into what one ping may hold; at least one. */
  readonly heads: () => readonly Heads[];
  readonly send: (message: PingMessage) => void;
  /** Brings what `tally` holds up to this moment. */
  readonly settleTally: () => void;
}

export class Pulse {
  readonly #options: PulseOptions;
  #last = 0;
  /** The newest ping without an answer. */
  #asked: { readonly k: number; readonly atMs: number } | undefined;
  #reported: { readonly k: number; readonly arrived: () => void } | undefined;
  #cancel: Cancel | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** A connection is live. */
  start(): void {
    this.stop();
    this.#schedule();
  }

  /** The connection is gone, and answers with it. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#asked = undefined;
    this.#reported = undefined;
  }

  /** Sends heads, in as many pings as it takes; the k of the last. */
  ping(): number {
    return this.#send(this.#options.heads(), () => undefined);
  }

  /** Sends a ping without heads; its k. */
  beat(): number {
    return this.#send([[]], () => undefined);
  }

  /** An answer came. */
  answered(k: number): void {
    const { platform, tally } = this.#options;
    if (this.#asked?.k === k) {
      tally.roundTrip(platform.monotonicMs() - this.#asked.atMs);
      this.#asked = undefined;
    }
    if (this.#reported?.k !== k) return;
    this.#reported.arrived();
    this.#reported = undefined;
  }

  #schedule(): void {
    this.#cancel = this.#options.platform.setTimer(CLIENT_LIMITS.reportIntervalMs, () => {
      this.#report();
      this.#schedule();
    });
  }

  #report(): void {
    this.#options.settleTally();
    const { stats, arrived } = this.#options.tally.report();
    this.#send(this.#options.heads(), (k) => {
      this.#reported = { k, arrived };
      return { stats };
    });
  }

  /** `extend` gives the first ping what it carries besides heads. */
  #send(heads: readonly Heads[], extend: (k: number) => PingMessage[3]): number {
    const { platform, send } = this.#options;
    for (const [index, part] of heads.entries()) {
      const k = ++this.#last;
      const extension = index === 0 ? extend(k) : undefined;
      send(extension === undefined ? ["ping", k, part] : ["ping", k, part, extension]);
    }
    this.#asked = { k: this.#last, atMs: platform.monotonicMs() };
    return this.#last;
  }
}
