// Chooses where power is cut in a recorded run and rebuilds what the drive may then hold, with what had been told by
// then. It does not judge: whoever asks opens the files and compares.
import { writeFileSync } from "node:fs";
import { DiskModel } from "./disk-model.js";
import { PHASES, type Phase } from "./phases.js";
import { integer, type Random } from "./seeded-random.js";
import { type FileName, SUFFIXES, type TraceEvent } from "./trace.js";
import { type Acknowledgement, type Peer, Witness } from "./witness.js";

export interface CrashState {
  readonly files: ReadonlyMap<FileName, Buffer>;
  /** Process of the run (from 0) and event in its trace, for repeating it. */
  readonly process: number;
  readonly event: number;
  readonly phase: Phase;
  /** Told before the cut. */
  readonly acknowledged: readonly Acknowledgement[];
  readonly seen: ReadonlyMap<string, number>;
}

/** One process: what it did, and who was connected to it, by the port of the client's end. */
export interface RecordedProcess {
  readonly trace: readonly TraceEvent[];
  readonly phases: readonly Phase[];
  readonly peers: ReadonlyMap<number, Peer>;
}

export interface CrashOptions {
  /** The processes that ran over the database one after another, the first one over no file. */
  readonly processes: readonly RecordedProcess[];
  readonly states: number;
  readonly random: Random;
}

/** Cuts by event index, rising: half of them anywhere, half spread evenly over the phases, short as some are. */
function chooseCuts(phases: readonly Phase[], count: number, random: Random): readonly number[] {
  const byPhase = PHASES.map((phase) => phases.flatMap((one, index) => (one === phase ? [index] : [])));
  const met = byPhase.filter((events) => events.length > 0);
  const cuts: number[] = [];
  for (let chosen = 0; chosen < count; chosen += 1) {
    const events = chosen % 2 === 0 ? undefined : met[Math.floor(chosen / 2) % met.length];
    cuts.push(events?.[integer(random, events.length)] ?? integer(random, phases.length));
  }
  return cuts.sort((a, b) => a - b);
}

/** Crash states of a run, in the order of their cuts, made one at a time as they are asked for. */
export function* crashStates(options: CrashOptions): Generator<CrashState> {
  const { processes, random } = options;
  const total = processes.reduce((sum, { trace }) => sum + trace.length, 0);
  const disk = new DiskModel(random);
  const told: Acknowledgement[] = [];
  const seen = new Map<string, number>();
  let given = 0;
  for (const [process, { trace, phases, peers }] of processes.entries()) {
    const last = process === processes.length - 1;
    const share = last ? options.states - given : Math.round((options.states * trace.length) / total);
    given += share;
    const cuts = chooseCuts(phases, share, random);
    const witness = new Witness(peers);
    let next = 0;
    for (const [index, event] of trace.entries()) {
      for (; cuts[next] === index; next += 1) {
        yield {
          files: disk.crash(random),
          process,
          event: index,
          phase: phases[index] ?? "setup",
          acknowledged: [...told, ...witness.acknowledged],
          seen: merge(seen, witness.seen),
        };
      }
      disk.apply(event);
      witness.apply(event);
    }
    disk.processEnded();
    told.push(...witness.acknowledged);
    for (const [document, seq] of merge(seen, witness.seen)) seen.set(document, seq);
  }
}

function merge(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const merged = new Map(one);
  for (const [document, seq] of other) merged.set(document, Math.max(merged.get(document) ?? 0, seq));
  return merged;
}

/** Writes files beside each other; `database` is the path of the main one. */
export function writeFiles(files: CrashState["files"], database: string): void {
  for (const [name, content] of files) writeFileSync(`${database}${SUFFIXES[name]}`, content);
}
