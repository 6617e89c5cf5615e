// How connections come to a server: by a port of its own, or by one that its edges share. The part of the composition root
// that differs between the two.
import { Audiences } from "./cluster/audiences.js";
import { OwnerLinks } from "./cluster/owner-links.js";
import type { AudienceFactory } from "./document/documents.js";
import type { EdgeOrders } from "./edge-words.js";
import { Edges, privateFolder } from "./edges.js";
import type { httpApp } from "./http/app.js";
import type { Certificate, CertificateFiles } from "./http/certificate.js";
import { addressOf, freePort, listenOn, proxiesOf, urlOf } from "./listening.js";
import type { LOG_LEVELS, Logger } from "./observability/logger.js";
import type { Runtime } from "./runtime/runtime.js";
import { certificateOf, keepCertificate } from "./server-certificate.js";
import type { FanOuts } from "./session/fan-out.js";
import type { TrustedProxies } from "./session/proxies.js";
import type { SessionParts } from "./session/session-parts.js";

/** What decides how connections come. */
export interface EntranceOptions {
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly origins: readonly string[];
  /** Undefined: no TLS. */
  readonly tls?: CertificateFiles | undefined;
  /** Addresses and networks of proxies that are believed about where requests come from. */
  readonly trustProxy?: readonly string[];
  /** Processes that hold the sockets and fan out; default 0: this one does. */
  readonly edges?: number | undefined;
  /** How much edges log; they write to standard error by themselves. */
  readonly edgeLog?: (typeof LOG_LEVELS)[number];
  /** Connections of one principal; undefined: the default; 0: any number. */
  readonly connectionsPerPrincipal?: number | undefined;
}

type Http = Awaited<ReturnType<typeof httpApp>>;

/** What serves, once it does. */
export interface Served {
  readonly http: Http;
  readonly sessionParts: SessionParts;
  readonly isOverloaded: () => boolean;
  readonly onBug: (error: unknown) => void;
}

/** A way in that is open. */
export interface OpenEntrance {
  /** `http://host:port`, or `https://`. */
  readonly url: string;
  /** Reads the certificate again, if there is one. Never rejects. */
  reload(): Promise<void>;
  /** Sessions were sent away before. */
  close(): Promise<void>;
}

/** A way in. */
export interface Entrance {
  /** Who is believed by the HTTP app. */
  readonly proxies: TrustedProxies;
  /** What the HTTP app itself shows. */
  readonly certificate: Certificate | undefined;
  /** Who follows documents. */
  audience(fanOuts: FanOuts): AudienceFactory;
  /** Takes the port. Rejects with OperatorError. */
  listen(http: Http): Promise<void>;
  /** Lets connections in. Rejects with OperatorError. */
  open(served: Served): Promise<OpenEntrance>;
}

/** The way in that options ask for. Rejects with OperatorError for settings that cannot be used. */
export async function entranceOf(options: EntranceOptions): Promise<Entrance> {
  const certificate = await certificateOf(options.tls, options.runtime);
  const { edges = 0 } = options;
  return edges === 0 ? ownPort(options, certificate) : edgesPort(options, edges);
}

function ownPort(options: EntranceOptions, certificate: Certificate | undefined): Entrance {
  return {
    proxies: proxiesOf(options.trustProxy),
    certificate,
    audience: (fanOuts) => fanOuts.create.bind(fanOuts),
    listen: (http) => listenOn(http, options),
    async open({ http }) {
      const certificates = keepCertificate(options, certificate, http.server);
      return {
        url: addressOf(http, { host: options.host, secure: options.tls !== undefined }),
        reload: async () => certificates?.look(),
        close: async () => certificates?.stop(),
      };
    },
  };
}

async function edgesPort(options: EntranceOptions, count: number): Promise<Entrance> {
  const { runtime, logger, host, tls, trustProxy = [], origins, edgeLog = "warn" } = options;
  const port = await freePort(options);
  const folder = privateFolder();
  const ownerPath = `${folder.path}/owner`;
  let audiences: Audiences | undefined;
  return {
    proxies: proxiesOf(trustProxy, { ownEdges: true }),
    certificate: undefined,
    audience(fanOuts) {
      audiences = new Audiences(fanOuts);
      return audiences.create.bind(audiences);
    },
    listen: async (http) => void (await http.listen({ path: ownerPath })),
    async open({ sessionParts, isOverloaded, onBug }) {
      const { fanOuts, serverId, pingIntervalMs, watchdogMs, authDeadlineMs } = sessionParts;
      const { connectionsPerPrincipal } = options;
      const { peersKey } = fanOuts;
      const settings = { serverId, peersKey, pingIntervalMs, watchdogMs, authDeadlineMs, connectionsPerPrincipal };
      const orders: EdgeOrders = { settings, host, port, ownerPath, origins, trustProxy, tls, log: edgeLog };
      const links = new OwnerLinks({
        ...sessionParts,
        audiences: audiences ?? new Audiences(fanOuts),
        isOverloaded,
        onBug,
      });
      const edges = new Edges({ count, orders, links, runtime, logger });
      await edges.start().catch(async (error: unknown) => {
        await edges.close();
        folder.remove();
        throw error;
      });
      return {
        url: urlOf({ host, port, secure: tls !== undefined }),
        reload: async () => edges.reload(),
        async close() {
          await edges.close();
          folder.remove();
        },
      };
    },
  };
}
