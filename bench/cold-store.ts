// Databases with many documents, written once through the product's own store in large commits and kept under
// node_modules/.cache: what a server finds that starts with years of work behind it. It serves nothing.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Append, DocumentRef, DocumentStore, Transaction } from "../dist/document/document-store.js";
import { systemRuntime as runtime } from "../dist/runtime/system-runtime.js";
import { openSqliteStore } from "../dist/storage/sqlite/sqlite-store.js";
import { filler } from "./app.js";
import { CACHE_DIRECTORY } from "./native.js";

/** What is in a database: documents `cold-0` and so on, each with so many transactions. */
export interface ColdShape {
  readonly documents: number;
  /** Of each; the first creates it. */
  readonly deltas: number;
  /** Default: `sheet`. */
  readonly type?: string;
  /** So many of each document's deltas are behind its snapshot. Default: half of the documents have one of the end, as if they
   * had been unloaded, half only their log. */
  readonly tail?: number;
  /** What they are created with, about; default: nothing. */
  readonly stateBytes?: number;
}

const KEYS = 20;
const VALUE = "x".repeat(37);
/** Rows of one commit. */
const COMMIT_ROWS = 20_000;
const MESSAGE = 1;
const CREATE = 2;
const SOURCES = ["../src/storage/sqlite/", "cold-store.ts"];
const TYPE_VERSION = 1;
/** Written last: a database without it was cut short. */
const COMPLETE = "complete";

/** The state of each document in the end, as its deltas make it. */
export function coldState({ deltas, stateBytes = 0 }: Pick<ColdShape, "deltas" | "stateBytes">): {
  readonly at: number;
  readonly entries: object;
} {
  const entries = filler(stateBytes);
  for (let n = Math.max(1, deltas - KEYS); n < deltas; n++) entries[`k${n % KEYS}`] = `${n}${VALUE}`;
  return { at: deltas - 1, entries };
}

/** The folder of such a database, `bench.db` in it; `told` hears how far it is when it has to be made. */
export async function coldStore(shape: ColdShape, told: (text: string) => void): Promise<string> {
  const { documents, deltas } = shape;
  const folder = join(CACHE_DIRECTORY, `cold-${nameOf(shape)}-${version()}`);
  if (existsSync(join(folder, COMPLETE))) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const store = await openSqliteStore({ file: join(folder, "bench.db"), runtime });
  const perCommit = Math.max(1, Math.floor(COMMIT_ROWS / deltas));
  for (let from = 0; from < documents; from += perCommit) {
    if (from % (perCommit * 50) === 0) told(`writing documents once: ${from} of ${documents}`);
    await write(store, shape, { from, to: Math.min(documents, from + perCommit) });
  }
  await store.close();
  writeFileSync(join(folder, COMPLETE), "");
  return folder;
}

function nameOf({ documents, deltas, type, tail, stateBytes }: ColdShape): string {
  return [`${documents}x${deltas}`, type, tail, stateBytes].filter((part) => part !== undefined).join("-");
}

async function write(
  store: DocumentStore,
  shape: ColdShape,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const { deltas, type = "sheet", tail, stateBytes = 0 } = shape;
  const names = Array.from({ length: to - from }, (_, i) => ({ space: "", type, key: `cold-${from + i}` }));
  const loaded = await Promise.all(names.map((name) => store.load(name)));
  await inParts(store, shape, loaded);
  const seq = deltas - (tail ?? 0);
  const body = JSON.stringify(coldState({ deltas: seq, stateBytes }));
  for (const { ref, epoch } of loaded.filter((_, i) => tail !== undefined || (from + i) % 2 === 0))
    await store.saveSnapshot(ref, { seq, epoch, typeVersion: TYPE_VERSION, body });
  for (const { ref } of loaded) store.release(ref);
}

/** One document may have more than one commit takes. */
async function inParts(
  store: DocumentStore,
  { deltas, stateBytes }: ColdShape,
  loaded: readonly { readonly ref: DocumentRef; readonly epoch: number }[],
): Promise<void> {
  for (let first = 1; first <= deltas; first += COMMIT_ROWS) {
    const count = Math.min(COMMIT_ROWS, deltas - first + 1);
    const batch = loaded.map(
      ({ ref, epoch }): Append => ({
        ref,
        transactions: Array.from({ length: count }, (_, i) => transaction(first + i, { epoch, stateBytes })),
      }),
    );
    await store.append(batch);
  }
}

function transaction(
  seq: number,
  { epoch, stateBytes }: { epoch: number; stateBytes: number | undefined },
): Transaction {
  const n = seq - 1;
  const operations =
    n === 0
      ? [["=", "", coldState({ deltas: 1, stateBytes: stateBytes ?? 0 })]]
      : [
          [n <= KEYS ? "+" : "=", `/entries/k${n % KEYS}`, `${n}${VALUE}`],
          ["=", "/at", n],
        ];
  return {
    ...{ seq, epoch, typeVersion: TYPE_VERSION, kind: n === 0 ? CREATE : MESSAGE, at: epoch, subject: "load" },
    ...{ operations: JSON.stringify(operations), events: undefined, request: undefined },
  };
}

/** What is written depends on the store and on this file. */
function version(): string {
  const hash = createHash("sha256");
  for (const source of SOURCES.map((relative) => fileURLToPath(new URL(relative, import.meta.url))))
    for (const file of source.endsWith("/") ? readdirSync(source).sort() : [""])
      hash.update(readFileSync(join(source, file)));
  return hash.digest("hex").slice(0, 12);
}
