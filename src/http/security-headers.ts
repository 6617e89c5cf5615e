// The headers that tell browsers what a page from this server may do: its own scripts, styles and socket, no frame
// around it, nothing guessed. They hold for every response; no route weakens them.
import type { FastifyReply, FastifyRequest } from "fastify";

/** A name or IPv4 address, and a port: what a policy can name, and nothing that could add to the policy. */
const PLAIN_HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/;

/** Sets them; `host` is what the page's browser calls this server. */
export function setSecurityHeaders({ headers: { host } }: FastifyRequest, reply: FastifyReply): void {
  reply.headers({
    "Content-Security-Policy": policy(host),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  });
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
