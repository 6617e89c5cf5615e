// The storage that the pages of one browser share: its records outlive them, its locks do not. Pages crash when told,
// and the store answers late, refuses, or keeps silent when told.
import type { CallStorage } from "../../clients/typescript/src/api/storage.js";

/** One page's view of the storage. */
export interface StoragePage {
  readonly storage: CallStorage;
  /** The page is gone: nothing it still does reaches the store, and its locks are free. */
  crash(): void;
}

export class SharedStorage {
  readonly records = new Map<string, string>();
  readonly #locks = new Map<string, object>();
  /** What was done to records, in order. */
  readonly log: string[] = [];
  /** Runs before each change; a rejection is a refusal, a promise that stays open a hang. */
  gate: () => Promise<void> = () => Promise.resolve();

  page(): StoragePage {
    const page = { isAlive: true };
    const change = async (what: string, run: () => void): Promise<void> => {
      await this.gate();
      if (!page.isAlive) return;
      this.log.push(what);
      run();
    };
    const storage: CallStorage = {
      read: async () => [...this.records].map(([client, record]) => ({ client, record })),
      write: (client, record) => change(`write ${client.slice(0, 2)}`, () => this.records.set(client, record)),
      delete: (client) => change(`delete ${client.slice(0, 2)}`, () => this.records.delete(client)),
      lock: async (client) => {
        if (!page.isAlive || this.#locks.has(client)) return undefined;
        this.#locks.set(client, page);
        return () => {
          if (this.#locks.get(client) === page) this.#locks.delete(client);
        };
      },
    };
    const crash = (): void => {
      page.isAlive = false;
      for (const [client, holder] of this.#locks) if (holder === page) this.#locks.delete(client);
    };
    return { storage, crash };
  }

  /** The n of the calls that the record of a client holds. */
  numbers(client: string): number[] {
    const record: unknown = JSON.parse(this.records.get(client) ?? '{"calls":[]}');
    const calls: unknown = Reflect.get(Object(record), "calls");
    return Array.isArray(calls) ? calls.map((call: unknown) => Number(Reflect.get(Object(call), "n"))) : [];
  }
}
