// Puts the parts of one client together: the connection below, calls and streams above it, documents on top. Every
// message that arrives passes here once, to the part whose business it is.
import {
  type AnyApp,
  type At,
  CODECS,
  LIMITS,
  type ServerMessage,
  TidemarkError,
  type TypeName,
  type Welcome,
} from "@tidemark/protocol";
import type { Askers, Senders } from "./api/call.js";
import type { OpenDocument, OpenOptions, Unsubscribe } from "./api/document.js";
import type { ConnectOptions, Service, Tide, TideStatus } from "./api/tide.js";
import { Calls } from "./calls/calls.js";
import { Connection, type ConnectionListener, socketUrl } from "./connection/connection.js";
import { asSendersAndAskers } from "./documents/claims.js";
import { DocumentTable } from "./documents/document-table.js";
import { Listeners } from "./documents/listeners.js";
import { methods } from "./documents/methods.js";
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
  #status: TideStatus = "connecting";
  #pingMs: number = LIMITS.pingIntervalMs;
  #nextPing = 1;

  constructor(options: ConnectOptions, platform: Platform) {
    const connection = new Connection({
      platform,
      codec: codecNamed(options.codec ?? "json"),
      url: socketUrl(options.url),
      token: options.token,
      sdk: SDK,
      listener: this,
    });
    this.#connection = connection;
    this.#statuses = new Listeners(platform);
    this.#subscriptions = new Subscriptions(platform);
    this.#calls = new Calls({ platform, wire: connection, deadlineMs: options.deadlineMs ?? LIMITS.deadlineMs });
    this.#documents = new DocumentTable({
      platform,
      calls: this.#calls,
      subscriptions: this.#subscriptions,
      wire: new DocumentWire(connection, this.#subscriptions, () => this.ping()),
    });
    this.service = service(this.#calls);
  }

  get status(): TideStatus {
    return this.#connection.status;
  }

  open<K extends TypeName<A>>(type: K, key: string, options?: OpenOptions<At<A, K>>): OpenDocument<A, K> {
    return this.#documents.open<At<A, K>>({ type, key, create: options?.create });
  }

  call<K extends TypeName<A>>(type: K, key: string): Senders<At<A, K>> & Askers<At<A, K>> {
    return asSendersAndAskers<At<A, K>>(methods((name) => this.#documents.method(type, key, name)));
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
    // Streams first: an answer then waits for the first payload of its document.
    this.#subscriptions.connected();
    this.#calls.live();
  }

  down(): void {
    this.#calls.down();
    this.#subscriptions.cut();
  }

  closed(error: TidemarkError): void {
    this.#calls.close(error);
    this.#documents.close(error);
  }

  frameEnd(): void {
    this.#subscriptions.frameEnd();
  }

  statusChanged(): void {
    const { status } = this;
    this.#documents.statusChanged();
    if (status === this.#status) return;
    this.#status = status;
    this.#statuses.tell(status);
  }

  ping(): void {
    if (!this.#connection.live) return;
    for (const heads of this.#subscriptions.heads()) this.#connection.send(["ping", this.#nextPing++, heads]);
  }

  message(message: ServerMessage): void {
    switch (message[0]) {
      case "d":
      case "snap":
      case "opened":
      case "ended":
        this.#subscriptions.receive(message);
        return;
      case "ok":
      case "no":
      case "unk":
        this.#calls.receive(message);
        return;
      case "ping":
        this.#subscriptions.pinged(this.#pingMs);
        this.#subscriptions.compare(message[2]);
        this.#connection.send(["pong", message[1], this.#subscriptions.answer(message[2])]);
        return;
      case "pong":
        this.#subscriptions.compare(message[2]);
        return;
      case "welcome":
      case "err":
      case "goaway":
        return;
    }
  }
}

/** The connection as documents use it. */
class DocumentWire {
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly ping: () => void;

  constructor(connection: Connection, subscriptions: Subscriptions, ping: () => void) {
    this.#connection = connection;
    this.#subscriptions = subscriptions;
    this.ping = ping;
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

  start(): void {
    this.#connection.start();
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
}

function codecNamed(name: string): (typeof CODECS)[number] {
  const codec = CODECS.find((candidate) => candidate.name === name);
  if (codec === undefined) throw new TypeError(`connect: codec "${name}" is neither "json" nor "msgpack"`);
  return codec;
}
