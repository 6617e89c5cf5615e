// Opens a file for an engine, in the only safe order: lock, look, connect, migrate, commit a new generation, scan.
import { statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { generationAfter } from "../generation.js";
import { DamageError } from "./columns.js";
import { type Connection, openForWriting } from "./connection.js";
import { Engine } from "./engine.js";
import { explained, inspectFile } from "./inspect-file.js";
import { requireMeta, writeMeta } from "./meta.js";
import { migrate } from "./migrations.js";
import { OpenFailure } from "./open-failure.js";
import { FORMAT } from "./schema.js";
import { takeSideLock } from "./side-lock.js";
import { SpaceGuard } from "./space-guard.js";
import { type Transact, transactions } from "./transact.js";
import type { WriterEvent } from "./writer-calls.js";

/** How a file is opened; plain data. */
export interface OpenSettings {
  readonly file: string;
  /** Wall clock, Unix ms, and a number in [0, 1): what the new generation is made of. */
  readonly now: number;
  readonly random: number;
  readonly foldRows: number;
  readonly foldBytes: number;
  readonly receiptKeepMs: number;
  readonly freeBytesMin: number;
}

/** An engine and the lock under which it runs. */
export interface OpenedEngine {
  readonly engine: Engine;
  readonly generation: number;
  /** Closes the file and lets the lock go. */
  close(): void;
}

/** `connect` makes each connection that writes the file. */
export type Connect = (file: string) => Connection;

/** Throws OpenFailure. */
export function openEngine(
  settings: OpenSettings,
  tell: (event: WriterEvent) => void,
  connect: Connect = openForWriting,
): OpenedEngine {
  const file = resolve(settings.file);
  const lock = orExplain(file, () => takeSideLock(file));
  try {
    const { engine, generation } = orExplain(file, () => start({ ...settings, file }, tell, connect));
    const close = (): void => {
      engine.close();
      lock.release();
    };
    return { engine, generation, close };
  } catch (error) {
    lock.release({ remove: error instanceof OpenFailure && error.code === "not_a_database" });
    throw error;
  }
}

function start(settings: OpenSettings, tell: (event: WriterEvent) => void, connect: Connect) {
  const { file, foldRows, foldBytes, receiptKeepMs } = settings;
  const format = inspectFile(file);
  const db = connect(file);
  try {
    const transact = transactions(db);
    if (format < FORMAT) migrate(db, transact, format);
    const generation = nextGeneration({ db, transact }, settings);
    const space = new SpaceGuard(() => freeBytes(file), settings.freeBytesMin);
    const options = { connect: () => connect(file), generation, foldRows, foldBytes, receiptKeepMs, space, tell };
    return { engine: new Engine(db, options), generation };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * The epoch of this opening, committed before anything is served: greater than all before it, and not one that the
 * line a restored backup rolled back may have used (WIRE, Epoch).
 */
function nextGeneration(on: { db: Connection; transact: Transact }, settings: OpenSettings): number {
  return on.transact(() => {
    const stored = requireMeta(on.db, "generation");
    const generation = generationAfter(stored, settings);
    if (!Number.isSafeInteger(generation)) throw new DamageError("the file's generation is out of range");
    writeMeta(on.db, "generation", generation);
    return generation;
  });
}

function freeBytes(file: string): number {
  const { bavail, bsize } = statfsSync(dirname(file));
  return bavail * bsize;
}

function orExplain<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw explained(file, error);
  }
}
