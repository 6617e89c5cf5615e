// One run of which several series, or curves, take a figure each: measured when the first asks, handed to each of the others
// once. Whoever asks again gets another run.
import type { RunLength } from "./scenario.js";

type Measure<T> = (x: number, length: RunLength) => Promise<T>;

/** Runs that several takers share. */
export class SharedRuns<T> {
  readonly #measure: Measure<T>;
  /** Of each taker, by x: what others had measured and it has not taken. */
  readonly #untaken: Map<number, T[]>[] = [];

  constructor(measure: Measure<T>) {
    this.#measure = measure;
  }

  /** One more who takes its figure of each run. Rejects when the run does; nobody is handed that. */
  taker(): Measure<T> {
    const own = new Map<number, T[]>();
    this.#untaken.push(own);
    return async (x, length) => {
      const there = own.get(x)?.shift();
      if (there !== undefined) return there;
      const run = await this.#measure(x, length);
      for (const other of this.#untaken) if (other !== own) other.set(x, [...(other.get(x) ?? []), run]);
      return run;
    };
  }
}
