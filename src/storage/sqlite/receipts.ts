// The folded receipts: the answers applied requests got, so that a repeat gets the same one (R6). Settled ones go by a
// `low` stored in the same commit, all of them past the horizon; the newest of a client carries the greatest low.
import { unsettled } from "../unsettled.js";
import { checksum } from "./checksum.js";
import { columns, DamageError, integer, text, textOrNull, verify } from "./columns.js";
import type { Connection } from "./connection.js";

/** The answer to one applied request. */
export interface Receipt {
  readonly n: number;
  readonly low: number;
  readonly seq: number;
  readonly epoch: number;
  readonly born: number;
  readonly hash: number;
  readonly result: string | null;
}

/** Who asked, and where. */
export interface Asker {
  readonly doc: number;
  readonly subject: string;
  readonly client: string;
}

const COLUMNS = "doc, sub, client, n, low, seq, epoch, born, hash, result, crc";

export class Receipts {
  readonly #ofClient;
  readonly #ofDocument;
  readonly #upsert;
  readonly #delete;
  readonly #sweepFrom;
  #cursor: readonly [number, string, string, number] = [0, "", "", 0];

  constructor(db: Connection) {
    const select = `SELECT ${COLUMNS} FROM receipts`;
    this.#ofClient = db.prepare(`${select} WHERE doc = ? AND sub = ? AND client = ? ORDER BY n`).raw();
    this.#ofDocument = db.prepare(`${select} WHERE doc = ? LIMIT ?`).raw();
    this.#upsert = db.prepare(`INSERT OR REPLACE INTO receipts(${COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#delete = db.prepare("DELETE FROM receipts WHERE doc = ? AND sub = ? AND client = ? AND n = ?");
    this.#sweepFrom = db
      .prepare(`${select} WHERE (doc, sub, client, n) > (?, ?, ?, ?) ORDER BY doc, sub, client, n LIMIT ?`)
      .raw();
  }

  /** What is folded of one client at one document, by rising n. Throws DamageError. */
  of(asker: Asker): Receipt[] {
    return this.#ofClient.all(asker.doc, asker.subject, asker.client).map((raw) => parseReceipt(raw)[1]);
  }

  /** Verifies up to `limit` receipts of a document: one whose key was damaged would read as absent. Throws DamageError. */
  verify(doc: number, limit: number): void {
    for (const raw of this.#ofDocument.iterate(doc, limit)) parseReceipt(raw);
  }

  /** Inside a transaction: adds receipts of one client and drops what its greatest low has settled. Returns by how many
   * rows the table has grown. */
  fold(asker: Asker, added: readonly Receipt[]): number {
    const stored = this.of(asker);
    const kept = unsettled([...stored, ...added]);
    for (const receipt of kept) if (!stored.some((old) => same(old, receipt))) this.#write(asker, receipt);
    for (const old of stored) {
      if (!kept.some((receipt) => receipt.n === old.n)) this.#remove(asker, old.n);
    }
    return kept.length - stored.length;
  }

  /**
   * Inside a transaction: looks at the next `count` receipts of the whole table and drops those born before `horizon`.
   * Returns numbers of documents with a damaged one.
   */
  sweep(horizon: number, count: number): number[] {
    const rows = this.#sweepFrom.all(...this.#cursor, count);
    const damaged: number[] = [];
    for (const raw of rows) {
      try {
        const [asker, receipt] = parseReceipt(raw);
        if (receipt.born < horizon) this.#remove(asker, receipt.n);
        this.#cursor = [asker.doc, asker.subject, asker.client, receipt.n];
      } catch (error) {
        if (!(error instanceof DamageError)) throw error;
        const [doc, sub, client, n] = columns(raw);
        this.#cursor = [integer(doc), text(sub), text(client), integer(n)];
        damaged.push(integer(doc));
      }
    }
    if (rows.length < count) this.#cursor = [0, "", "", 0];
    return damaged;
  }

  #write(asker: Asker, receipt: Receipt): void {
    const { n, low, seq, epoch, born, hash, result } = receipt;
    const crc = receiptChecksum(asker, receipt);
    this.#upsert.run(asker.doc, asker.subject, asker.client, n, low, seq, epoch, born, hash, result, crc);
  }

  #remove(asker: Asker, n: number): void {
    this.#delete.run(asker.doc, asker.subject, asker.client, n);
  }
}

const same = (left: Receipt, right: Receipt): boolean => left.n === right.n && left.low === right.low;

function parseReceipt(raw: unknown): [Asker, Receipt] {
  const [doc, sub, client, n, low, seq, epoch, born, hash, result, crc] = columns(raw);
  const asker = { doc: integer(doc), subject: text(sub), client: text(client) };
  const receipt: Receipt = {
    n: integer(n),
    low: integer(low),
    seq: integer(seq),
    epoch: integer(epoch),
    born: integer(born),
    hash: integer(hash),
    result: textOrNull(result),
  };
  verify(crc, receiptChecksum(asker, receipt), `a receipt of document ${asker.doc}`);
  return [asker, receipt];
}

function receiptChecksum(asker: Asker, receipt: Receipt): number {
  const { n, low, seq, epoch, born, hash, result } = receipt;
  return checksum(asker.doc, asker.subject, asker.client, n, low, seq, epoch, born, hash, result);
}
