// What a client with a storage does besides: its own record under its own lock, and the records of others adopted.
import type { CallStorage } from "../api/storage.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Tally } from "../liveness/tally.js";
import type { Cancel, Platform } from "../platform/platform.js";
import type { Credentials } from "./adopted-client.js";
import { Adoption } from "./adoption.js";
import { CallRecord } from "./call-record.js";

interface KeptCallsOptions extends Credentials {
  readonly storage: CallStorage;
  /** This page's own client id, which nobody ever had. */
  readonly client: string;
  readonly tally: Tally;
  readonly serverNowMs: () => number | undefined;
}

export class KeptCalls {
  readonly record: CallRecord;
  readonly #platform: Platform;
  readonly #adoption: Adoption;
  #cancel: Cancel = () => undefined;

  constructor(options: KeptCallsOptions) {
    const { platform, storage, client, url } = options;
    this.#platform = platform;
    this.record = new CallRecord({
      platform,
      storage,
      client,
      head: { url: url.href, subject: undefined, generation: 0 },
      lock: Promise.resolve().then(() => storage.lock(client)),
      isStored: false,
    });
    this.#adoption = new Adoption(options);
  }

  /** A connection is live, as this subject. */
  live(subject: string): void {
    this.down();
    this.record.belongsTo(subject);
    this.#look(subject);
  }

  /** The connection is gone: whoever is left behind must wait. */
  down(): void {
    this.#cancel();
  }

  /** The client is closed; what it told of its calls is written down before it lets go of its name. */
  close(): void {
    this.#cancel();
    this.#adoption.stop();
    void this.record.release();
  }

  /** Again and again: a page that is reloaded may hold its lock a moment longer, and others die while this one lives. */
  #look(subject: string): void {
    void this.#adoption.look(subject);
    this.#cancel = this.#platform.setTimer(CLIENT_LIMITS.lookIntervalMs, () => this.#look(subject));
  }
}
