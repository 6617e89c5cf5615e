// Where tokens come from, and when the next one is due. It only ever sends them to the caller, never to a log or URL.
import { TidemarkError } from "@tidemark/protocol";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";

/** Asks the application for tokens. */
export class TokenSource {
  readonly #source: string | (() => Promise<string>);
  #last: string | undefined;
  #accepted: string | undefined;
  #refused: string | undefined;

  constructor(source: string | (() => Promise<string>)) {
    this.#source = source;
  }

  /**
   * A token for the next connection or refresh. Rejects with what the application's function threw, and with
   * `unauthenticated` rather than sending again what the server refused and never took.
   */
  async next(): Promise<string> {
    const token = typeof this.#source === "string" ? this.#source : await this.#source();
    if (token === this.#refused && token !== this.#accepted) throw new TidemarkError("unauthenticated");
    this.#last = token;
    return token;
  }

  /** The server took the last one. */
  accepted(): void {
    this.#accepted = this.#last;
  }

  /** The server refused the last one. */
  refused(): void {
    this.#refused = this.#last;
  }

  /** Calls `refresh` before a token that lives `lifeMs` expires. A token given as text cannot be refreshed. */
  schedule(platform: Platform, lifeMs: number, refresh: () => void): Cancel {
    if (typeof this.#source === "string" || !(lifeMs > 0)) return () => undefined;
    const leadMs = Math.min(CLIENT_LIMITS.tokenLeadMs, lifeMs / 2);
    return platform.setTimer(Math.min(lifeMs - leadMs, CLIENT_LIMITS.timerMaxMs), refresh);
  }
}
