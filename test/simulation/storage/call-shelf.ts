// What the pages of one machine keep of their calls: records outlive pages, locks do not. Everything takes its time, and
// what a page had not finished when it died was never done.
import type { CallStorage, StoredRecord } from "../../../clients/typescript/src/api/storage.js";
import type { Chance } from "../world/chance.js";
import type { SimulatedProcess } from "../world/process.js";

/** The storage of one machine. */
export class CallShelf {
  readonly #chance: Chance;
  readonly #records = new Map<string, string>();
  readonly #locks = new Map<string, SimulatedProcess>();

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Client ids of records whose page is gone and that nobody has taken over. */
  get orphans(): readonly string[] {
    return [...this.#records.keys()].filter((client) => this.#locks.get(client)?.alive !== true);
  }

  /** As one page sees it. */
  page(process: SimulatedProcess): CallStorage {
    const later = <Result>(run: () => Result): Promise<Result> =>
      new Promise((resolve) => process.post(this.#chance.between(0.1, 3), () => resolve(run())));
    return {
      read: () =>
        later((): readonly StoredRecord[] => [...this.#records].map(([client, record]) => ({ client, record }))),
      write: (client, record) => later(() => void this.#records.set(client, record)),
      delete: (client) => later(() => void this.#records.delete(client)),
      lock: (client) => later(() => this.#lock(client, process)),
    };
  }

  /** Everything is gone. */
  wipe(): void {
    this.#records.clear();
  }

  #lock(client: string, process: SimulatedProcess): (() => void) | undefined {
    if (this.#locks.get(client)?.alive === true) return undefined;
    this.#locks.set(client, process);
    return () => {
      if (this.#locks.get(client) === process) this.#locks.delete(client);
    };
  }
}
