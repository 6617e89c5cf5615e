// The loop: takes an input that was worth keeping, changes it, runs it, keeps it when it reached code that no other had,
// and makes a finding small. The same seed and corpus give the same inputs.
import { below, oneOf, type Random } from "./byte-mutation.js";
import type { Coverage } from "./coverage.js";
import { type Input, type Target, Violation } from "./target.js";

const FRAMES_MAX = 40;
const BATCH = 100;
/** What one input may cost, ms of CPU, in each of several replays. */
const CPU_MS_MAX = 50;
const REPLAYS = 3;

/** An input that must not be. */
export interface Finding {
  readonly target: string;
  readonly input: Input;
  readonly reason: string;
}

export interface FuzzerOptions {
  readonly target: Target;
  readonly random: Random;
  readonly coverage: Coverage | undefined;
  /** Inputs kept by earlier runs. */
  readonly corpus: readonly Input[];
  /** CPU time used so far, ms; undefined: cost is not looked at. */
  readonly cpuMs: (() => number) | undefined;
  /** An input is about to run, for whoever must know if it never ends. */
  readonly onRun?: (input: Input) => void;
}

/** Fuzzes one target. */
export class Fuzzer {
  readonly #options: FuzzerOptions;
  readonly #corpus: Input[];
  readonly #kept: Input[] = [];
  #runs = 0;

  constructor(options: FuzzerOptions) {
    this.#options = options;
    this.#corpus = [...options.target.seeds, ...options.corpus];
  }

  get runs(): number {
    return this.#runs;
  }

  /** Inputs found worth keeping. */
  get kept(): readonly Input[] {
    return this.#kept;
  }

  /** Runs everything that is known. Returns the first finding. */
  async replay(): Promise<Finding | undefined> {
    for (const input of this.#corpus) {
      const reason = await this.#reason(input);
      if (reason !== undefined) return this.#found(input, reason);
    }
    this.#options.coverage?.fresh();
    return undefined;
  }

  /** Runs one input. Returns what is wrong with it. */
  judge(input: Input): Promise<string | undefined> {
    return this.#reason(input);
  }

  /** Runs some new inputs. Returns the first finding, made small. */
  async batch(size = BATCH): Promise<Finding | undefined> {
    const inputs: Input[] = [];
    for (let index = 0; index < size; index++) {
      const input = this.#next();
      inputs.push(input);
      const reason = await this.#reason(input);
      if (reason !== undefined) return this.#found(input, reason);
    }
    if ((this.#options.coverage?.fresh(false) ?? 0) > 0) await this.#keepWhatIsNew(inputs);
    return undefined;
  }

  /** Runs the batch again, one by one, to see which of them it was. */
  async #keepWhatIsNew(inputs: readonly Input[]): Promise<void> {
    for (const input of inputs) {
      await this.#reason(input);
      if ((this.#options.coverage?.fresh() ?? 0) === 0) continue;
      this.#kept.push(input);
      this.#corpus.push(input);
    }
  }

  #next(): Input {
    const { target, random } = this.#options;
    const base = oneOf(random, this.#corpus);
    const other = oneOf(random, this.#corpus);
    const donor = other[below(random, other.length)] ?? new Uint8Array(0);
    const frames = [...base];
    const at = below(random, frames.length);
    const frame = frames[at] ?? donor;
    const choice = random();
    if (choice < 0.75) frames[at] = target.mutate(frame, donor, random);
    else if (choice < 0.9) frames.splice(at, 0, target.mutate(donor, frame, random));
    else if (choice < 0.95) frames.splice(at, 1);
    else frames.splice(below(random, frames.length + 1), 0, frame);
    return frames.slice(0, FRAMES_MAX);
  }

  async #found(input: Input, reason: string): Promise<Finding> {
    const small = await this.#shrunk(input);
    return { target: this.#options.target.name, input: small, reason: (await this.#reason(small)) ?? reason };
  }

  /** Leaves frames out, then halves of frames, as long as something is still wrong. */
  async #shrunk(input: Input): Promise<Input> {
    let smallest = input;
    for (let index = smallest.length - 1; index >= 0; index--) {
      const fewer = smallest.toSpliced(index, 1);
      if ((await this.#reason(fewer)) !== undefined) smallest = fewer;
    }
    return smallest;
  }

  async #reason(input: Input): Promise<string | undefined> {
    this.#runs += 1;
    const { target, cpuMs, onRun } = this.#options;
    onRun?.(input);
    for (let replay = 1; ; replay++) {
      const before = cpuMs?.() ?? 0;
      try {
        await target.run(input);
      } catch (error) {
        return reasonOf(error);
      }
      const cost = (cpuMs?.() ?? 0) - before;
      if (cost <= CPU_MS_MAX) return undefined;
      if (replay === REPLAYS) return `it costs ${Math.round(cost)} ms of CPU in each of ${REPLAYS} replays`;
    }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.stack}` : "";
  return error instanceof Violation ? `${error.message}${cause}` : (error.stack ?? error.message);
}
