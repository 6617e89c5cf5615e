// Chooses where power is cut in a recorded run and rebuilds what the drive may then hold, with what had been told by
// then. It does not judge: whoever asks opens the files and compares.
import { writeFileSync } from "node:fs";
import { DiskModel } from "./disk-model.js";
import { integer, type Random } from "./seeded-random.js";
import { type FileName, SUFFIXES, type TraceEvent } from "./trace.js";
import { type Acknowledgement, type Peer, Witness } from "./witness.js";

/** What was going on when power was cut. */
export type Phase = "commit" | "checkpoint";

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
  readonly peers: ReadonlyMap<number, Peer>;
}

export interface CrashOptions {
  /** The processes that ran over the database one after another, the first one over no file. */
  readonly processes: readonly RecordedProcess[];
  readonly states: number;
  readonly random: Random;
}

/** Events inside a checkpoint: from its first write of the main file to the end of that file's sync. */
function checkpointEvents(trace: readonly TraceEvent[]): ReadonlySet<number> {
  const inside = new Set<number>();
  let open = false;
  trace.forEach((event, index) => {
    if (event.kind === "write" && event.file === "main") open = true;
    if (open) inside.add(index);
    if (event.kind === "sync-end" && event.file === "main") open = false;
  });
  return inside;
}

/** Cuts by event index, rising. A third falls into checkpoints: short as they are, chance alone would miss them. */
function chooseCuts(trace: readonly TraceEvent[], count: number, random: Random): readonly [number, Phase][] {
  const inside = checkpointEvents(trace);
  const checkpoints = [...inside];
  const cuts: number[] = [];
  for (let chosen = 0; chosen < count; chosen += 1) {
    const special = chosen % 3 === 0 ? checkpoints[integer(random, checkpoints.length)] : undefined;
    cuts.push(special ?? integer(random, trace.length));
  }
  return cuts.sort((a, b) => a - b).map((cut) => [cut, inside.has(cut) ? "checkpoint" : "commit"]);
}

/** Crash states of a run, in the order of their cuts, made one at a time as they are asked for. */
export function* crashStates(options: CrashOptions): Generator<CrashState> {
  const { processes, random } = options;
  const total = processes.reduce((sum, { trace }) => sum + trace.length, 0);
  const disk = new DiskModel(random);
  const told: Acknowledgement[] = [];
  const seen = new Map<string, number>();
  let given = 0;
  for (const [process, { trace, peers }] of processes.entries()) {
    const last = process === processes.length - 1;
    const share = last ? options.states - given : Math.round((options.states * trace.length) / total);
    given += share;
    const cuts = chooseCuts(trace, share, random);
    const witness = new Witness(peers);
    let next = 0;
    for (const [index, event] of trace.entries()) {
      for (; cuts[next]?.[0] === index; next += 1) {
        yield {
          files: disk.crash(random),
          process,
          event: index,
          phase: cuts[next]?.[1] ?? "commit",
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

/** Writes the files of a state beside each other; `database` is the path of the main one. */
export function writeCrashState(state: CrashState, database: string): void {
  for (const [name, content] of state.files) writeFileSync(`${database}${SUFFIXES[name]}`, content);
}
