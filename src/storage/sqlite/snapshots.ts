// The newest state of each document, in a table of its own: an UPDATE beside a blob would rewrite the blob.
import type { StoredSnapshot } from "../../document/document-store.js";
import { checksum } from "./checksum.js";
import { columns, integer, text, verify } from "./columns.js";
import type { Connection } from "./connection.js";

export class Snapshots {
  readonly #get;
  readonly #seq;
  readonly #save;

  constructor(db: Connection) {
    this.#get = db.prepare("SELECT seq, epoch, tv, body, crc FROM snapshots WHERE doc = ?").raw();
    this.#seq = db.prepare("SELECT seq FROM snapshots WHERE doc = ?").pluck();
    this.#save = db.prepare(`INSERT INTO snapshots(doc, seq, epoch, tv, body, crc) VALUES(?, ?, ?, ?, ?, ?)
      ON CONFLICT(doc) DO UPDATE SET seq = excluded.seq, epoch = excluded.epoch, tv = excluded.tv,
        body = excluded.body, crc = excluded.crc
      WHERE excluded.seq >= seq`);
  }

  /** The snapshot, verified; undefined when there is none. Throws DamageError. */
  get(doc: number): StoredSnapshot | undefined {
    const raw = this.#get.get(doc);
    if (raw === undefined) return undefined;
    const [seq, epoch, typeVersion, body, crc] = columns(raw);
    const snapshot = { seq: integer(seq), epoch: integer(epoch), typeVersion: integer(typeVersion), body: text(body) };
    verify(crc, snapshotChecksum(doc, snapshot), `the snapshot of document ${doc}`);
    return snapshot;
  }

  /** The seq of the snapshot, unverified; 0 when there is none. */
  seqOf(doc: number): number {
    const seq: unknown = this.#seq.get(doc);
    return seq === undefined ? 0 : integer(seq);
  }

  /** Inside a transaction: never replaces a newer one. */
  save(doc: number, snapshot: StoredSnapshot): void {
    const { seq, epoch, typeVersion, body } = snapshot;
    this.#save.run(doc, seq, epoch, typeVersion, body, snapshotChecksum(doc, snapshot));
  }
}

const snapshotChecksum = (doc: number, snapshot: StoredSnapshot): number =>
  checksum(doc, snapshot.seq, snapshot.epoch, snapshot.typeVersion, snapshot.body);
