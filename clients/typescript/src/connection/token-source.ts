// Where tokens come from. It only ever gives them to the caller, never to a log or URL.
import { TidemarkError } from "@tidemark/protocol";

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

  /** A token given as text cannot be refreshed. */
  get renews(): boolean {
    return typeof this.#source === "function";
  }
}
