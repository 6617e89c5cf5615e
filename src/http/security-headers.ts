// The headers that tell browsers what a page from this server may do: its own scripts, styles and socket, no frame
// around it, nothing guessed. They hold for every response; no route weakens them.
import type { FastifyReply } from "fastify";
import { isLoopbackName } from "../session/origins.js";
import type { Way } from "../session/proxies.js";

/** A name or IPv4 address, and a port: what a policy can name, and nothing that could add to the policy. */
const PLAIN_HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/;

/** A year, in seconds. */
const HTTPS_ONLY_S = 31_536_000;

/** Sets them, for whoever came this way. */
export function setSecurityHeaders({ host, secure }: Way, reply: FastifyReply): void {
  reply.headers({
    "Content-Security-Policy": policy(host),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  });
  // Of this machine's own names a browser would remember it for all other servers there, too (RFC 6797).
  if (secure === true && !isLoopbackName(host)) reply.header("Strict-Transport-Security", `max-age=${HTTPS_ONLY_S}`);
}

function policy(host: string | undefined): string {
  // Browsers differ in whether 'self' covers the socket of the same host, so it is named.
  const sockets = host !== undefined && PLAIN_HOST.test(host) ? ` ws://${host} wss://${host}` : "";
  return [
    "default-src 'self'",
    `connect-src 'self'${sockets}`,
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
