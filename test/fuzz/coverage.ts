// Which blocks of the product's code have run, as V8 counts them: inputs that reach new ones are worth keeping.
import { type Profiler, Session } from "node:inspector";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Code under test: sources, or what was built of them. */
const PRODUCT = /\/(src|dist)\/(transport|session|document|storage\/memory|codec|parse|shape|patch)\//;

/** Counts blocks from `start` on. */
export class Coverage {
  readonly #session = new Session();
  readonly #known = new Set<string>();

  start(): void {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  /** How many different blocks have run so far. */
  get blocks(): number {
    return this.#known.size;
  }

  /** Blocks that ran since the last call and never before. `keep` false: they are not remembered as known. */
  fresh(keep = true): number {
    let fresh = 0;
    for (const block of this.#ran()) {
      if (this.#known.has(block)) continue;
      fresh += 1;
      if (keep) this.#known.add(block);
    }
    return fresh;
  }

  *#ran(): Generator<string> {
    for (const { url, functions } of this.#take()) {
      if (!url.includes(ROOT) || !PRODUCT.test(url) || url.includes("node_modules")) continue;
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) yield `${url}:${startOffset}:${endOffset}`;
    }
  }

  #take(): readonly Profiler.ScriptCoverage[] {
    let result: readonly Profiler.ScriptCoverage[] = [];
    // The inspector of one's own thread answers before `post` returns.
    this.#session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error !== null) throw error;
      result = answer.result;
    });
    return result;
  }
}
