// Runs the real server three times over one database, recorded: stopped politely, killed, and killed again, so that
// creation, a clean close, the second opening of a file and recovery from a log are all in the trace.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RecordedProcess } from "./crash-states.js";
import type { Sent } from "./inspection.js";
import { pageOwners, phasesOf } from "./phases.js";
import type { FaultOptions } from "./preload/library.js";
import { seededRandom } from "./seeded-random.js";
import { startServer } from "./server-process.js";
import { readTrace, type TraceEvent } from "./trace.js";
import { WireClient } from "./wire-client.js";
import { type Peer, Witness } from "./witness.js";
import { drive } from "./workload.js";

/** `full`: as shipped. The others must lose acknowledged calls: `normal` commits with synchronous=NORMAL, `early`
 * acknowledges before its sync is done. */
export type Variant = "full" | "normal" | "early";

export interface RunOptions {
  /** Empty; the database and the traces are put there. Without symbolic links. */
  readonly directory: string;
  readonly variant: Variant;
  readonly messages: number;
  readonly seed: number;
  /** Gets the number of answers so far. */
  readonly progress?: (answered: number) => void;
}

export interface RecordedRun {
  readonly processes: readonly RecordedProcess[];
  readonly sent: Sent;
}

const SUBJECT = "fault";
const DOCUMENTS = ["list/a", "list/b", "list/c"];
const CLIENTS = 3;
const WINDOW = 6;
const NORMAL = fileURLToPath(new URL("preload/normal.cjs", import.meta.url));
/** Share of the messages and end of each process. */
const LIVES = [
  { share: 0.3, end: "stop" },
  { share: 0.4, end: "kill" },
  { share: 0.3, end: "kill" },
] as const;

interface Life {
  readonly trace: readonly TraceEvent[];
  readonly peers: ReadonlyMap<number, Peer>;
}

/** Drives the server and returns what it did and what it was sent. */
export async function recordRun(options: RunOptions): Promise<RecordedRun> {
  const { directory, messages, variant } = options;
  mkdirSync(directory, { recursive: true });
  const database = `${directory}/power.db`;
  const random = seededRandom(options.seed);
  const clients = Array.from({ length: CLIENTS }, () => new WireClient(SUBJECT));
  const lives: Life[] = [];
  let answered = 0;
  for (const [life, { share, end }] of LIVES.entries()) {
    const trace = `${directory}/trace-${life}`;
    const peers = new Map<number, Peer>();
    const server = await startServer(serverOptions(variant, { database, trace }));
    const count = Math.round(messages * share);
    const progress = (): void => options.progress?.(++answered);
    const { socketUrl } = server;
    await drive({ socketUrl, clients, documents: DOCUMENTS, messages: count, window: WINDOW, random, peers, progress });
    await server[end]();
    lives.push({ trace: readTrace(trace), peers });
  }
  requireWitness(lives, clients);
  const owners = pageOwners(database);
  return {
    processes: lives.map((life) => ({ ...life, phases: phasesOf(life.trace, owners) })),
    sent: { clients: new Map(clients.map((client) => [client.id, client])), documents: DOCUMENTS, subject: SUBJECT },
  };
}

/** A trace that missed acknowledgements would forgive their loss. */
function requireWitness(lives: readonly Life[], clients: readonly WireClient[]): void {
  let witnessed = 0;
  for (const { trace, peers } of lives) {
    const witness = new Witness(peers);
    for (const event of trace) witness.apply(event);
    witnessed += witness.acknowledged.length;
  }
  const answered = clients.flatMap((client) => client.calls).filter((call) => call.answer?.kind === "ok").length;
  if (answered === 0 || witnessed < answered)
    throw new Error(`${answered} calls were answered, the traces show ${witnessed}`);
}

function serverOptions(variant: Variant, faults: FaultOptions): Parameters<typeof startServer>[0] {
  if (variant === "early") return { faults: { ...faults, sync: "late" } };
  if (variant === "normal") return { faults, environment: { NODE_OPTIONS: `--require ${NORMAL}` } };
  return { faults };
}
