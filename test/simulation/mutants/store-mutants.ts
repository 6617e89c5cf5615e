// Bugs of a store: what is said to be durable and is not, who may still write, what is forgotten.
import {
  type Append,
  type DocumentName,
  type DocumentStore,
  StoreError,
} from "../../../src/document/document-store.js";
import { MemoryDocument } from "../../../src/storage/memory/memory-disk.js";
import { nameKey } from "../../../src/storage/name-key.js";
import { foldLine } from "../history/fold.js";
import { documentId, type SimulatedDisk } from "../storage/simulated-disk.js";
import type { Mutant } from "./mutation.js";

/** A store as it is, but for some of its functions. */
function wrapped(store: DocumentStore, changes: Partial<DocumentStore>): DocumentStore {
  return {
    load: (name) => store.load(name),
    append: (batch) => store.append(batch),
    read: (ref, range) => store.read(ref, range),
    epochAt: (ref, seq) => store.epochAt(ref, seq),
    saveSnapshot: (ref, snapshot) => store.saveSnapshot(ref, snapshot),
    trim: (ref, bounds) => store.trim(ref, bounds),
    receipts: (ref, subject, client) => store.receipts(ref, subject, client),
    list: (page) => store.list(page),
    release: (ref) => store.release(ref),
    close: () => store.close(),
    ...changes,
  };
}

const NO_RECEIPTS = { low: 0, highest: 0, receipts: [] };

/** Writes rows whoever sends them. */
function writeUnfenced(disk: SimulatedDisk, { ref, transactions }: Append): void {
  const key = nameKey(ref.name);
  const document = disk.memory.documents.get(key) ?? new MemoryDocument(ref.name);
  disk.memory.documents.set(key, document);
  for (const transaction of transactions) document.append(transaction);
  disk.wrote({ kind: "rows", name: ref.name, transactions });
  disk.sync();
}

/** What a store can do wrong. */
export const STORE_MUTANTS: readonly Mutant[] = [
  {
    name: "ack-before-sync",
    about: "a commit is answered when it is written, and synced later",
    mutation: () => ({ syncLateMs: 40 }),
  },
  {
    name: "dedupe-in-memory-only",
    about: "receipts are not kept with the commit: a restart forgets them",
    mutation: () => ({ store: (store) => wrapped(store, { receipts: async () => NO_RECEIPTS }) }),
  },
  {
    name: "no-fence",
    about: "a store takes rows from an owner that another has replaced",
    mutation: () => ({
      store: (store, disk) =>
        wrapped(store, {
          append: async (batch) => {
            const outcomes = await store.append(batch);
            batch.forEach((append, index) => {
              if (outcomes[index] === "fenced") writeUnfenced(disk, append);
            });
            return batch.map(() => "committed" as const);
          },
        }),
    }),
  },
  {
    name: "receipt-of-another-subject",
    about: "receipts are found by client id alone, whoever asks",
    mutation: () => ({
      store: (store, disk) =>
        wrapped(store, {
          receipts: async (ref, subject, client) => {
            const own = await store.receipts(ref, subject, client);
            const others = subjectsOf(disk, ref.name, client).filter((other) => other !== subject);
            const other = others[0] === undefined ? NO_RECEIPTS : await store.receipts(ref, others[0], client);
            return own.highest >= other.highest ? own : other;
          },
        }),
    }),
  },
  {
    name: "doubt-taken-for-failure",
    about: "a commit in doubt is taken for one that certainly failed",
    mutation: () => ({
      store: (store) =>
        wrapped(store, {
          append: async (batch) => {
            try {
              return await store.append(batch);
            } catch (error) {
              if (error instanceof StoreError && error.certainty === "indeterminate") {
                throw new StoreError("failed", error.message);
              }
              throw error;
            }
          },
        }),
    }),
  },
  {
    name: "snapshot-older-than-it-says",
    about: "a stored snapshot bears a seq that its state has not reached",
    mutation: () => ({
      store: (store, disk) =>
        wrapped(store, {
          saveSnapshot: (ref, snapshot) => {
            const line = disk.lines().get(documentId(ref.name)) ?? [];
            const before = foldLine(line.slice(0, snapshot.seq - 1)).at(-1)?.state;
            return store.saveSnapshot(
              ref,
              before === undefined ? snapshot : { ...snapshot, body: JSON.stringify(before) },
            );
          },
        }),
    }),
  },
  {
    name: "tombstone-forgotten",
    about: "a deleted document is loaded as one that never was",
    mutation: () => ({
      store: (store) =>
        wrapped(store, {
          load: async (name) => {
            const loaded = await store.load(name);
            const { ref, epoch } = loaded;
            return loaded.status === "deleted" ? { status: "absent", ref, epoch } : loaded;
          },
        }),
    }),
  },
  {
    name: "tail-one-short",
    about: "loading a document leaves out the last row of its log",
    mutation: () => ({
      store: (store) =>
        wrapped(store, {
          load: async (name) => {
            const loaded = await store.load(name);
            return loaded.status === "live" && loaded.tail.length > 1
              ? { ...loaded, tail: loaded.tail.slice(0, -1) }
              : loaded;
          },
        }),
    }),
  },
];

function subjectsOf(disk: SimulatedDisk, name: DocumentName, client: string): string[] {
  const line = disk.lines().get(documentId(name)) ?? [];
  return [...new Set(line.flatMap(({ request }) => (request?.client === client ? [request.subject] : [])))];
}
