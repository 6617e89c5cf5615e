// The JSON file of a benchmark: every run's figures beside the machine and the commit, written after each pair, so that a
// run which was cut short can be gone on with, and tables and pages can be made of it later. It measures nothing.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Commit } from "./machine.js";
import { type Machine, machineLine } from "./machine-line.js";
import type { Curve, Figures, Goal, RunLength, Scenario } from "./scenario.js";
import type { Pair } from "./verdict.js";

/** One run of each side; `at` is when it began. */
export interface RecordedPair extends Pair {
  readonly at: string;
  readonly tookSeconds: number;
}

/** What was measured of a scenario so far. */
export interface ScenarioRecord {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly subject: string;
  readonly peer: string;
  readonly goal?: Goal;
  readonly work?: string;
  readonly command: string;
  readonly length: RunLength;
  readonly pairs: readonly RecordedPair[];
  /** Why it ended early. */
  readonly failure?: string;
}

/** One run of one series at one x; no figures where there was nothing to measure. */
export interface RecordedPoint {
  readonly series: string;
  readonly x: number;
  readonly round: number;
  readonly at: string;
  readonly tookSeconds: number;
  readonly figures: Figures | null;
}

/** What was measured of a curve so far. */
export interface CurveRecord {
  readonly id: string;
  readonly title: string;
  readonly x: Curve["x"];
  readonly y: Curve["y"];
  readonly command: string;
  readonly length: RunLength;
  readonly points: readonly RecordedPoint[];
  readonly failure?: string;
}

/** The whole file. */
export interface BenchRecord {
  readonly format: 1;
  readonly machine: Machine;
  readonly commit: Commit;
  readonly scenarios: readonly ScenarioRecord[];
  readonly curves: readonly CurveRecord[];
}

/** Reads one; goals in the order of their numbers. Throws when it is none. */
export function readRecord(path: string): BenchRecord {
  if (!existsSync(path)) throw new Error(`${path}: there is no such file; a benchmark writes one (npm run bench)`);
  const read: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!isRecord(read)) throw new Error(`${path} was not written by this benchmark`);
  return { ...read, scenarios: byId(read.scenarios), curves: byId(read.curves) };
}

function byId<T extends { readonly id: string }>(all: readonly T[]): readonly T[] {
  return [...all].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
}

function isRecord(read: unknown): read is BenchRecord {
  return typeof read === "object" && read !== null && "format" in read && read.format === 1;
}

/** What a run is of. */
export interface RecordOf {
  readonly machine: Machine;
  readonly commit: Commit;
}

/** A file that is being written. */
export class RecordFile {
  readonly path: string;
  readonly #resume: boolean;
  #record: BenchRecord;

  /** Goes on with the file where it is of the same commit and machine: what is measured anew takes the place of what it was,
   * the rest stays. With `resume` throws where it is of another, and keeps what is there. */
  constructor(path: string, of: RecordOf, { resume }: { readonly resume: boolean }) {
    this.path = path;
    this.#resume = resume;
    const before = existsSync(path) ? readRecord(path) : undefined;
    const other = before === undefined ? undefined : differenceOf(before, of);
    if (resume && other !== undefined) {
      throw new Error(`${path} is of ${other}: leave out --resume, or name another file with --json`);
    }
    this.#record =
      before === undefined || other !== undefined ? { format: 1, ...of, scenarios: [], curves: [] } : before;
  }

  get record(): BenchRecord {
    return this.#record;
  }

  /** What is gone on with when a scenario is begun; undefined when it is measured anew. Throws when it was begun with other
   * lengths. */
  scenarioSoFar(id: string, length: RunLength): ScenarioRecord | undefined {
    return this.#goneOnWith(this.#record.scenarios, id, length);
  }

  /** The same of a curve. */
  curveSoFar(id: string, length: RunLength): CurveRecord | undefined {
    return this.#goneOnWith(this.#record.curves, id, length);
  }

  /** Begins a scenario, or goes on with it: how many pairs there are. */
  beginScenario(scenario: Scenario, length: RunLength, command: string): number {
    const { id, title, unit, goal, work } = scenario;
    const before = this.scenarioSoFar(id, length);
    this.#putScenario({
      ...{ id, title, unit, subject: scenario.subject.name, peer: scenario.peer.name },
      ...(goal === undefined ? {} : { goal }),
      ...(work === undefined ? {} : { work }),
      ...{ command, length, pairs: before?.pairs ?? [] },
    });
    return before?.pairs.length ?? 0;
  }

  addPair(id: string, pair: RecordedPair): void {
    const scenario = this.scenario(id);
    this.#putScenario({ ...scenario, pairs: [...scenario.pairs, pair] });
  }

  /** Begins a curve, or goes on with it: the points that there are. */
  beginCurve(curve: Curve, length: RunLength, command: string): readonly RecordedPoint[] {
    const { id, title, x, y } = curve;
    const points = this.curveSoFar(id, length)?.points ?? [];
    this.#putCurve({ id, title, x, y, command, length, points });
    return points;
  }

  addPoint(id: string, point: RecordedPoint): void {
    const curve = this.curve(id);
    this.#putCurve({ ...curve, points: [...curve.points, point] });
  }

  addFailure(id: string, failure: string): void {
    const scenario = this.#record.scenarios.find((one) => one.id === id);
    if (scenario === undefined) this.#putCurve({ ...this.curve(id), failure });
    else this.#putScenario({ ...scenario, failure });
  }

  scenario(id: string): ScenarioRecord {
    return foundIn(this.#record.scenarios, id);
  }

  curve(id: string): CurveRecord {
    return foundIn(this.#record.curves, id);
  }

  #goneOnWith<T extends { readonly id: string; readonly length: RunLength }>(
    all: readonly T[],
    id: string,
    { seconds, warmUpSeconds }: RunLength,
  ): T | undefined {
    const before = all.find((one) => one.id === id);
    if (!this.#resume || before === undefined) return undefined;
    const was = before.length;
    if (was.seconds !== seconds || was.warmUpSeconds !== warmUpSeconds) {
      throw new Error(
        `${id} was begun with --seconds ${was.seconds} --warm-up ${was.warmUpSeconds}: resume with the same`,
      );
    }
    return before;
  }

  #putScenario(scenario: ScenarioRecord): void {
    this.#write({ ...this.#record, scenarios: put(this.#record.scenarios, scenario) });
  }

  #putCurve(curve: CurveRecord): void {
    this.#write({ ...this.#record, curves: put(this.#record.curves, curve) });
  }

  #write(record: BenchRecord): void {
    this.#record = record;
    mkdirSync(dirname(this.path), { recursive: true });
    // A rename, so that a run that is cut off here leaves the file before.
    writeFileSync(`${this.path}.part`, `${JSON.stringify(record, null, 1)}\n`);
    renameSync(`${this.path}.part`, this.path);
  }
}

function put<T extends { readonly id: string }>(all: readonly T[], one: T): readonly T[] {
  return all.some(({ id }) => id === one.id) ? all.map((old) => (old.id === one.id ? one : old)) : [...all, one];
}

function foundIn<T extends { readonly id: string }>(all: readonly T[], id: string): T {
  const found = all.find((one) => one.id === id);
  if (found === undefined) throw new Error(`${id} was never begun`);
  return found;
}

/** What a file is of, where it is not of this. */
function differenceOf({ machine, commit }: BenchRecord, of: RecordOf): string | undefined {
  if (commit.id !== of.commit.id) return `commit ${commit.id}, not ${of.commit.id}`;
  if (commit.changes !== of.commit.changes) return `other changes to commit ${commit.id}`;
  const [was, is] = [machineLine(machine), machineLine(of.machine)];
  return was === is ? undefined : `another machine (${was})`;
}
