// What the routes that follow documents share: where sessions come from, and how a response is taken out of the
// framework's hands.
import type { ServerResponse } from "node:http";
import { type ClientMessage, type Hello, TidemarkError } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { Wire } from "../session/wire.js";
import type { Visit } from "./routes.js";

/** What follows documents for one request. */
export interface Follows {
  /** Everything that was asked for has been sent. */
  readonly isSettled: boolean;
  receive(messages: readonly ClientMessage[]): void;
  /** Says now where everything stands. */
  beat(): void;
  /** Its reader is gone. */
  socketClosed(): void;
}

/** A request that follows documents. */
export type Following = Pick<Visit, "request" | "reply" | "leave">;

/** What follows documents. */
export interface Sessions<From extends Following = Visit> {
  /** False: too many connect at once. */
  admits(): boolean;
  /** Greets in the name of whoever sent the request. What is said goes to the wire, later. */
  begin(wire: Wire, hello: Hello, from: From): Follows;
  /** Hears of errors that are bugs of this server. */
  readonly onBug: (error: unknown) => void;
}

const COME_BACK_AFTER_MS = 1_000;
const COME_BACK_WITHIN_MS = 4_000;

/** Those of a server that serves. Throws TidemarkError `draining`. */
export function serving<From extends Following>(sessions: () => Sessions<From> | undefined): Sessions<From> {
  const now = sessions();
  if (now === undefined) throw new TidemarkError("draining", { afterMs: COME_BACK_AFTER_MS });
  return now;
}

/** Those who are sent away together must not come back together. Throws TidemarkError `overloaded`. */
export function requireRoom(sessions: Pick<Sessions, "admits">, runtime: Runtime): void {
  if (sessions.admits()) return;
  const afterMs = COME_BACK_AFTER_MS + Math.floor(runtime.random() * COME_BACK_WITHIN_MS);
  throw new TidemarkError("overloaded", { afterMs });
}

/** Writes the head of a response that goes on. From here on it is bounded as a session is, not as a request. */
export function takeOver({ reply, leave }: Following, contentType: string): ServerResponse {
  reply.headers({
    "Content-Type": contentType,
    // Compressed or gathered by somebody on the way, a line would come late.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
  });
  reply.hijack();
  const headers = Object.entries(reply.getHeaders());
  reply.raw.writeHead(
    200,
    headers.flatMap(([name, value]) => [name, String(value)]),
  );
  reply.raw.flushHeaders();
  leave();
  return reply.raw;
}
