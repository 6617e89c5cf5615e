// What the log says: the state of a document at each seq, folded row by row, and which call each row was. The judge's own
// reading of the log, made once for a run.
import { applyPatch, type Json, type PatchOperation } from "@tidemark/protocol";
import type { Line } from "../storage/simulated-disk.js";

/** One row of a log, read. */
export interface FoldedRow {
  readonly seq: number;
  readonly epoch: number;
  readonly subject: string;
  /** Unix ms by the server's clock. */
  readonly at: number;
  /** Empty for a row that nobody's numbered call wrote. */
  readonly client: string;
  readonly n: number;
  /** After this row. */
  readonly state: Json;
  readonly events: readonly (readonly [name: string, data: Json])[];
  /** What the row says which call it was; undefined: it says nothing. */
  readonly token: string | undefined;
}

/** The rows of a log with the state after each. Rows that cannot be applied leave the state as it was. */
export function foldLine(line: Line): readonly FoldedRow[] {
  let state: Json = null;
  return line.map(({ seq, epoch, subject, at, operations, events, request }) => {
    const parsed: readonly PatchOperation[] = JSON.parse(operations);
    state = folded(state, parsed);
    return {
      seq,
      epoch,
      subject,
      at,
      client: request?.client ?? "",
      n: request?.n ?? 0,
      state,
      events: events === undefined ? [] : JSON.parse(events),
      token: tokenIn(state, parsed, events),
    };
  });
}

/** A member of an object; undefined for everything else. */
export function member(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function folded(state: Json, operations: readonly PatchOperation[]): Json {
  try {
    return operations.length === 0 ? state : applyPatch(state, operations);
  } catch {
    return state;
  }
}

/** Every message of the simulation's types leaves its token at `/last`, or in its event when it changes nothing. */
function tokenIn(state: Json, operations: readonly PatchOperation[], events: string | undefined): string | undefined {
  const last = member(state, "last");
  // Also where it was made of the token before it, by appending to that.
  if (operations.some(([, path]) => path === "/last") && typeof last === "string") return last;
  if (events === undefined) return undefined;
  const [first]: readonly (readonly [string, Json])[] = JSON.parse(events);
  const token = member(first?.[1], "token");
  return typeof token === "string" ? token : undefined;
}

/** The folded logs of a run: the one that counts, and those that were given up. */
export class Folds {
  readonly final: ReadonlyMap<string, readonly FoldedRow[]>;
  readonly #abandoned: readonly ReadonlyMap<string, readonly FoldedRow[]>[];

  constructor(lines: ReadonlyMap<string, Line>, abandoned: readonly ReadonlyMap<string, Line>[]) {
    this.final = foldAll(lines);
    this.#abandoned = abandoned.map(foldAll);
  }

  /** The row at a position of the log that counts. */
  at(documentId: string, epoch: number, seq: number): FoldedRow | undefined {
    return rowAt(this.final.get(documentId), epoch, seq);
  }

  /** The rows up to a position, in whichever history has it: the one that counts first. */
  historyAt(documentId: string, epoch: number, seq: number): readonly FoldedRow[] | undefined {
    for (const lines of [this.final, ...this.#abandoned]) {
      const rows = lines.get(documentId);
      if (rowAt(rows, epoch, seq) !== undefined) return rows;
    }
    return undefined;
  }

  /** Every state that a document ever had. */
  states(documentId: string): readonly Json[] {
    return [this.final, ...this.#abandoned].flatMap((lines) => (lines.get(documentId) ?? []).map(({ state }) => state));
  }

  /** Every row that was ever at a seq. */
  everywhere(documentId: string, seq: number): readonly FoldedRow[] {
    return [this.final, ...this.#abandoned].flatMap((lines) => lines.get(documentId)?.[seq - 1] ?? []);
  }
}

const foldAll = (lines: ReadonlyMap<string, Line>): ReadonlyMap<string, readonly FoldedRow[]> =>
  new Map([...lines].map(([id, line]) => [id, foldLine(line)]));

function rowAt(rows: readonly FoldedRow[] | undefined, epoch: number, seq: number): FoldedRow | undefined {
  const row = rows?.[seq - 1];
  return row?.epoch === epoch ? row : undefined;
}
