// Runs the load that speaks a peer's own words against that peer, and reads its one line of JSON. A load that found anything
// wrong throws.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { finished, LoadFailure } from "./load.js";
import type { SpeakerName } from "./peer-load/speakers.js";
import { type PeerName, peerFolder } from "./peer-packages.js";
import { pinned } from "./pinning.js";
import { startPostgres } from "./postgres.js";
import { type ServerProcess, startServer, watchingMemory } from "./process.js";
import type { Figures, RunLength } from "./scenario.js";
import { withDirectory } from "./servers.js";

const PROGRAM = fileURLToPath(new URL("peer-load/main.ts", import.meta.url));
const BROADCAST = fileURLToPath(new URL("peers/broadcast.mjs", import.meta.url));
const STALL_SECONDS = 60;

/** What the load plays. */
export interface PeerShape {
  readonly documents: number;
  /** Of each document. */
  readonly followers: number;
  /** Of each document. */
  readonly outstanding: number;
}

/** What was seen within the window. */
export interface PeerResult {
  readonly seconds: number;
  readonly acks: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  readonly deliveries: number;
  readonly deliveryP50Ms: number;
  readonly deliveryP99Ms: number;
  readonly serverCpuSeconds: number;
  readonly loadCpu: number;
  readonly failures: readonly string[];
}

/** What is started: a peer by its words, ShareDB with PostgreSQL behind it. */
export type Peer = SpeakerName | "sharedb-postgres";

/** Runs the load against a server that is there. Throws LoadFailure when a check failed. */
export async function runPeerLoad(
  shape: PeerShape,
  target: RunLength & {
    readonly speaker: SpeakerName;
    readonly folder: string;
    readonly port: number;
    readonly serverPid: number;
    readonly stallSeconds?: number;
  },
): Promise<PeerResult> {
  const orders = JSON.stringify({ stallSeconds: STALL_SECONDS, ...shape, ...target });
  const [command, args] = pinned("load", process.execPath, ["--import", "tsx", PROGRAM, orders]);
  const { exitCode, stdout, stderr } = await finished(command, args);
  if (exitCode !== 0) throw new LoadFailure(`the load found something wrong:\n${stderr}${stdout}`);
  const result: PeerResult = JSON.parse(stdout);
  return result;
}

/** One load against a fresh peer; `counted` is what the figures are about. */
export function peerFigures(
  peer: Peer,
  shape: PeerShape,
  { counted, length }: { readonly counted: "acks" | "deliveries"; readonly length: RunLength },
): Promise<Figures> {
  return withPeer(peer, shape, async (server, { speaker, folder }) => {
    const target = { ...length, speaker, folder, port: server.port, serverPid: server.pid };
    const { result, memory } = await watchingMemory(server, () => runPeerLoad(shape, target));
    const { seconds, serverCpuSeconds, loadCpu, failures: _failures, ...details } = result;
    return {
      value: result[counted] / seconds,
      ...(peer === "sharedb-postgres" ? {} : { perCpuSecond: result[counted] / serverCpuSeconds }),
      ...{ wallSeconds: seconds, cpuSeconds: serverCpuSeconds, loadCpu },
      ...(memory === undefined ? {} : { memory }),
      details,
    };
  });
}

/** A fresh peer for as long as `use` takes; its load is somebody else's. */
export const startPeer = <T>(peer: Peer, use: (server: ServerProcess) => Promise<T>): Promise<T> =>
  withPeer(peer, { documents: 1, followers: 0, outstanding: 1 }, use);

interface Spoken {
  readonly speaker: SpeakerName;
  readonly folder: string;
}

function withPeer<T>(
  peer: Peer,
  { documents }: PeerShape,
  use: (server: ServerProcess, spoken: Spoken) => Promise<T>,
): Promise<T> {
  return withDirectory(async (directory) => {
    const speaker = peer === "sharedb-postgres" ? "sharedb" : peer;
    const postgres = peer === "sharedb-postgres" ? await startPostgres(directory) : undefined;
    try {
      const folder = speaker === "broadcast" ? "" : await peerFolder(speaker satisfies PeerName);
      const program = folder === "" ? BROADCAST : join(folder, "server.mjs");
      const server = await startServer([program, String(documents), ...(postgres === undefined ? [] : [postgres.url])]);
      try {
        return await use(server, { speaker, folder });
      } finally {
        await server.stop();
      }
    } finally {
      await postgres?.stop();
    }
  });
}
