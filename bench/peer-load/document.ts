// One document of the load: the changes that its writers made, and the checks that each was acked once and arrived once,
// in its writer's order, everywhere. It knows no peer.

/** Of changes under way; more than may be outstanding and delivered at once. */
const RING = 1 << 14;
const OPENING = Buffer.from("<!");
const WRITER_DIGITS = 2;
const NUMBER_DIGITS = 8;
/** Of the text of a change. */
const TEXT_BYTES = 37;
const ZERO = 48;

/** What was seen within the window, and what was wrong at any time. */
export interface Tally {
  isMeasuring: boolean;
  acks: number;
  deliveries: number;
  /** Microseconds. */
  readonly ackUs: { record(us: number): void };
  readonly deliveryUs: { record(us: number): void };
  complain(what: string): void;
}

/** The changes of one writer, numbered from 1. */
export class Lane {
  sent = 0;
  acked = 0;
  readonly #writer: number;
  readonly #tally: Tally;
  readonly #sentAtMs = new Float64Array(RING);
  readonly #isAcked = new Uint8Array(RING);

  constructor(writer: number, tally: Tally) {
    this.#writer = writer;
    this.#tally = tally;
  }

  /** A change that is made now. */
  begin(nowMs: number): { readonly n: number; readonly text: string } {
    const n = ++this.sent;
    this.#sentAtMs[n % RING] = nowMs;
    this.#isAcked[n % RING] = 0;
    return { n, text: textOf(this.#writer, n) };
  }

  /** Without a number: the one after the last. */
  ack(nowMs: number, n: number = this.acked + 1): void {
    if (!(n >= 1 && n <= this.sent) || this.#isAcked[n % RING] === 1) {
      return this.#tally.complain(`an ack of ${n}, which was not waited for`);
    }
    this.#isAcked[n % RING] = 1;
    this.acked += 1;
    if (!this.#tally.isMeasuring) return;
    this.#tally.acks += 1;
    this.#tally.ackUs.record(this.sinceUs(n, nowMs));
  }

  sinceUs(n: number, nowMs: number): number {
    return Math.max(1, Math.round((nowMs - (this.#sentAtMs[n % RING] ?? nowMs)) * 1_000));
  }
}

/** Text of a change: writer and number between marks, so that they are found in whatever a peer sends, and filling. */
export function textOf(writer: number, n: number): string {
  const numbers = `${String(writer).padStart(WRITER_DIGITS, "0")}${String(n).padStart(NUMBER_DIGITS, "0")}`;
  return `<!${numbers}!>`.padEnd(TEXT_BYTES, "x");
}

/** Where the text of a change says its number, seen from where the text begins. */
export const NUMBER_AT = { from: OPENING.length + WRITER_DIGITS, to: OPENING.length + WRITER_DIGITS + NUMBER_DIGITS };

/** One document with its writers and followers. */
export class LoadedDocument {
  readonly lanes: readonly Lane[];
  readonly #tally: Tally;
  /** The number that came last, by follower and writer. */
  readonly #seen: readonly Uint32Array[];

  constructor({ writers, followers }: { readonly writers: number; readonly followers: number }, tally: Tally) {
    this.lanes = Array.from({ length: writers }, (_, writer) => new Lane(writer, tally));
    this.#seen = Array.from({ length: followers }, () => new Uint32Array(writers));
    this.#tally = tally;
  }

  /** Looks for changes in what a follower was sent; false when there was none. */
  deliver(follower: number, message: Buffer, nowMs: number): boolean {
    let at = message.indexOf(OPENING);
    if (at < 0) return false;
    while (at >= 0) {
      const writer = digitsAt(message, at + OPENING.length, WRITER_DIGITS);
      this.#take(follower, { writer, n: digitsAt(message, at + NUMBER_AT.from, NUMBER_DIGITS), nowMs });
      at = message.indexOf(OPENING, at + NUMBER_AT.to);
    }
    return true;
  }

  #take(follower: number, { writer, n, nowMs }: { writer: number; n: number; nowMs: number }): void {
    const [seen, lane] = [this.#seen[follower], this.lanes[writer]];
    if (seen === undefined || lane === undefined) return this.#tally.complain(`a change of writer ${writer}`);
    const last = seen[writer] ?? 0;
    if (n !== last + 1) this.#tally.complain(`change ${n} came after ${last}`);
    seen[writer] = n;
    if (!this.#tally.isMeasuring) return;
    this.#tally.deliveries += 1;
    this.#tally.deliveryUs.record(lane.sinceUs(n, nowMs));
  }

  /** Every change was acked and is everywhere. */
  get isComplete(): boolean {
    return (
      this.lanes.every(({ sent, acked }) => sent === acked) &&
      this.#seen.every((seen) => this.lanes.every(({ sent }, writer) => seen[writer] === sent))
    );
  }
}

function digitsAt(message: Buffer, from: number, count: number): number {
  let n = 0;
  for (let i = from; i < from + count; i++) n = n * 10 + ((message[i] ?? 0) - ZERO);
  return n;
}
