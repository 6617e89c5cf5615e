// The composition root of an edge: a process that readers reach over HTTP, and that follows documents for each of them at a
// server. It holds no document and no key; when it is gone, another one answers the next request.
import { httpApp } from "./http/app.js";
import type { CertificateFiles } from "./http/certificate.js";
import { EdgeApi, type Reading } from "./http/edge-api.js";
import { EdgeTickets } from "./http/edge-tickets.js";
import { Forwarding } from "./http/forwarding.js";
import { addressOf, listenOn, proxiesOf } from "./listening.js";
import type { Logger } from "./observability/logger.js";
import type { Runtime } from "./runtime/runtime.js";
import { certificateOf, keepCertificate } from "./server-certificate.js";
import { type Risk, requireSafe } from "./server-safety.js";
import { Relay } from "./transport/relay.js";
import { openUpstream } from "./transport/upstream.js";

/** How an edge is set up. */
export interface EdgeOptions {
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** The server's address. */
  readonly server: string;
  readonly host: string;
  readonly port: number;
  readonly origins: readonly string[];
  readonly tls?: CertificateFiles | undefined;
  readonly trustProxy?: readonly string[];
  readonly allow?: readonly Risk[];
}

/** An edge that takes readers. */
export interface RunningEdge {
  /** `http://host:port`, or `https://`. */
  readonly url: string;
  /** Reads the certificate again, if there is one. Never rejects. */
  reload(): Promise<void>;
  /** Sends every reader away, to come back elsewhere. */
  close(): Promise<void>;
}

/** Starts an edge. Throws OperatorError when the port cannot be had, or settings are unsafe. */
export async function startEdge(options: EdgeOptions): Promise<RunningEdge> {
  const { runtime, server, host, port, origins, tls, trustProxy, logger } = options;
  requireSafe({ ...options, data: "", devTokens: false, staticDir: undefined });
  const certificate = await certificateOf(tls, runtime);
  const proxies = proxiesOf(trustProxy);
  const forwarding = new Forwarding({ server, proxies });
  const relays = new Set<Relay>();
  const state = { serving: true };
  const api = new EdgeApi({
    runtime,
    rules: { origins, loopbackNamesOnly: false, proxies },
    forwarding,
    tickets: new EdgeTickets(runtime, forwarding),
    isServing: () => state.serving,
    begin(wire, hello, { request, token }: Reading) {
      const headers = forwarding.headersOf(request);
      const relay: Relay = new Relay({
        ...{ runtime, wire, hello, token },
        open: (listener) => openUpstream({ server, headers }, listener),
        onOver: () => relays.delete(relay),
      });
      relays.add(relay);
      return relay;
    },
    onBug: (err) => logger.error({ err }, "a bug"),
  });
  const http = await httpApp({ staticDir: undefined, ready: () => state.serving, api, proxies, certificate });
  await listenOn(http, { host, port });
  const certificates = keepCertificate(options, certificate, http.server);
  return {
    url: addressOf(http, { host, secure: tls !== undefined }),
    reload: async () => certificates?.look(),
    async close() {
      state.serving = false;
      certificates?.stop();
      for (const relay of [...relays]) relay.drain();
      await http.close();
    },
  };
}
