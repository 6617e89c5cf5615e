// Reads one document's whole state from a file that a server may have open. It takes no lock, writes nothing, and
// verifies what it reads as the server does.
import { resolve } from "node:path";
import { type Json, OperatorError } from "@tidemark/protocol";
import Database from "better-sqlite3";
import type { DocumentName, StoredPosition } from "../../document/document-store.js";
import { replay, snapshotState } from "../../document/loading.js";
import { explained, inspectFile } from "./inspect-file.js";
import { loadDocument } from "./load.js";
import { Tables } from "./tables.js";
import type { LoadAnswer } from "./writer-calls.js";

/** What a file holds of a document. */
export type StoredState =
  | { readonly status: "live"; readonly at: StoredPosition; readonly state: Json | undefined }
  | { readonly status: "deleted" | "absent" }
  | { readonly status: "quarantined"; readonly reason: string };

const BUSY_MS = 2_000;

/** Throws OperatorError: `not_a_database`, `newer_format`, `database_damaged`, `storage_failed`. */
export function readState(file: string, name: DocumentName): StoredState {
  const path = resolve(file);
  try {
    return stateOf(load(path, name));
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const { code, message, hint } = explained(path, error);
    throw new OperatorError(code, message, hint, { cause: error });
  }
}

function load(path: string, name: DocumentName): LoadAnswer {
  if (inspectFile(path) === 0) {
    throw new OperatorError("not_a_database", `there is no database ${path}`, "Give the path of one with --data.");
  }
  const db = new Database(path, { readonly: true, timeout: BUSY_MS });
  try {
    // One read transaction: what a running server commits meanwhile is not seen halfway.
    return db.transaction(() => loadDocument(new Tables(db, () => undefined), name))();
  } finally {
    db.close();
  }
}

function stateOf(loaded: LoadAnswer): StoredState {
  if (loaded.status === "quarantined") return { status: "quarantined", reason: loaded.reason };
  if (loaded.status !== "live") return { status: loaded.status };
  return { status: "live", at: loaded.head, state: replay(snapshotState(loaded.snapshot), loaded.tail) };
}
