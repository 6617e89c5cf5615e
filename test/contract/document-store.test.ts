// Runs the contract over every store there is.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DocumentStore } from "../../src/document/document-store.js";
import { systemRuntime } from "../../src/runtime/system-runtime.js";
import { MemoryDisk } from "../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../src/storage/memory/memory-store.js";
import { openSqliteStore } from "../../src/storage/sqlite/sqlite-store.js";
import { HOSTILITIES, HostileStore, seededPlan } from "../support/hostile-store.js";
import { BORN } from "./document-driver.js";
import { documentStoreContract, type StorePlace } from "./document-store.contract.js";
import { inlineWriter } from "./inline-writer.js";

/** A clock near the births of the requests, so that no receipt has had its time. */
const runtime = { ...systemRuntime, now: () => BORN + 60_000 };

function memoryPlace(): StorePlace {
  const disk = new MemoryDisk();
  return {
    open: async () => new MemoryStore({ disk, runtime }),
    dispose: async () => {},
  };
}

/** Small journals, so that folds happen inside the tests. */
function sqlitePlace(threaded: boolean): StorePlace {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  const options = { file: join(folder, "store.db"), runtime, foldRows: 50, freeBytesMin: 0 };
  return {
    open: () => (threaded ? openSqliteStore(options) : openSqliteStore(options, inlineWriter())),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const hostileCounts = new Map<string, number>();
let hostileSeed = 1;

function hostile(makePlace: () => StorePlace): () => StorePlace {
  return () => {
    const place = makePlace();
    const plan = seededPlan(hostileSeed++);
    const counted = () => {
      const fate = plan();
      hostileCounts.set(fate, (hostileCounts.get(fate) ?? 0) + 1);
      return fate;
    };
    return { ...place, open: async (): Promise<DocumentStore> => new HostileStore(await place.open(), counted) };
  };
}

documentStoreContract("memory", memoryPlace, { programs: 200 });
documentStoreContract("memory, hostile", hostile(memoryPlace), { programs: 200 });
documentStoreContract("SQLite", () => sqlitePlace(false), { programs: 60 });
documentStoreContract(
  "SQLite, hostile",
  hostile(() => sqlitePlace(false)),
  { programs: 60 },
);
documentStoreContract("SQLite in its thread", () => sqlitePlace(true), { programs: 2 });

test("the hostile wrapper did each of its deeds", () => {
  for (const deed of HOSTILITIES) expect(hostileCounts.get(deed), deed).toBeGreaterThan(20);
});
