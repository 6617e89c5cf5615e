// One server process: the real rooms, put together as server.ts does, without HTTP and with the simulation's store,
// clock and sockets. With two edges it has two session registries over the same documents, as two processes would.
import { codecFor, type ServerMessage } from "@tidemark/protocol";
import { makeAuthenticator } from "../../../src/auth/authenticator.js";
import type { Documents } from "../../../src/document/documents.js";
import type { HostReport } from "../../../src/document/host-report.js";
import { LocalDocuments } from "../../../src/document/local-documents.js";
import { randomHex } from "../../../src/runtime/ids.js";
import { FanOuts } from "../../../src/session/fan-out.js";
import { Flusher } from "../../../src/session/flusher.js";
import { Session, type SessionParts } from "../../../src/session/session.js";
import { SessionRegistry } from "../../../src/session/session-registry.js";
import { types } from "../app/app.js";
import type { Mutation } from "../mutants/mutation.js";
import type { Link } from "../network/link.js";
import type { Listening } from "../network/network.js";
import type { SimulatedDisk } from "../storage/simulated-disk.js";
import type { SimulatedStore } from "../storage/simulated-store.js";
import type { LinkWatch } from "../wire/link-watch.js";
import type { SimulatedProcess } from "../world/process.js";
import { ServerWire } from "./server-wire.js";
import { readToken } from "./token.js";

/** How a server is set up. */
export interface ServerSettings {
  readonly pingIntervalMs: number;
  readonly watchdogMs: number;
  readonly idleMs: number;
  readonly edges: number;
}

/** What a server process is made of. */
export interface SimulatedServerParts {
  readonly process: SimulatedProcess;
  readonly store: SimulatedStore;
  readonly disk: SimulatedDisk;
  readonly settings: ServerSettings;
  readonly mutation: Mutation;
  /** Watches a new connection. */
  readonly watch: (link: Link) => LinkWatch;
  readonly sent: (link: Link, bytes: Uint8Array) => void;
  readonly bug: (what: string, error: unknown) => void;
}

/** A server that takes connections until its process dies. */
export class SimulatedServer implements Listening {
  readonly process: SimulatedProcess;
  readonly store: SimulatedStore;
  readonly wires = new Map<Link, { readonly wire: ServerWire; readonly watch: LinkWatch }>();
  readonly #parts: SimulatedServerParts;
  readonly #edges: readonly SessionParts[];
  readonly #visits = new Map<SimulatedProcess, number>();

  constructor(parts: SimulatedServerParts) {
    this.#parts = parts;
    this.process = parts.process;
    this.store = parts.store;
    this.#edges = this.#compose();
  }

  accept(link: Link): void {
    const codec = codecFor(link.subprotocol);
    // Who comes back is sent to another one.
    const visits = (this.#visits.get(link.client) ?? 0) + 1;
    this.#visits.set(link.client, visits);
    const edge = this.#edges[visits % this.#edges.length];
    if (codec === undefined || edge === undefined) return;
    const watch = this.#parts.watch(link);
    const observer = {
      received: watch.received.bind(watch),
      sent: (messages: readonly ServerMessage[], bytes: Uint8Array) => {
        watch.sent(messages, bytes);
        this.#parts.sent(link, bytes);
      },
      over: () => {
        watch.over();
        this.wires.delete(link);
      },
      bug: (error: unknown) => this.#parts.bug("a session threw", error),
    };
    const wire = new ServerWire({ link, codec, observer });
    wire.serve(new Session(edge, wire));
    this.wires.set(link, { wire, watch });
    link.accepted(wire);
  }

  #compose(): readonly SessionParts[] {
    const { process: runtime, store, disk, settings, mutation } = this.#parts;
    const fanOuts = new FanOuts();
    const audience = fanOuts.create.bind(fanOuts);
    const local = new LocalDocuments({
      types,
      store: mutation.store?.(store, disk) ?? store,
      runtime,
      idleMs: settings.idleMs,
      audience: mutation.audience?.(audience) ?? audience,
      report: this.#report(),
    });
    const documents: Documents = mutation.documents?.(local, disk) ?? local;
    const shared = {
      runtime,
      documents,
      fanOuts,
      flusher: new Flusher(runtime),
      identify: this.#authenticator(),
      serverId: randomHex(runtime, 8),
      pingIntervalMs: settings.pingIntervalMs,
      watchdogMs: settings.watchdogMs,
    };
    return Array.from({ length: settings.edges }, () => ({ ...shared, registry: new SessionRegistry() }));
  }

  #authenticator(): SessionParts["identify"] {
    const { process: runtime, bug } = this.#parts;
    return makeAuthenticator({
      authenticate: (token) => identityOf(token, runtime.now()),
      devTokens: false,
      runtime,
      onFailed: (error) => bug("authenticate failed", error),
    });
  }

  #report(): HostReport {
    const quiet = (): void => undefined;
    return {
      handlerFailed: quiet,
      documentUnreadable: (document, reason) =>
        this.#parts.bug(`${document.type}/${document.key} does not serve`, reason),
      commitLost: quiet,
      loadFailed: quiet,
    };
  }
}

function identityOf(
  token: string,
  nowMs: number,
): { readonly id: string; readonly expiresAt: number; readonly claims: { readonly team: string } } | null {
  const { subject, lifeMs, team } = readToken(token);
  return subject === "" ? null : { id: subject, expiresAt: nowMs + lifeMs, claims: { team } };
}
