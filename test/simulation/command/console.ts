// Where the command prints: results to standard output, and, for a person at a terminal, a line that says how far it is.
const CLEAR_LINE = "\r\u001b[K";
const REDRAW_MS = 100;
const BAR_CELLS = 24;

/** What this process has used of its processor so far, ms: what others do on the machine does not count. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** One line on a terminal, drawn over itself; nothing where nobody looks. */
export class ProgressLine {
  #drawnMs = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  /** `done` of `all`, and what else there is to say. */
  show(done: number, all: number, text: string): void {
    const nowMs = performance.now();
    if (!process.stderr.isTTY || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#isDrawn = true;
    const filled = Math.round((BAR_CELLS * done) / Math.max(1, all));
    const bar = "=".repeat(filled).padEnd(BAR_CELLS);
    process.stderr.write(
      `${CLEAR_LINE}[${bar}] ${done.toLocaleString("en-US")} of ${all.toLocaleString("en-US")}  ${text}`,
    );
  }

  /** Prints a line for good. */
  print(line: string): void {
    this.clear();
    console.log(line);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#isDrawn) process.stderr.write(CLEAR_LINE);
    this.#isDrawn = false;
  }
}
