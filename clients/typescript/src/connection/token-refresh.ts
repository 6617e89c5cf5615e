// Replaces the token of a live connection before it expires, and learns from the server how long the new one lives. It
// never closes anything: a token that could not be replaced is the server's to refuse.
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";
import type { TokenSource } from "./token-source.js";

interface RefreshOptions {
  readonly platform: Platform;
  readonly tokens: TokenSource;
  /** Sends `auth`. */
  readonly send: (token: string) => void;
  /** Asks the server when the identity of this connection expires, Unix ms by its clock. */
  readonly expiresAt: () => Promise<number>;
  readonly serverNowMs: () => number | undefined;
}

export class TokenRefresh {
  readonly #options: RefreshOptions;
  /** Rises when a connection begins or ends; what belongs to an earlier one is dropped. */
  #epoch = 0;
  #cancel: Cancel = () => undefined;

  constructor(options: RefreshOptions) {
    this.#options = options;
  }

  /** A connection is live whose identity expires at `expiryMs`, Unix ms by the server's clock. */
  start(expiryMs: number): void {
    this.stop();
    if (this.#options.tokens.renews) this.#schedule(expiryMs);
  }

  stop(): void {
    this.#epoch++;
    this.#cancel();
  }

  #leftMs(expiryMs: number): number {
    return expiryMs - (this.#options.serverNowMs() ?? expiryMs);
  }

  #schedule(expiryMs: number): void {
    const leftMs = this.#leftMs(expiryMs);
    if (!(leftMs > 0)) return;
    const leadMs = Math.min(CLIENT_LIMITS.tokenLeadMs, leftMs / 2);
    this.#wait(leftMs - leadMs, () => this.#refresh(expiryMs, leftMs));
  }

  #refresh(expiryMs: number, lifeMs: number): void {
    this.#current(
      this.#options.tokens.next(),
      (token) => {
        this.#options.send(token);
        this.#learn(expiryMs, lifeMs, 0);
      },
      () => this.#retry(expiryMs, lifeMs),
    );
  }

  /** The application had no token to give: asked again at half of the time that is left. */
  #retry(expiryMs: number, lifeMs: number): void {
    const leftMs = this.#leftMs(expiryMs);
    if (leftMs > 0)
      this.#wait(Math.max(CLIENT_LIMITS.refusedWaitMs, leftMs / 2), () => this.#refresh(expiryMs, lifeMs));
  }

  /** The server takes its time to look at a token, so the old expiry may be answered for a while. */
  #learn(oldMs: number, lifeMs: number, asked: number): void {
    const again = (): void => {
      // Still connected past the old expiry: the token was taken, and is thought to live as long as the last.
      if (this.#leftMs(oldMs) <= 0) this.#schedule(oldMs + lifeMs);
      else this.#wait(CLIENT_LIMITS.refusedWaitMs * 2 ** asked, () => this.#learn(oldMs, lifeMs, asked + 1));
    };
    this.#current(
      this.#options.expiresAt(),
      (expiryMs) => (expiryMs > oldMs ? this.#schedule(expiryMs) : again()),
      again,
    );
  }

  #current<T>(promise: Promise<T>, then: (value: T) => void, failed: () => void): void {
    const epoch = this.#epoch;
    promise.then(
      (value) => epoch === this.#epoch && then(value),
      () => epoch === this.#epoch && failed(),
    );
  }

  #wait(delayMs: number, run: () => void): void {
    this.#cancel();
    this.#cancel = this.#options.platform.setTimer(Math.min(delayMs, CLIENT_LIMITS.timerMaxMs), run);
  }
}
