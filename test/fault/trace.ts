// Reads what faults.c recorded. The format is described at the top of faults.c; nothing here knows SQLite or the wire.
import { readFileSync } from "node:fs";

/** The files a crash can leave behind, by the suffix of the database's path. */
export const SUFFIXES = { main: "", wal: "-wal", journal: "-journal" } as const;
export type FileName = keyof typeof SUFFIXES;

export type TraceEvent =
  | { readonly kind: "write"; readonly file: FileName; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly file: FileName; readonly length: number }
  | { readonly kind: "sync-begin"; readonly file: FileName; readonly serial: number }
  | { readonly kind: "sync-end"; readonly file: FileName; readonly serial: number; readonly failed: boolean }
  | { readonly kind: "unlink"; readonly file: FileName }
  /** Bytes the kernel took for a peer: anybody may have seen them from here on. */
  | { readonly kind: "send"; readonly port: number; readonly bytes: Buffer }
  /** A rule injected its fault. */
  | { readonly kind: "fired"; readonly file: FileName; readonly rule: number };

const HEADER_BYTES = 28;
const SENT = 7;
const FILES: readonly (FileName | undefined)[] = [undefined, "main", "wal", "journal"];

interface RawRecord {
  readonly kind: number;
  readonly file: number;
  readonly port: number;
  readonly serial: number;
  readonly offset: number;
  readonly result: number;
  readonly bytes: Buffer;
}

function* rawRecords(trace: Buffer): Generator<RawRecord> {
  for (let at = 0; at + HEADER_BYTES <= trace.length; ) {
    const size = trace.readUInt32LE(at);
    const end = at + HEADER_BYTES + size;
    if (end > trace.length) return; // The process was killed in the middle of a record.
    yield {
      kind: trace.readUInt8(at + 4),
      file: trace.readUInt8(at + 5),
      port: trace.readUInt16LE(at + 6),
      serial: trace.readUInt32LE(at + 8),
      offset: Number(trace.readBigInt64LE(at + 12)),
      result: Number(trace.readBigInt64LE(at + 20)),
      bytes: trace.subarray(at + HEADER_BYTES, end),
    };
    at = end;
  }
}

function fileOf(raw: RawRecord): FileName {
  const file = FILES[raw.file];
  if (file === undefined) throw new Error(`trace: record of kind ${raw.kind} has no file`);
  return file;
}

/** A send counts with the bytes the kernel took; one that was killed before its return counts whole. */
function eventOf(raw: RawRecord, accepted: ReadonlyMap<number, number>): TraceEvent {
  switch (raw.kind) {
    case 1:
      return { kind: "write", file: fileOf(raw), offset: raw.offset, bytes: raw.bytes.subarray(0, raw.result) };
    case 2:
      return { kind: "truncate", file: fileOf(raw), length: raw.offset };
    case 3:
      return { kind: "sync-begin", file: fileOf(raw), serial: raw.serial };
    case 4:
      return { kind: "sync-end", file: fileOf(raw), serial: raw.serial, failed: raw.result !== 0 };
    case 5:
      return { kind: "unlink", file: fileOf(raw) };
    case 6:
      return {
        kind: "send",
        port: raw.port,
        bytes: raw.bytes.subarray(0, accepted.get(raw.serial) ?? raw.bytes.length),
      };
    case 8:
      return { kind: "fired", file: fileOf(raw), rule: raw.serial };
    default:
      throw new Error(`trace: unknown record kind ${raw.kind}`);
  }
}

/** All events of one process, in the order in which they took effect. */
export function readTrace(path: string): readonly TraceEvent[] {
  const records = [...rawRecords(readFileSync(path))];
  const accepted = new Map<number, number>();
  for (const raw of records) if (raw.kind === SENT) accepted.set(raw.serial, Math.max(0, raw.result));
  return records.filter((raw) => raw.kind !== SENT).map((raw) => eventOf(raw, accepted));
}

/** How often each kind of event is in a trace, for reports and for asserting that a fault fired. */
export function countEvents(events: readonly TraceEvent[]): Readonly<Record<TraceEvent["kind"], number>> {
  const counts = { write: 0, truncate: 0, "sync-begin": 0, "sync-end": 0, unlink: 0, send: 0, fired: 0 };
  for (const event of events) counts[event.kind] += 1;
  return counts;
}
