// Puts the parts of one client together: the connection below, calls and streams above it, documents on top. Every
// message that arrives passes here once, to the part whose business it is.
import {
  type AnyApp,
  type At,
  CODECS,
  type Codec,
  type Json,
  LIMITS,
  type OpenMessage,
  type ServerMessage,
  TidemarkError,
  type TypeName,
  type Welcome,
} from "@tidemark/protocol";
import type { Credentials } from "./adoption/adopted-client.js";
import { KeptCalls } from "./adoption/kept-calls.js";
import type { Askers, Senders } from "./api/call.js";
import type { Channel, ChannelOptions } from "./api/channel.js";
import type { OpenDocument, OpenOptions, Unsubscribe } from "./api/document.js";
import type { StreamStats } from "./api/stats.js";
import type { ConnectOptions, Service, Tide, TideStatus, Transport, TransportChoice } from "./api/tide.js";
import { Calls } from "./calls/calls.js";
import { Connection, type ConnectionListener } from "./connection/connection.js";
import type { LostCalls } from "./connection/line.js";
import { socketUrl } from "./connection/socket-url.js";
import { TransportPlan } from "./connection/transport-plan.js";
import { asSendersAndAskers } from "./documents/claims.js";
import { DocumentTable } from "./documents/document-table.js";
import { Listeners } from "./documents/listeners.js";
import { methods } from "./documents/methods.js";
import { Pulse } from "./liveness/pulse.js";
import { Tally } from "./liveness/tally.js";
import type { Platform } from "./platform/platform.js";
import { service } from "./service.js";
import { Subscriptions } from "./stream/subscriptions.js";
import { SDK } from "./version.js";

/** One client over a platform. Throws TypeError for options that cannot work. */
export function createClient<A extends AnyApp>(options: ConnectOptions, platform: Platform): Tide<A> {
  return new Client<A>(options, platform);
}

class Client<A extends AnyApp> implements Tide<A>, ConnectionListener {
  readonly service: Service<A>;
  readonly #connection: Connection;
  readonly #calls: Calls;
  readonly #subscriptions: Subscriptions;
  readonly #documents: DocumentTable;
  readonly #statuses: Listeners<[status: TideStatus]>;
  readonly #kept: KeptCalls | undefined;
  readonly #tally = new Tally();
  readonly #pulse: Pulse;
  #status: TideStatus = "connecting";
  #transport: Transport = "websocket";
  #pingMs: number = LIMITS.pingIntervalMs;

  constructor(options: ConnectOptions, platform: Platform) {
    const credentials: Credentials = {
      platform,
      codec: codecNamed(options.codec ?? "json"),
      url: socketUrl(options.url),
      token: options.token,
      sdk: SDK,
      plan: new TransportPlan(transportNamed(options.transport ?? "auto")),
    };
    // Never anything but fresh and in memory: a cloned tab must not speak under the same numbers.
    const client = [...platform.randomBytes(16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const connection = new Connection({ ...credentials, client, connAfter: 0, listener: this });
    this.#connection = connection;
    this.#statuses = new Listeners(platform);
    this.#subscriptions = new Subscriptions(platform);
    const serverNowMs = (): number | undefined => connection.serverNowMs;
    const { storage, deadlineMs = LIMITS.deadlineMs } = options;
    this.#kept = storage && new KeptCalls({ ...credentials, storage, client, tally: this.#tally, serverNowMs });
    this.#calls = new Calls({ platform, wire: connection, deadlineMs, keeper: this.#kept?.record });
    this.#documents = new DocumentTable({
      platform,
      calls: this.#calls,
      subscriptions: this.#subscriptions,
      wire: new DocumentWire(connection, this.#subscriptions),
      tally: this.#tally,
    });
    this.#pulse = new Pulse({
      platform,
      tally: this.#tally,
      heads: () => this.#subscriptions.heads(),
      send: (message) => void connection.send(message),
      settleTally: () => this.#documents.settleTally(),
    });
    this.service = service(this.#calls);
  }

  get status(): TideStatus {
    return this.#connection.status;
  }

  get transport(): Transport | undefined {
    return this.#connection.transport;
  }

  get stats(): StreamStats {
    this.#documents.settleTally();
    return this.#tally.stats();
  }

  open<K extends TypeName<A>>(type: K, key: string, options?: OpenOptions<At<A, K>>): OpenDocument<A, K> {
    const { params, create, everyMs, presence } = options ?? {};
    return this.#documents.open<At<A, K>>({ type, key, params, create, everyMs, presence });
  }

  call<K extends TypeName<A>>(type: K, key: string): Senders<At<A, K>> & Askers<At<A, K>> {
    return asSendersAndAskers<At<A, K>>(methods((name) => this.#documents.method(type, key, name)));
  }

  channel<Messages = { [event: string]: Json }>(
    name: string,
    options: ChannelOptions<Messages> = {},
  ): Channel<Messages> {
    return this.#documents.channel<Messages>(name, options);
  }

  onStatus(listener: (status: TideStatus) => void): Unsubscribe {
    return this.#statuses.add(listener);
  }

  close(): void {
    this.#connection.close(new TidemarkError("closed"));
  }

  // ------------------------------------------------------------------------------------------------ connection

  live(welcome: Welcome): void {
    this.#pingMs = welcome.pingMs;
    this.#tally.connected();
    this.#pulse.start();
    // Streams first: an answer then waits for the first payload of its document.
    this.#subscriptions.connected();
    this.#calls.live(welcome.limits.inFlightMax);
    this.#kept?.live(welcome.sub);
  }

  down(): void {
    this.#pulse.stop();
    this.#kept?.down();
    this.#calls.down();
    this.#subscriptions.cut();
  }

  closed(error: TidemarkError): void {
    this.#pulse.stop();
    this.#calls.close(error);
    this.#kept?.close();
    this.#documents.close(error);
  }

  frameEnd(): void {
    this.#subscriptions.frameEnd();
  }

  statusChanged(): void {
    const { status, transport } = this;
    this.#documents.statusChanged();
    // Between two connections nothing carries any: that alone is no news.
    const isCarried = transport === undefined || transport === this.#transport;
    this.#transport = transport ?? this.#transport;
    if (status === this.#status && isCarried) return;
    this.#status = status;
    this.#statuses.tell(status);
  }

  opens(): readonly OpenMessage[] {
    return this.#subscriptions.renew();
  }

  lost(lost: LostCalls): void {
    this.#calls.lost(lost);
  }

  ping(): number {
    return this.#pulse.ping();
  }

  beat(): number {
    return this.#pulse.beat();
  }

  async expiresAt(): Promise<number> {
    return (await this.service.whoami()).expiresAt;
  }

  message(message: ServerMessage): void {
    switch (message[0]) {
      case "d":
      case "snap":
      case "part":
      case "opened":
      case "ended":
        this.#subscriptions.receive(message);
        return;
      case "sig":
      case "pres":
        this.#subscriptions.receivePeers(message);
        return;
      case "ok":
      case "no":
      case "unk":
        this.#calls.receive(message);
        return;
      case "ping":
        this.#subscriptions.pinged(message[2], this.#pingMs);
        this.#connection.send(["pong", message[1], this.#subscriptions.answer(message[2])]);
        this.#connection.beat(message[3]?.ms);
        return;
      case "pong":
        // Before what shows is trusted anew.
        this.#subscriptions.answered(message[2], message[3]?.left ?? 0);
        this.#pulse.answered(message[1]);
        this.#connection.answered(message[1]);
        return;
      case "err":
        this.#subscriptions.refused(message[1]);
        return;
      case "welcome":
      case "goaway":
      case "bye":
        return;
    }
  }
}

/** The connection as documents use it. */
class DocumentWire {
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;

  constructor(connection: Connection, subscriptions: Subscriptions) {
    this.#connection = connection;
    this.#subscriptions = subscriptions;
  }

  get codec(): Codec {
    return this.#connection.codec;
  }

  get live(): boolean {
    return this.#connection.live;
  }

  get status(): TideStatus {
    return this.#connection.status;
  }

  get error(): TidemarkError | undefined {
    return this.#connection.error;
  }

  get trusted(): boolean {
    return this.#connection.trusted;
  }

  get heardMs(): number {
    return this.#connection.heardMs;
  }

  start(): void {
    this.#connection.start();
  }

  ask(): void {
    this.#connection.ask();
  }

  beat(): void {
    this.#connection.beat();
  }

  restart(): void {
    this.#connection.restart();
  }

  send(message: Parameters<Connection["send"]>[0]): void {
    this.#connection.send(message);
  }

  nextSubscription(): number {
    return this.#subscriptions.nextSubscription();
  }

  route(...route: Parameters<Subscriptions["route"]>): void {
    this.#subscriptions.route(...route);
  }

  unroute(...route: Parameters<Subscriptions["unroute"]>): void {
    this.#subscriptions.unroute(...route);
  }

  routePeers(...route: Parameters<Subscriptions["routePeers"]>): void {
    this.#subscriptions.routePeers(...route);
  }

  unroutePeers(...route: Parameters<Subscriptions["unroutePeers"]>): void {
    this.#subscriptions.unroutePeers(...route);
  }
}

function transportNamed(name: string): TransportChoice {
  if (name === "auto" || name === "websocket" || name === "http") return name;
  throw new TypeError(`connect: transport "${name}" is none of "auto", "websocket" and "http"`);
}

function codecNamed(name: string): (typeof CODECS)[number] {
  const codec = CODECS.find((candidate) => candidate.name === name);
  if (codec === undefined) throw new TypeError(`connect: codec "${name}" is neither "json" nor "msgpack"`);
  return codec;
}
