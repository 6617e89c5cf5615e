// The large parts that have gone over a link and are named by numbers since: the newest few, the same at both ends. Which
// they are is decided by the end that sends them.
import type { Committed, Snapshot } from "../document/documents.js";
import { invariant } from "../runtime/invariant.js";
import { type FromOwner, fromSentRow, type SentRow, toSentRow } from "./link-messages.js";
import type { Keeping, Kepts } from "./plain-opening.js";

/** What both ends keep of each link, at most. */
const BYTES_MAX = 32 * 1024 * 1024;
const COUNT_MAX = 1_024;
const PART_BYTES = 128;

interface Plain {
  readonly value: Snapshot | readonly SentRow[];
  readonly bytes: number;
}

/** At the end that sends. */
export class SentParts implements Keeping {
  readonly #send: (message: FromOwner) => void;
  /** The oldest first. */
  readonly #parts = new Map<object, { readonly number: number; readonly bytes: number }>();
  #bytes = 0;
  #last = 0;

  constructor(send: (message: FromOwner) => void) {
    this.#send = send;
  }

  snapshot(value: Snapshot): number {
    return this.#numberOf(value, () => ({ value, bytes: value.stateJson.length }));
  }

  rows(value: readonly Committed[]): number {
    return this.#numberOf(value, () => ({ value: value.map(toSentRow), bytes: bytesOf(value) }));
  }

  #numberOf(part: object, plain: () => Plain): number {
    const known = this.#parts.get(part);
    if (known !== undefined) return known.number;
    const { value, bytes } = plain();
    this.#last += 1;
    this.#send(["keep", this.#last, value]);
    this.#parts.set(part, { number: this.#last, bytes: bytes + PART_BYTES });
    this.#bytes += bytes + PART_BYTES;
    return this.#last;
  }

  /** Forgets the oldest of too many. Not between a part and the opening that names it. */
  makeRoom(): void {
    for (const [part, { number, bytes }] of this.#parts) {
      if (this.#bytes <= BYTES_MAX && this.#parts.size <= COUNT_MAX) return;
      this.#parts.delete(part);
      this.#bytes -= bytes;
      this.#send(["drop", number]);
    }
  }
}

/** At the end that is sent them. */
export class ReceivedParts implements Kepts {
  readonly #snapshots = new Map<number, Snapshot>();
  readonly #rows = new Map<number, readonly Committed[]>();

  keep(number: number, value: Snapshot | readonly SentRow[]): void {
    if ("stateJson" in value) this.#snapshots.set(number, value);
    else this.#rows.set(number, value.map(fromSentRow));
  }

  drop(number: number): void {
    this.#snapshots.delete(number);
    this.#rows.delete(number);
  }

  snapshot(number: number): Snapshot {
    const snapshot = this.#snapshots.get(number);
    invariant(snapshot !== undefined, "a snapshot is named while it is kept");
    return snapshot;
  }

  rows(number: number): readonly Committed[] {
    const rows = this.#rows.get(number);
    invariant(rows !== undefined, "a replay is named while it is kept");
    return rows;
  }
}

const bytesOf = (rows: readonly Committed[]): number =>
  rows.reduce((sum, { operations, events }) => sum + operations.length + (events?.length ?? 0) + PART_BYTES, 0);
