// Turns what SQLite hands over into typed values. A wrong kind is damage (R12), never a cast.

/** A row that is not what was written, or a row that is missing. `reason` is what the operator reads. */
export class DamageError extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.name = "DamageError";
    this.reason = reason;
  }
}

/** A row in column order, as better-sqlite3's raw mode gives it. */
export type Columns = readonly unknown[];

/** Narrows what a raw statement returned. */
export function columns(row: unknown): Columns {
  if (!Array.isArray(row)) throw new DamageError("a row has no columns");
  return row;
}

export function integer(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new DamageError(`a column holds ${kindOf(value)} where an integer belongs`);
}

export function integerOrNull(value: unknown): number | null {
  return value === null ? null : integer(value);
}

export function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new DamageError(`a column holds ${kindOf(value)} where text belongs`);
}

export function textOrNull(value: unknown): string | null {
  return value === null ? null : text(value);
}

export function bytes(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  throw new DamageError(`a column holds ${kindOf(value)} where bytes belong`);
}

/** Throws DamageError unless the stored checksum is the computed one. */
export function verify(stored: unknown, computed: number, what: string): void {
  if (stored !== computed) throw new DamageError(`${what} fails its checksum`);
}

const kindOf = (value: unknown): string => (value === null ? "null" : typeof value);
