// One server process: the real rooms, put together as server.ts does, without HTTP and with the simulation's store,
// clock and sockets. With two edges, the second has its documents over a link.
import { codecFor, type ServerMessage } from "@tidemark/protocol";
import { makeAuthenticator } from "../../../src/auth/authenticator.js";
import { Audiences } from "../../../src/cluster/audiences.js";
import { OwnerLinks } from "../../../src/cluster/owner-links.js";
import type { HostReport } from "../../../src/document/host-report.js";
import { LocalDocuments } from "../../../src/document/local-documents.js";
import type { Identity } from "../../../src/index.js";
import { randomHex } from "../../../src/runtime/ids.js";
import { FanOuts } from "../../../src/session/fan-out.js";
import { Flusher } from "../../../src/session/flusher.js";
import { Session } from "../../../src/session/session.js";
import type { SessionParts } from "../../../src/session/session-parts.js";
import { SessionRegistry } from "../../../src/session/session-registry.js";
import { types } from "../app/app.js";
import { grantsOf } from "../app/hall.js";
import type { Mutation } from "../mutants/mutation.js";
import type { Link } from "../network/link.js";
import type { Listening } from "../network/network.js";
import type { SimulatedDisk } from "../storage/simulated-disk.js";
import type { SimulatedStore } from "../storage/simulated-store.js";
import type { LinkWatch } from "../wire/link-watch.js";
import type { SimulatedProcess } from "../world/process.js";
import { ServerWire } from "./server-wire.js";
import { SimulatedEdge } from "./simulated-edge.js";
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

/** How long a stopping server waits for what is in flight, as server.ts does, ms. */
const DRAIN_MS = 2_000;
/** Room for one large snapshot at a time. */
const TRANSFER_BYTES_MAX = 1_048_576;

/** A server that takes connections until its process dies. */
export class SimulatedServer implements Listening {
  readonly process: SimulatedProcess;
  readonly store: SimulatedStore;
  readonly wires = new Map<Link, { readonly wire: ServerWire; readonly watch: LinkWatch }>();
  readonly #parts: SimulatedServerParts;
  readonly #fanOuts: FanOuts;
  readonly #local: LocalDocuments;
  readonly #audiences: Audiences;
  readonly #owner: SessionParts;
  readonly #edge: SimulatedEdge | undefined;
  readonly #visits = new Map<SimulatedProcess, number>();

  constructor(parts: SimulatedServerParts) {
    this.#parts = parts;
    this.process = parts.process;
    this.store = parts.store;
    this.#fanOuts = new FanOuts(parts.process, { transferBytesMax: TRANSFER_BYTES_MAX });
    this.#audiences = new Audiences(this.#fanOuts);
    this.#local = this.#documents();
    this.#owner = this.#compose();
    this.#edge = parts.settings.edges > 1 ? this.#makeEdge() : undefined;
  }

  /** Ends as server.ts does: what is in flight is answered, everybody is told when to come back. Resolves when nothing is
   * left to do; never, if the process dies before. */
  async stop(): Promise<void> {
    await Promise.race([this.#local.stop(), this.#after(DRAIN_MS)]);
    this.#owner.registry.drain();
    await this.#local.stop();
    // The way of the last bytes out of the process.
    await this.#after(1);
    await this.store.close();
  }

  accept(link: Link): void {
    const codec = codecFor(link.subprotocol);
    // Who comes back is sent to another one.
    const visits = (this.#visits.get(link.client) ?? 0) + 1;
    this.#visits.set(link.client, visits);
    const isAtEdge = this.#edge !== undefined && visits % 2 === 1;
    const sessionParts = isAtEdge ? this.#edge.sessionParts : this.#owner;
    if (codec === undefined) return;
    const watch = this.#parts.watch(link);
    const observer = {
      received: watch.received.bind(watch),
      sent: (messages: readonly ServerMessage[], bytes: Uint8Array, heldBytes: number) => {
        watch.sent(messages, bytes, heldBytes);
        this.#parts.sent(link, bytes);
      },
      drained: () => watch.drained(),
      over: () => {
        watch.over();
        this.wires.delete(link);
      },
      bug: (error: unknown) => this.#parts.bug("a session threw", error),
    };
    const wire = new ServerWire({ link, codec, observer });
    wire.serve(new Session(sessionParts, wire));
    this.wires.set(link, { wire, watch });
    link.accepted(wire);
  }

  /** The edge is lost, if there is one. */
  loseEdge(): boolean {
    this.#edge?.lose();
    return this.#edge !== undefined;
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => void this.process.setTimer(ms, resolve));
  }

  #documents(): LocalDocuments {
    const { process: runtime, store, disk, settings, mutation } = this.#parts;
    const audience = this.#audiences.create.bind(this.#audiences);
    return new LocalDocuments({
      types,
      store: mutation.store?.(store, disk) ?? store,
      runtime,
      idleMs: settings.idleMs,
      audience: mutation.audience?.(audience) ?? audience,
      report: this.#report(),
    });
  }

  #compose(): SessionParts {
    const { process: runtime, disk, settings, mutation } = this.#parts;
    return {
      runtime,
      documents: mutation.documents?.(this.#local, disk) ?? this.#local,
      fanOuts: this.#fanOuts,
      // So small that sweeps are cut in the midst of what happens.
      flusher: new Flusher(runtime, { ms: 0, connections: 2 }),
      identify: this.#authenticator(),
      registry: new SessionRegistry(),
      serverId: randomHex(runtime, 8),
      pingIntervalMs: settings.pingIntervalMs,
      watchdogMs: settings.watchdogMs,
    };
  }

  #makeEdge(): SimulatedEdge {
    const { process, settings } = this.#parts;
    const bug = (error: unknown): void => this.#parts.bug("an edge threw", error);
    const owner = new OwnerLinks({
      ...this.#owner,
      audiences: this.#audiences,
      isOverloaded: () => this.#local.isOverloaded,
      onBug: bug,
    });
    const { serverId } = this.#owner;
    const edgeSettings = { ...settings, serverId, peersKey: this.#fanOuts.peersKey };
    return new SimulatedEdge({ process, owner, settings: edgeSettings, transferBytesMax: TRANSFER_BYTES_MAX, bug });
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

function identityOf(token: string, nowMs: number): Identity | null {
  const { subject, lifeMs, team } = readToken(token);
  if (subject === "") return null;
  return { id: subject, expiresAt: nowMs + lifeMs, claims: { team }, grants: grantsOf(subject, team) };
}
