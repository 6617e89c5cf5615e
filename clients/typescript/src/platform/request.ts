// What a backend's client may know of the world: clocks, timers, chance, and whole requests by the `fetch` that every
// runtime has. No module of any runtime is imported: it runs in Node, Deno, Bun and workers alike.
import { clock } from "./clock.js";
import type { Platform } from "./platform.js";

/** A request with all that it says. */
export interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  /** JSON. */
  readonly body: string | undefined;
}

/** A response that came whole. */
export interface Response {
  readonly status: number;
  /** As the header says it: seconds, or a date. */
  readonly retryAfter: string | null;
  readonly text: string;
}

/** The world of a backend, real or a test's. */
export interface BackendPlatform extends Pick<Platform, "now" | "monotonicMs" | "setTimer" | "random" | "randomBytes"> {
  /** Sends it once. Rejects when there is no whole response, or when the signal says so. Follows no redirects. */
  request(request: Request, signal: AbortSignal): Promise<Response>;
}

/** The world that this code runs in. */
export const backendPlatform: BackendPlatform = {
  ...clock,
  async request({ url, method, headers, body }, signal) {
    // Whoever is redirected to must not be shown the key.
    const options = { method, headers, signal, redirect: "manual", ...(body === undefined ? {} : { body }) } as const;
    const response = await fetch(url, options);
    const text = await response.text();
    return { status: response.status, retryAfter: response.headers.get("Retry-After"), text };
  },
};
