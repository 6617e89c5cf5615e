// The folded log: rows of a document packed by window, in the order history is read. It never sees a journal.
import type { LogRow } from "../../document/document-store.js";
import { checksum } from "./checksum.js";
import { bytes, columns, DamageError, integer, verify } from "./columns.js";
import type { Connection } from "./connection.js";
import type { Row } from "./row-block.js";
import { decodeSegment, encodeSegment } from "./segment-codec.js";

/** Bodies are cut here, so that a short read never decodes a long window. */
const BODY_BYTES_MAX = 128 * 1_024;

interface Segment {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly epoch: number;
  readonly typeVersion: number;
  readonly count: number;
  /** Greatest `at` inside, Unix ms. */
  readonly newest: number;
}

const COLUMNS = "first_seq, last_seq, epoch, tv, count, newest, body, crc";

export class Segments {
  readonly #insert;
  readonly #after;
  readonly #oldest;
  readonly #delete;

  constructor(db: Connection) {
    this.#insert = db.prepare(`INSERT OR IGNORE INTO segments(doc, ${COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#after = db.prepare(`SELECT ${COLUMNS} FROM segments WHERE doc = ? AND last_seq > ? ORDER BY last_seq`).raw();
    this.#oldest = db.prepare("SELECT last_seq, newest FROM segments WHERE doc = ? ORDER BY last_seq LIMIT ?").raw();
    this.#delete = db.prepare("DELETE FROM segments WHERE doc = ? AND last_seq <= ?");
  }

  /** Inside a transaction: packs contiguous rows, cut where the epoch, the type version or the size ends a segment. */
  pack(doc: number, rows: readonly Row[]): number {
    let count = 0;
    for (const group of groups(rows)) {
      this.#write(doc, group);
      count++;
    }
    return count;
  }

  /** Rows with `after < seq`, verified, in order; the first may follow a trimmed part, after that there are no gaps.
   * Throws DamageError. Stop iterating before writing. */
  *rowsAfter(doc: number, after: number): Generator<LogRow> {
    let expected: number | undefined;
    for (const raw of this.#after.iterate(doc, after)) {
      const [segment, body] = parseSegment(doc, raw);
      if (expected !== undefined && segment.firstSeq !== expected) {
        throw new DamageError(`rows ${expected} to ${segment.firstSeq - 1} of the log are missing`);
      }
      for (const row of decodeSegment(segment, body)) if (row.seq > after) yield row;
      expected = segment.lastSeq + 1;
    }
  }

  /** Last seq of the newest segment that may go together with all before it; undefined: none may. One goes that is
   * covered by the snapshot and either reaches no further than `beyond` or is older than `since`. */
  trimmable(doc: number, { snapshot, beyond, since }: Trimming): number | undefined {
    let last: number | undefined;
    for (const raw of this.#oldest.iterate(doc, TRIM_SEGMENTS_MAX)) {
      const [lastSeq, newest] = columns(raw);
      const seq = integer(lastSeq);
      if (seq > snapshot || (seq > beyond && integer(newest) >= since)) break;
      last = seq;
    }
    return last;
  }

  /** Inside a transaction: forgets whole segments up to a seq. */
  deleteUpTo(doc: number, lastSeq: number): void {
    this.#delete.run(doc, lastSeq);
  }

  #write(doc: number, rows: readonly Row[]): void {
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return;
    const segment: Segment = {
      ...{ firstSeq: first.seq, lastSeq: last.seq, epoch: first.epoch, typeVersion: first.typeVersion },
      ...{ count: rows.length, newest: rows.reduce((newest, row) => Math.max(newest, row.at), 0) },
    };
    const { firstSeq, lastSeq, epoch, typeVersion, count, newest } = segment;
    const body = encodeSegment(rows);
    const crc = segmentChecksum(doc, segment, body);
    this.#insert.run(doc, firstSeq, lastSeq, epoch, typeVersion, count, newest, body, crc);
  }
}

interface Trimming {
  readonly snapshot: number;
  readonly beyond: number;
  readonly since: number;
}

/** Segments one trim drops at most: the next one takes the rest. */
const TRIM_SEGMENTS_MAX = 256;

function parseSegment(doc: number, raw: unknown): [Segment, Buffer] {
  const [firstSeq, lastSeq, epoch, typeVersion, count, newest, body, crc] = columns(raw);
  const segment: Segment = {
    firstSeq: integer(firstSeq),
    lastSeq: integer(lastSeq),
    epoch: integer(epoch),
    typeVersion: integer(typeVersion),
    count: integer(count),
    newest: integer(newest),
  };
  const content = bytes(body);
  verify(crc, segmentChecksum(doc, segment, content), `the segment of document ${doc} up to ${segment.lastSeq}`);
  return [segment, content];
}

const segmentChecksum = (doc: number, segment: Segment, body: Buffer): number =>
  checksum(
    ...[doc, segment.firstSeq, segment.lastSeq, segment.epoch, segment.typeVersion, segment.count, segment.newest],
    body,
  );

function* groups(rows: readonly Row[]): Generator<readonly Row[]> {
  let from = 0;
  let size = 0;
  for (let at = 0; at < rows.length; at++) {
    const [previous, row] = [rows[at - 1], rows[at]];
    if (row === undefined) break;
    const bytes = row.textBytes - row.logStart;
    if (previous !== undefined && (!continues(previous, row) || size + bytes > BODY_BYTES_MAX)) {
      yield rows.slice(from, at);
      from = at;
      size = 0;
    }
    size += bytes;
  }
  if (from < rows.length) yield from === 0 ? rows : rows.slice(from);
}

const continues = (previous: Row, row: Row): boolean =>
  row.seq === previous.seq + 1 && row.epoch === previous.epoch && row.typeVersion === previous.typeVersion;
