// A document as a correct server keeps it: a log, receipts, epochs, trimming. The client is held to what it says.
import { applyPatch, type CallMessage, type Json, type PatchOperation, type ServerMessage } from "@tidemark/protocol";

/** One transaction. `layers` holds its operations for the shared layer and for `mine`. */
export interface Row {
  readonly seq: number;
  readonly epoch: number;
  readonly layers: readonly [shared: readonly PatchOperation[], mine: readonly PatchOperation[]];
  /** Ids of its events. */
  readonly events: readonly string[];
  /** The call that made it. */
  readonly n: number | undefined;
  /** The layers after it. */
  readonly states: readonly [shared: Json, mine: Json];
  /** Per layer, the seq of the last row up to this one that it changed in. */
  readonly chains: readonly [number, number];
}

interface Receipt {
  readonly row: Row;
  readonly result: Json;
}

export class ModelDocument {
  readonly rows: Row[] = [];
  epoch = 1;
  /** Rows up to this seq cannot be read any more. */
  trimmed = 0;
  /** Calls that the handler rejected: they leave no receipt, so their copies may come to be superseded. */
  readonly rejected = new Set<number>();
  readonly #receipts = new Map<number, Receipt>();
  #low = 0;
  #conn = 0;
  /** Refused with an invitation to retry, and not come again: what is behind them must wait (REQ-11). */
  readonly #refused = new Set<number>();
  #nextEvent = 1;

  constructor() {
    this.append([[["=", "", { title: "", cards: {} }]], [["=", "", { drafts: {} }]]], 0, undefined);
  }

  get head(): Row {
    const row = this.rows.at(-1);
    if (row === undefined) throw new Error("the log is empty");
    return row;
  }

  row(seq: number): Row | undefined {
    return this.rows[seq - 1];
  }

  append(layers: Row["layers"], events: number, n: number | undefined): Row {
    const before = this.rows.at(-1);
    const seq = this.rows.length + 1;
    const [shared, mine] = layers;
    const changed = [shared.length > 0 || events > 0, mine.length > 0] as const;
    const row: Row = {
      seq,
      epoch: this.epoch,
      layers,
      events: Array.from({ length: events }, () => `e${this.#nextEvent++}`),
      n,
      states: [applyPatch(before?.states[0] ?? {}, shared), applyPatch(before?.states[1] ?? {}, mine)],
      chains: [changed[0] ? seq : (before?.chains[0] ?? seq), changed[1] ? seq : (before?.chains[1] ?? seq)],
    };
    this.rows.push(row);
    return row;
  }

  /** Whether a position can be gone on from. */
  verifies(epoch: number, seq: number): boolean {
    return seq > this.trimmed && this.row(seq)?.epoch === epoch;
  }

  /** A backup of an earlier time is put back; what it does not hold never was. */
  restore(seq: number): void {
    this.rows.splice(seq);
    this.epoch += 1;
    this.trimmed = Math.min(this.trimmed, seq - 1);
    for (const [n, { row }] of this.#receipts) if (row.seq > seq) this.#receipts.delete(n);
  }

  /** Answers a call by REQ-4 to REQ-12; undefined: it came on a connection that is no longer the client's. */
  call([, n, , , , { low }]: CallMessage, conn: number, chance: () => number): ServerMessage | undefined {
    if (conn < this.#conn) return undefined;
    this.#conn = conn;
    this.#low = Math.max(this.#low, low ?? 0);
    for (const refused of this.#refused) if (refused < this.#low || refused === n) this.#refused.delete(refused);
    const receipt = this.#receipts.get(n);
    if (receipt !== undefined) return ["ok", n, [receipt.row.epoch, receipt.row.seq], receipt.result];
    if (n < this.#low) return ["unk", n, "settled", { final: true }];
    if (n < Math.max(0, ...this.#receipts.keys())) {
      return ["no", n, "superseded", "", { retry: "never", fault: "caller" }];
    }
    if (Math.min(n, ...this.#refused) < n || chance() < 0.2) {
      this.#refused.add(n);
      return ["no", n, "overloaded", "", { retry: "after", fault: "service", afterMs: Math.floor(chance() * 300) }];
    }
    if (chance() < 0.1) {
      this.rejected.add(n);
      return ["no", n, "rejected", "", { retry: "never", fault: "caller", reason: "no" }];
    }
    const row = this.append([[["+", `/cards/n${n}`, { text: `${n}` }]], []], chance() < 0.5 ? 1 : 0, n);
    this.#receipts.set(n, { row, result: row.seq * 10 });
    return ["ok", n, [row.epoch, row.seq], row.seq * 10];
  }
}
