// The Node server under the HTTP app: plain or with TLS, and how long anybody may take to say something. It knows no routes.
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Server as TlsServer } from "node:tls";
import { LIMITS } from "@tidemark/protocol";
import { type Certificate, MIN_TLS_VERSION } from "./certificate.js";

/** How often connections are looked at for those that are too slow. */
const SLOW_CHECK_MS = 2_000;

const TIMEOUTS = Object.freeze({
  /** A whole request. */
  requestTimeout: 30_000,
  /** Longer than the 60 s after which common proxies give an idle connection up, so that it is they who do. */
  keepAliveTimeout: 72_000,
  /** A connection that has not sent its headers by then is closed: with one check more, within 15 s (R16). */
  headersTimeout: LIMITS.helloTimeoutMs - 2 * SLOW_CHECK_MS,
  connectionsCheckingInterval: SLOW_CHECK_MS,
});

/** Makes one; nothing listens yet. */
export function nodeServer(handler: RequestListener, certificate: Certificate | undefined): Server {
  if (certificate === undefined) return createServer(TIMEOUTS, handler);
  const { headersTimeout: handshakeTimeout } = TIMEOUTS;
  return createTlsServer({ ...TIMEOUTS, ...tlsOptions(certificate), handshakeTimeout }, handler);
}

/** Shows another certificate to whoever comes from now on. */
export function showCertificate(server: Server, certificate: Certificate): void {
  if (server instanceof TlsServer) server.setSecureContext(tlsOptions(certificate));
}

const tlsOptions = (certificate: Certificate) => ({ ...certificate, minVersion: MIN_TLS_VERSION });
