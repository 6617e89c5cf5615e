// Finds what pages that are gone have left unanswered, and sees to it that each is sent to its end, one after the other.
// A record whose lock is taken belongs to a page that lives, and is left alone.
import { LIMITS } from "@tidemark/protocol";
import type { CallStorage } from "../api/storage.js";
import type { Tally } from "../liveness/tally.js";
import { AdoptedClient, type Credentials } from "./adopted-client.js";
import { CallRecord } from "./call-record.js";
import { type LeftRecord, readRecord } from "./left-record.js";

interface AdoptionOptions extends Credentials {
  readonly storage: CallStorage;
  /** This page's own client id. */
  readonly client: string;
  readonly tally: Tally;
  readonly serverNowMs: () => number | undefined;
}

export class Adoption {
  readonly #options: AdoptionOptions;
  #isLooking = false;
  #isStopped = false;
  #running: AdoptedClient | undefined;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** Looks for records of this subject, unless it does already. Never rejects. */
  async look(subject: string): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { storage, client: own, platform } = this.#options;
    try {
      for (const { client } of await storage.read()) {
        if (client !== own && !this.#isStopped) await this.#tryTo(client, subject);
      }
    } catch (error) {
      platform.reportError(error);
    } finally {
      this.#isLooking = false;
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#running?.stop();
  }

  async #tryTo(client: string, subject: string): Promise<void> {
    const { storage, url, platform } = this.#options;
    const release = await storage.lock(client);
    if (release === undefined) return;
    try {
      // Read again: its page may have ended between the reading and the lock, and others may have adopted it.
      const stored = (await storage.read()).find((record) => record.client === client);
      const left = stored === undefined ? undefined : readRecord(stored.record, platform.now());
      if (left === undefined || left.url !== url.href) return;
      if (left.subject !== undefined && left.subject !== subject) await this.#discardIfOld(client, left);
      else if (!this.#isStopped) await this.#adopt(client, left);
    } finally {
      release();
    }
  }

  async #adopt(client: string, record: LeftRecord): Promise<void> {
    const { storage, platform, serverNowMs } = this.#options;
    const nowMs = serverNowMs() ?? platform.now();
    // What had its time is not sent any more: nobody is there to hear that it was refused.
    const calls = record.calls.filter(
      ({ due, leftMs }) => (due === undefined ? leftMs : due.born + due.ttl - nowMs) > 0,
    );
    if (calls.length === 0) await storage.delete(client);
    else await this.#send(client, { ...record, calls }, nowMs);
  }

  async #send(client: string, left: LeftRecord, serverNowMs: number): Promise<void> {
    const { storage, platform, tally } = this.#options;
    const { url, subject, generation } = left;
    const head = { url, subject, generation: generation + 1 };
    const lock = Promise.resolve(() => undefined);
    const record = new CallRecord({ platform, storage, client, head, lock, isStored: true });
    const settled = (): void => tally.adopted();
    const adopted = new AdoptedClient({ ...this.#options, client, left, record, serverNowMs, settled });
    this.#running = adopted;
    await adopted.run();
    this.#running = undefined;
    await record.settled();
  }

  /** What belongs to another account waits for it, but not for longer than anything could still be applied. */
  async #discardIfOld(client: string, { calls }: LeftRecord): Promise<void> {
    const { storage, serverNowMs, platform } = this.#options;
    const nowMs = serverNowMs() ?? platform.now();
    const isOld = calls.every(({ due }) => due !== undefined && due.born + LIMITS.requestHorizonMs < nowMs);
    if (isOld) await storage.delete(client);
  }
}
