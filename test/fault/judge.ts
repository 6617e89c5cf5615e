// Opens crash states of a recorded run with the store's own engine, in this thread so that hundreds take seconds, and
// collects what is wrong with them.
import { mkdirSync, rmSync } from "node:fs";
import type { Engine } from "../../src/storage/sqlite/engine.js";
import { openEngine } from "../../src/storage/sqlite/open-engine.js";
import { type CrashState, crashStates, writeFiles } from "./crash-states.js";
import { Inspection, type Violation } from "./inspection.js";
import { PHASES, type Phase } from "./phases.js";
import type { RecordedRun } from "./recorded-run.js";
import { seededRandom } from "./seeded-random.js";

export interface JudgeOptions {
  readonly run: RecordedRun;
  readonly states: number;
  readonly seed: number;
  /** A directory of its own. */
  readonly directory: string;
  readonly progress?: (judged: number) => void;
}

/** A state that broke a promise, and how to find it again. */
export interface BrokenState {
  readonly process: number;
  readonly event: number;
  readonly phase: Phase;
  readonly violations: readonly Violation[];
}

export interface Verdict {
  readonly states: number;
  readonly byPhase: Readonly<Record<Phase, number>>;
  /** States in which something that anybody was told is gone. */
  readonly lost: number;
  readonly unreadable: number;
  readonly inconsistent: number;
  /** Acknowledgements that were looked for, over all states. */
  readonly acknowledgements: number;
  /** The broken states, in order. */
  readonly broken: readonly BrokenState[];
}

const SETTINGS = { foldRows: 20_000, foldBytes: 16_777_216, receiptKeepMs: 1e12, freeBytesMin: 0, random: 0.5 };

/** Opens a database file as the server would, and closes it again. */
export function withEngine<T>(file: string, use: (engine: Engine) => T): T {
  const { engine, close } = openEngine({ ...SETTINGS, file, now: Date.now() }, () => {});
  try {
    return use(engine);
  } finally {
    close();
  }
}

function judgeOne(state: CrashState, run: RecordedRun, directory: string): readonly Violation[] {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const file = `${directory}/power.db`;
  writeFiles(state.files, file);
  try {
    return withEngine(file, (engine) => new Inspection(engine, state, run.sent).violations());
  } catch (error) {
    return [{ kind: "unreadable", what: error instanceof Error ? error.message : String(error) }];
  }
}

/** Judges `states` crash states of a run. The same seed gives the same states. */
export function judgeRun({ run, states, seed, directory, progress }: JudgeOptions): Verdict {
  const byPhase: Record<Phase, number> = { setup: 0, commit: 0, fold: 0, snapshot: 0, checkpoint: 0 };
  const broken: BrokenState[] = [];
  let judged = 0;
  let acknowledgements = 0;
  for (const state of crashStates({ processes: run.processes, states, random: seededRandom(seed) })) {
    const { process, event, phase } = state;
    const violations = judgeOne(state, run, directory);
    if (violations.length > 0) broken.push({ process, event, phase, violations });
    byPhase[phase] += 1;
    acknowledgements += state.acknowledged.length;
    judged += 1;
    progress?.(judged);
  }
  const having = (kind: Violation["kind"]): number =>
    broken.filter(({ violations }) => violations.some((one) => one.kind === kind)).length;
  return {
    states: judged,
    byPhase,
    lost: having("lost"),
    unreadable: having("unreadable"),
    inconsistent: having("inconsistent"),
    acknowledgements,
    broken,
  };
}

/** A line for people: what was judged and what came out. */
export function describeVerdict(verdict: Verdict): string {
  const phases = PHASES.map((phase) => `${verdict.byPhase[phase]} ${phase}`).join(", ");
  return (
    `${verdict.states} crash states (${phases}), ${verdict.acknowledgements} acknowledgements looked for: ` +
    `${verdict.lost} lost, ${verdict.unreadable} unreadable, ${verdict.inconsistent} inconsistent`
  );
}
