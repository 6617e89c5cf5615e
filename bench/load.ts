// Runs the load against a server and reads its one line of JSON. Whether the figures may be used is decided here: a
// load that found anything wrong throws.
import { type ChildProcess, execFile } from "node:child_process";
import type { ServerMemory } from "./memory.js";
import { nativeProgram } from "./native.js";
import { pinned } from "./pinning.js";

/** What the load plays. Documents have one writer each; `subscribers` is per document. */
export interface LoadShape {
  readonly mode: "tidemark" | "echo" | "sink" | "burst" | "room" | "socketio";
  readonly documents?: number;
  readonly subscribers?: number;
  /** So many of them do not read until the window is over. */
  readonly stopped?: number;
  readonly outstanding?: number;
  readonly payloadBytes?: number;
  /** Each call writes another value, so that all of it is in the delta. */
  readonly freshValues?: boolean;
  /** Calls made per second by all writers together, whatever the server does; without it each answer makes the next. */
  readonly rate?: number;
  /** How long each of them has to be acked. */
  readonly ttlMs?: number;
  /** All subscribers but the first leave, miss so many calls, and come back at once. */
  readonly missed?: number;
  /** One after another instead of all at once. */
  readonly oneByOne?: boolean;
  /** What each asks for in mode `burst`. */
  readonly burstBytes?: number;
  /** How large each document is made when it is created. */
  readonly stateBytes?: number;
  /** The pace of the subscribers; wants fresh values. */
  readonly everyMs?: number;
  /** The document's type and the beginning of its key, the message that is called, and the key that all calls write; default:
   * `sheet`, `load`, `set`, twenty. */
  readonly type?: string;
  readonly prefix?: string;
  readonly message?: string;
  readonly key?: string;
  /** Each subscriber sees what is theirs alone: what `viewer-0` is written must reach the first and no other. */
  readonly views?: boolean;
  /** Of each writer, before `holdLoad` lets somebody look. */
  readonly heldCalls?: number;
  /** So many connect a second, from the start; without it as many as a server lets in. */
  readonly dialRate?: number;
}

/** Where the load goes, and for how long. */
export interface LoadTarget {
  readonly port: number;
  readonly serverPid: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Where the load runs; default: its own core. */
  readonly cores?: "load" | "any";
}

/** What was seen within the window. CPU seconds are the server's, all threads. */
export interface LoadResult {
  readonly seconds: number;
  readonly acks: number;
  readonly acksPerSecond: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  readonly deliveries: number;
  readonly deliveriesPerSecond: number;
  readonly deliveryP50Ms: number;
  readonly deliveryP99Ms: number;
  readonly megabytesPerSecond: number;
  /** Share of its core that the load itself used; near 1, it was the load that was measured. */
  readonly loadCpu: number;
  readonly serverUserSeconds: number;
  readonly serverSystemSeconds: number;
  readonly serverRssMb: number;
  readonly serverRssMaxMb: number;
  /** With a rate: calls made, acked in time and too late, given up by the client and by the server, copies refused. */
  readonly offered: number;
  readonly good: number;
  readonly late: number;
  readonly shed: number;
  readonly expired: number;
  readonly refusedCopies: number;
  /** Since before the first call. */
  readonly serverRssGrownMb?: number;
  /** From the end of the window until all who had stopped were at the head. */
  readonly wakeSeconds?: number;
  /** How often those were reset. */
  readonly stoppedResets?: number;
  /** Of subscribers that were away: what went by, what coming back took each and the last of them, by deltas or by a
   * snapshot, and what a snapshot took. */
  readonly missedBytes?: number;
  readonly resumeBytes?: number;
  readonly resumeMs?: number;
  readonly resumeP50Ms?: number;
  readonly resumedByReset?: 0 | 1;
  readonly snapshotBytes?: number;
  readonly snapshotP50Ms?: number;
  /** Until all had joined; of the first and of the last so many, how long they took and what the server used. */
  readonly joinSeconds?: number;
  readonly joinsCompared?: number;
  readonly firstJoinSeconds?: number;
  readonly lastJoinSeconds?: number;
  readonly firstJoinCpuSeconds?: number;
  readonly lastJoinCpuSeconds?: number;
  /** Acks in the first and the last tenth of the window, and in that with the fewest. */
  readonly firstTenthAcks?: number;
  readonly lastTenthAcks?: number;
  readonly leastTenthAcks?: number;
  readonly failures: { readonly [check: string]: number };
}

/** What a load saw, and what the server held meanwhile. */
export interface MeasuredLoad extends LoadResult {
  readonly memory?: ServerMemory;
}

/** A load that found a gap, a difference, a refusal, or could not run at all. */
export class LoadFailure extends Error {
  override readonly name = "LoadFailure";
}

/** Runs one load to its end. Throws LoadFailure when a check failed. */
export async function runLoad(shape: LoadShape, target: LoadTarget): Promise<LoadResult> {
  const [command, args] = pinned(target.cores ?? "load", await nativeProgram("load"), loadArguments(shape, target));
  return resultOf(await finished(command, args));
}

/** Runs one that stops once everybody is there, for as long as `whileHeld` takes; nobody calls meanwhile. */
export async function holdLoad<T>(
  shape: LoadShape,
  target: LoadTarget,
  whileHeld: () => Promise<T>,
): Promise<{ readonly held: T; readonly result: LoadResult }> {
  const options = [...loadArguments(shape, target), "--hold", "1"];
  const [command, args] = pinned(target.cores ?? "load", await nativeProgram("load"), options);
  const { held, ended } = await finishedAfter(command, args, whileHeld);
  return { held, result: resultOf(ended) };
}

/** Runs a load that says `held` and waits for a line, which it gets when `whileHeld` has ended. Throws LoadFailure when it ended
 * before. */
export async function finishedAfter<T>(
  command: string,
  args: readonly string[],
  whileHeld: () => Promise<T>,
): Promise<{ readonly held: T; readonly ended: Finished }> {
  let held: Promise<T> | undefined;
  const begin = async (child: ChildProcess): Promise<T> => {
    try {
      return await whileHeld();
    } finally {
      // Whatever came of it, the load has nothing more to wait for.
      child.stdin?.end("\n");
    }
  };
  const ended = await finished(command, args, (child) => {
    child.stdout?.once("data", () => {
      held = begin(child);
      // Seen below, once the load has ended.
      held.catch(() => undefined);
    });
  });
  if (held === undefined) throw failureOf(ended);
  return { held: await held, ended: { ...ended, stdout: ended.stdout.replace(/^held\n/, "") } };
}

/** What it printed. Throws LoadFailure when a check failed. */
export function resultOf<Result extends LoadResult = LoadResult>(ended: Finished): Result {
  if (ended.exitCode !== 0) throw failureOf(ended);
  const result: Result = JSON.parse(ended.stdout);
  return result;
}

const failureOf = ({ stdout, stderr }: Finished): LoadFailure =>
  new LoadFailure(`the load found something wrong:\n${stderr}${stdout}`);

function loadArguments(shape: LoadShape, target: LoadTarget): string[] {
  const options: [string, string | number | undefined][] = [
    ["port", target.port],
    ["server-pid", target.serverPid],
    ["seconds", target.seconds],
    ["warm-up", target.warmUpSeconds],
    ["mode", shape.mode],
    ["documents", shape.documents],
    ["subscribers", shape.subscribers],
    ["stopped", shape.stopped],
    ["outstanding", shape.outstanding],
    ["payload-bytes", shape.payloadBytes],
    ["fresh-values", shape.freshValues === true ? 1 : undefined],
    ["rate", shape.rate],
    ["ttl-ms", shape.ttlMs],
    ["missed", shape.missed],
    ["one-by-one", shape.oneByOne === true ? 1 : undefined],
    ["burst-bytes", shape.burstBytes],
    ["state-bytes", shape.stateBytes],
    ["every-ms", shape.everyMs],
    ["held-calls", shape.heldCalls],
    ["dial-rate", shape.dialRate],
    ["type", shape.type],
    ["prefix", shape.prefix],
    ["message", shape.message],
    ["key", shape.key],
    ["views", shape.views === true ? 1 : undefined],
  ];
  return options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
}

/** How a program ended. */
export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end and keeps what it printed. `begun` gets it while it runs. */
export function finished(
  command: string,
  args: readonly string[],
  begun?: (child: ChildProcess) => void,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, (error, stdout, stderr) => {
      if (error !== null && child.exitCode === null) reject(error);
      else resolve({ exitCode: child.exitCode ?? 1, stdout, stderr });
    });
    begun?.(child);
  });
}
