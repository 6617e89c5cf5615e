// A storage that lives as long as its process: for tests, and for several clients of one process.
import type { CallStorage, StoredRecord } from "../api/storage.js";

/** Keeps unanswered sends in memory, for every client that is given this very storage. */
export function memoryStorage(): CallStorage {
  const records = new Map<string, string>();
  const locks = new Set<string>();
  return {
    async read(): Promise<readonly StoredRecord[]> {
      return [...records].map(([client, record]) => ({ client, record }));
    },
    async write(client, record): Promise<void> {
      records.set(client, record);
    },
    async delete(client): Promise<void> {
      records.delete(client);
    },
    async lock(client): Promise<(() => void) | undefined> {
      if (locks.has(client)) return undefined;
      locks.add(client);
      return () => void locks.delete(client);
    },
  };
}
