// Notices a heap that grows with the inputs: one that is not given back when nothing of them is left.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Finding } from "./fuzzer.js";

const LOOK_EVERY_MS = 15_000;
/** Growth after collection that is more than the corpus and the compiler explain. */
const GROWTH_MAX_MB = 64;

/** Compares the heap, each time freshly collected, with what it was when the compiler had settled. */
export class HeapWatch {
  readonly #collect = garbageCollector();
  #lookedMs = performance.now();
  #firstMb: number | undefined;
  #lastMb = 0;

  get text(): string {
    return this.#firstMb === undefined ? "not measured" : `${this.#firstMb} -> ${this.#lastMb} MB`;
  }

  look(target: string): Finding | undefined {
    if (performance.now() - this.#lookedMs < LOOK_EVERY_MS) return undefined;
    this.#lookedMs = performance.now();
    this.#collect();
    this.#lastMb = Math.round(process.memoryUsage().heapUsed / 1_048_576);
    this.#firstMb ??= this.#lastMb;
    if (this.#lastMb - this.#firstMb <= GROWTH_MAX_MB) return undefined;
    return { target, input: [], reason: `the heap grew from ${this.#firstMb} to ${this.#lastMb} MB` };
  }
}

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("gc");
  return typeof found === "function" ? () => void Reflect.apply(found, undefined, []) : () => undefined;
}
