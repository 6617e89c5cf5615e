// A short second connection that speaks in the name of a client that is gone: it sends what that client left, under its
// numbers, and nothing else. Each call leaves the record as it is answered.
import { type Codec, type OpenMessage, type ServerMessage, TidemarkError, type Welcome } from "@tidemark/protocol";
import { Calls } from "../calls/calls.js";
import { Connection, type ConnectionListener } from "../connection/connection.js";
import type { LostCalls } from "../connection/line.js";
import type { TransportPlan } from "../connection/transport-plan.js";
import type { Platform } from "../platform/platform.js";
import type { CallRecord } from "./call-record.js";
import type { LeftRecord } from "./left-record.js";

/** More connections than one holder of a client id can make in its life: the next holder's numbers are all greater. */
const CONNECTIONS_MAX = 2 ** 32;

/** How this page connects. */
export interface Credentials {
  readonly platform: Platform;
  readonly codec: Codec;
  readonly url: URL;
  readonly token: string | (() => Promise<string>);
  readonly sdk: string;
  readonly plan: TransportPlan;
}

interface AdoptedClientOptions extends Credentials {
  readonly client: string;
  readonly left: LeftRecord;
  readonly record: CallRecord;
  /** The server's clock now, Unix ms. */
  readonly serverNowMs: number;
  /** One of the calls was answered, or its time was up. */
  readonly settled: () => void;
}

export class AdoptedClient implements ConnectionListener {
  readonly #options: AdoptedClientOptions;
  readonly #connection: Connection;
  readonly #calls: Calls;
  readonly #over: Promise<void>;
  #finish: () => void = () => undefined;
  #lastPing = 0;

  constructor(options: AdoptedClientOptions) {
    this.#options = options;
    const { left, record, platform } = options;
    this.#over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#connection = new Connection({
      ...options,
      connAfter: (left.generation + 1) * CONNECTIONS_MAX,
      listener: this,
    });
    this.#calls = new Calls({ platform, wire: this.#connection, deadlineMs: 0, keeper: record });
  }

  /** Settles when there is nothing more to do, or nothing more can be done; what was not answered stays in the record. */
  async run(): Promise<void> {
    const { left, record, serverNowMs, settled } = this.#options;
    const answers = this.#calls.adopt(left.calls, serverNowMs);
    const each = answers.map((answer) => answer.then(settled, settled));
    Promise.all(each).then(
      () => this.stop(),
      () => undefined,
    );
    // Whoever adopts after us must know that there was somebody, before the first greeting.
    if (await record.settled()) this.#connection.start();
    else this.stop();
    await this.#over;
  }

  /** Stops at once. */
  stop(): void {
    this.#connection.close(new TidemarkError("closed"));
  }

  // ------------------------------------------------------------------------------------------------ connection

  live(welcome: Welcome): void {
    const { left, record } = this.#options;
    if (left.subject !== undefined && left.subject !== welcome.sub) {
      this.stop();
      return;
    }
    record.belongsTo(welcome.sub);
    this.#calls.live(welcome.limits.inFlightMax);
  }

  down(): void {
    this.#calls.down();
  }

  message(message: ServerMessage): void {
    switch (message[0]) {
      case "ok":
      case "no":
      case "unk":
        this.#calls.receive(message);
        return;
      case "ping":
        this.#connection.send(["pong", message[1], []]);
        this.#connection.beat(message[3]?.ms);
        return;
      case "pong":
        this.#connection.answered(message[1]);
        return;
      default:
        return;
    }
  }

  frameEnd(): void {}

  opens(): readonly OpenMessage[] {
    return [];
  }

  lost(lost: LostCalls): void {
    this.#calls.lost(lost);
  }

  statusChanged(): void {}

  ping(): number {
    this.#connection.send(["ping", ++this.#lastPing, []]);
    return this.#lastPing;
  }

  beat(): number {
    return this.ping();
  }

  expiresAt(): Promise<number> {
    // A question would take a number, and the numbers of this name belong to who is gone.
    return Promise.reject(new TidemarkError("closed"));
  }

  closed(): void {
    this.#calls.abandon();
    this.#finish();
  }
}
