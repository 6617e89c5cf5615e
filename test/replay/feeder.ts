// Feeds the lines of one log file to its document, in order, with a bounded number of calls in flight, and writes down
// what each was answered.
import { type Receipt, type Tide, TidemarkError } from "@tidemark/client";
import type { App } from "../../examples/irc-log/app.js";
import type { LogLine } from "../../examples/irc-log/parse.js";

/** An acknowledged line. */
export interface Acked {
  readonly index: number;
  readonly receipt: Receipt;
}

const IN_FLIGHT = 32;
/** Longer than any outage that is injected. */
const DEADLINE_MS = 120_000;

/** One writer of one document. */
export class Feeder {
  readonly key: string;
  readonly lines: readonly LogLine[];
  readonly acked: Acked[] = [];
  readonly failures: string[] = [];
  inFlight = 0;
  readonly #tide: Tide<App>;
  readonly #acknowledged: () => void;

  constructor(parts: { tide: Tide<App>; key: string; lines: readonly LogLine[]; acknowledged: () => void }) {
    this.#tide = parts.tide;
    this.key = parts.key;
    this.lines = parts.lines;
    this.#acknowledged = parts.acknowledged;
  }

  /** Creates the document. */
  async create(): Promise<void> {
    await this.#tide.service.create("room", this.key, { topic: `#ubuntu on ${this.key}` });
  }

  /** Sends everything; resolves when every line has its answer. */
  async run(): Promise<void> {
    const waiting = new Set<Promise<void>>();
    for (const [index, line] of this.lines.entries()) {
      const sent = this.#send(index, line).finally(() => waiting.delete(sent));
      waiting.add(sent);
      if (waiting.size >= IN_FLIGHT) await Promise.race(waiting);
    }
    await Promise.all(waiting);
  }

  async #send(index: number, line: LogLine): Promise<void> {
    this.inFlight += 1;
    const sent = this.#tide.call("room", this.key).log(line, { deadlineMs: DEADLINE_MS });
    try {
      await sent;
      this.acked.push({ index, receipt: await sent.receipt });
      this.#acknowledged();
    } catch (error) {
      const told = error instanceof TidemarkError ? `${error.code} (${error.outcome})` : String(error);
      this.failures.push(`${this.key} line ${index + 1}: ${told}`);
    } finally {
      this.inFlight -= 1;
    }
  }
}
