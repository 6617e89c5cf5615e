// Which code of the product has run, as V8 counts it: inputs that reach new code are worth keeping. Code is told by where
// it stands in its file, because V8 cuts the same code into other blocks each time its counts are others.
import { type Profiler, Session } from "node:inspector";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Code under test: sources, or what was built of them. */
const PRODUCT = /\/(src|dist)\/(transport|session|document|storage\/memory|codec|parse|shape|patch)\//;

/** Knows what has run from `start` on. */
export class Coverage {
  readonly #session = new Session();
  /** For each file, 1 where a character of it has run. */
  readonly #known = new Map<string, Uint8Array>();
  #characters = 0;

  start(): void {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  /** How much code has run so far. */
  get characters(): number {
    return this.#characters;
  }

  /** Characters that ran since the last call and never before. `keep` false: they are not remembered as known. */
  fresh(keep = true): number {
    let fresh = 0;
    for (const { url, functions } of this.#take()) {
      if (!url.includes(ROOT) || !PRODUCT.test(url) || url.includes("node_modules")) continue;
      fresh += this.#freshIn(url, functions, keep);
    }
    if (keep) this.#characters += fresh;
    return fresh;
  }

  /** Functions come after those around them, and in each the whole of it first: what is inside has the last word. */
  #freshIn(url: string, functions: readonly Profiler.FunctionCoverage[], keep: boolean): number {
    const ranges = functions.flatMap((each) => each.ranges);
    const ran = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset)));
    for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    const known = this.#file(url, ran.length);
    let fresh = 0;
    for (let at = 0; at < ran.length; at++) {
      if (ran[at] === 0 || known[at] === 1) continue;
      fresh += 1;
      if (keep) known[at] = 1;
    }
    return fresh;
  }

  #file(url: string, length: number): Uint8Array {
    const known = this.#known.get(url);
    if (known !== undefined && known.length >= length) return known;
    const larger = new Uint8Array(2 * length);
    if (known !== undefined) larger.set(known);
    this.#known.set(url, larger);
    return larger;
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
