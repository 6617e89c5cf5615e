// What every test of the backend's client begins with: a client in virtual time, and a service that answers as it is told.
import type { ServerClient } from "@tidemark/client/http";
import { createServerClient } from "../../../../clients/typescript/src/backend/server-client.js";
import type { BackendPlatform, Request, Response } from "../../../../clients/typescript/src/platform/request.js";
import { VirtualPlatform } from "../../../support/virtual-platform.js";
import type { BoardApp } from "../world.js";

/** What becomes of one copy: a response, an error of `fetch`, or nothing until it is aborted. */
export type Fate = Response | Error | "silence";

/** A success. */
export const ok = (body: unknown): Response => ({ status: 200, retryAfter: null, text: JSON.stringify(body) });

/** Where everything lands. */
export const LANDED = { result: null, epoch: 7, seq: 3 };

/** A refusal in the service's own words. */
export const problem = (status: number, fields: object, retryAfter: string | null = null): Response => ({
  status,
  retryAfter,
  text: JSON.stringify({ outcome: "rejected", ...fields }),
});

/** A connection that was cut, as Node says it. */
export const cut = (code = "ECONNRESET"): Error =>
  new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });

/** The world of a backend. */
export class World {
  readonly platform = new VirtualPlatform();
  readonly requests: Request[] = [];
  readonly sentAtMs: number[] = [];
  /** Of the next copies; then `otherwise`. */
  readonly fates: Fate[];
  otherwise: Fate = ok(LANDED);
  /** Decides instead. */
  onCopy: (request: Request) => Fate = () => this.fates.shift() ?? this.otherwise;
  readonly tide: ServerClient<BoardApp>;
  #bytes = 0;

  constructor(...fates: Fate[]) {
    this.fates = fates;
    const world: BackendPlatform = {
      now: () => this.platform.now(),
      monotonicMs: () => this.platform.monotonicMs(),
      setTimer: (delayMs, fire) => this.platform.setTimer(delayMs, fire),
      random: () => this.platform.random(),
      randomBytes: (length) => Uint8Array.from({ length }, () => this.#bytes++ % 256),
      request: (request, signal) => this.#request(request, signal),
    };
    this.tide = createServerClient<BoardApp>({ url: "https://tide.example", key: "tmk_secret" }, world);
  }

  /** The values of one header of each copy. */
  sent(header: string): readonly (string | undefined)[] {
    return this.requests.map(({ headers }) => headers[header]);
  }

  /** What became of it, after so long. */
  async outcome(promise: Promise<unknown>, afterMs = 60_000): Promise<unknown> {
    const settled = promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    await this.platform.advance(afterMs);
    return Promise.race([settled, Promise.resolve("waiting")]);
  }

  async #request(request: Request, signal: AbortSignal): Promise<Response> {
    this.requests.push(request);
    this.sentAtMs.push(this.platform.monotonicMs());
    const fate = this.onCopy(request);
    if (fate instanceof Error) throw fate;
    if (fate !== "silence") return fate;
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
  }
}

/** An error by what callers branch on. */
export const refusal = (code: string, outcome: "rejected" | "unknown", others: object = {}): object => ({
  error: { code, outcome, ...others },
});
