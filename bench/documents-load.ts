// Runs the load of many documents, which a few connections hold and call in turn, and reads its one line of JSON. A load that
// found anything wrong throws.
import { finished, finishedAfter, type LoadResult, type LoadTarget, resultOf } from "./load.js";
import { nativeProgram } from "./native.js";
import { pinned } from "./pinning.js";

/** What it plays. A connection holds 1,000 documents at most where there are followers. */
export interface DocumentsShape {
  readonly connections: number;
  readonly documents: number;
  /** Of each document, on as many connections again. */
  readonly followers?: number;
  /** Over all; without it nobody calls. */
  readonly outstanding?: number;
  readonly stateBytes?: number;
}

/** What was seen, once every document had been called. */
export interface DocumentsResult extends LoadResult {
  /** Once all were open, before the first call. */
  readonly serverRssBeforeMb: number;
  /** Until every document had been called once. */
  readonly firstCallsSeconds: number;
}

/** Runs it to its end. */
export async function runDocuments(shape: DocumentsShape, target: LoadTarget): Promise<DocumentsResult> {
  const [command, args] = await commandOf(shape, target);
  return resultOf<DocumentsResult>(await finished(command, args));
}

/** Stops once all are open, for as long as `whileHeld` takes. */
export async function holdDocuments<T>(
  shape: DocumentsShape,
  target: LoadTarget,
  whileHeld: () => Promise<T>,
): Promise<T> {
  const [command, args] = await commandOf(shape, target);
  const { held, ended } = await finishedAfter(command, [...args, "--hold", "1"], whileHeld);
  resultOf(ended);
  return held;
}

async function commandOf(
  { connections, documents, followers = 0, outstanding = 0, stateBytes = 0 }: DocumentsShape,
  { port, serverPid, seconds, warmUpSeconds, cores }: LoadTarget,
): Promise<[string, string[]]> {
  const options = {
    ...{ port, "server-pid": serverPid, seconds, "warm-up": warmUpSeconds },
    ...{ connections, documents, followers, outstanding, "state-bytes": stateBytes },
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return pinned(cores ?? "load", await nativeProgram("documents"), args);
}
