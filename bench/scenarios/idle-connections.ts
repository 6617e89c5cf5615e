// P9, P22 and P10: many connections that follow a document and do nothing. P9 compares the memory that each takes with a
// member of a room of a bare ws server and of socket.io; P22 bounds it; P10 compares how fast the last of 19,000 join with
// how fast the first do.
import { setTimeout as delay } from "node:timers/promises";
import { holdLoad, type LoadShape } from "../load.js";
import { rssMbOf } from "../memory.js";
import { startPeer } from "../peers-load.js";
import type { ServerProcess } from "../process.js";
import type { Figures, RunLength, Scenario, Side } from "../scenario.js";
import { tidemark, withServer } from "../servers.js";

const IDLE = 10_000;
/** Descriptors are 20,000 a process on many machines: so many connections, and a few files. */
const MANY = 19_000;
/** Below the rate at which a server lets in, which would be what is measured. */
const DIALS_PER_SECOND = 1_800;
const MB = 1_000_000;
/** After the start, so that what begins with it is over. */
const SETTLE_MS = 1_000;
/** Longer than heartbeats are apart. */
const IDLE_MS = 12_000;
const RSS_BYTES_MAX = 12 * 1_024;

type Start = <T>(use: (server: ServerProcess) => Promise<T>) => Promise<T>;

/** Tidemark's last connection writes, and gives up its own subscription first. */
const followers: LoadShape = {
  ...{ mode: "tidemark", documents: 1, subscribers: IDLE, outstanding: 1 },
  dialRate: DIALS_PER_SECOND,
};

/** Of a server, bytes; the heap after a collection. */
export interface Held {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
}

/** What it holds now. */
export async function held(server: ServerProcess): Promise<Held> {
  const rssBytes = rssMbOf(server.pid) * MB;
  const { heapUsed, external } = await server.memory({ collect: true });
  return { rssBytes, heapBytes: heapUsed, externalBytes: external };
}

function bytesEach(start: Start, shape: LoadShape, { seconds }: RunLength): Promise<Figures> {
  return start(async (server) => {
    await delay(SETTLE_MS);
    const before = await held(server);
    const target = { port: server.port, serverPid: server.pid, seconds, warmUpSeconds: 0 };
    const { held: idle } = await holdLoad(shape, target, async () => {
      await delay(IDLE_MS);
      const now = await held(server);
      return { now, collectedBytes: rssMbOf(server.pid) * MB };
    });
    const count = shape.subscribers ?? 1;
    const each = (bytes: number): number => Math.round(bytes / count);
    const details = {
      collectedBytes: each(idle.collectedBytes - before.rssBytes),
      heapBytes: each(idle.now.heapBytes - before.heapBytes),
      externalBytes: each(idle.now.externalBytes - before.externalBytes),
    };
    return {
      value: each(idle.now.rssBytes - before.rssBytes),
      details,
      note: `after a collection ${details.collectedBytes}, of which heap ${details.heapBytes}, external ${details.externalBytes}; the kernel's part is not in it`,
    };
  });
}

const ours: Side = {
  name: "tidemark",
  measure: (length) => bytesEach((use) => withServer(tidemark, use), followers, length),
};

const members = (name: string, peer: "broadcast" | "socketio", mode: "room" | "socketio"): Side => ({
  name,
  measure: (length) =>
    bytesEach((use) => startPeer(peer, use), { mode, subscribers: IDLE, dialRate: DIALS_PER_SECOND }, length),
});

const ABOUT_SECONDS = 70;
const idle = { unit: "bytes", subject: ours, aboutSeconds: ABOUT_SECONDS };

export const idleOverWs: Scenario = {
  ...idle,
  id: "P9-ws",
  title: `memory (RSS) of each of ${IDLE} connections that follow a document and do nothing, over a member of a room of a bare ws server`,
  peer: members("bare ws", "broadcast", "room"),
  goal: { atMost: 1.3 },
};

export const idleOverSocketIo: Scenario = {
  ...idle,
  id: "P9-socketio",
  title: "the same over a member of a socket.io room",
  peer: members("socket.io 4", "socketio", "socketio"),
  goal: { atMost: 0.6 },
};

export const idleBytes: Scenario = {
  ...idle,
  id: "P22",
  title: "the same over the bound of 12 KB",
  peer: { name: "bound", measure: async () => ({ value: RSS_BYTES_MAX, details: {} }) },
  goal: { atMost: 1 },
};

interface Joins {
  readonly first: Figures;
  readonly last: Figures;
}

async function join(length: RunLength): Promise<Joins> {
  const shape: LoadShape = { ...followers, subscribers: MANY - 1 };
  return withServer(tidemark, async (server) => {
    const target = { port: server.port, serverPid: server.pid, seconds: length.seconds, warmUpSeconds: 0 };
    const { result } = await holdLoad(shape, target, () => delay(SETTLE_MS));
    const { joinsCompared: count = 0, joinSeconds = 0 } = result;
    const of = (seconds: number | undefined = 0, cpuSeconds: number | undefined = 0): Figures => ({
      value: count / cpuSeconds,
      wallSeconds: seconds,
      cpuSeconds,
      details: { joinsPerSecond: count / seconds, cpuUs: (1e6 * cpuSeconds) / count },
      note: `${Math.round(count / seconds)} a second of ${DIALS_PER_SECOND} offered, ${Math.round((1e6 * cpuSeconds) / count)} us CPU each; all ${MANY} in ${joinSeconds.toFixed(1)} s`,
    });
    const first = of(result.firstJoinSeconds, result.firstJoinCpuSeconds);
    const last = of(result.lastJoinSeconds, result.lastJoinCpuSeconds);
    return { first, last };
  });
}

function lateJoins(): Scenario {
  let joins: Joins | undefined;
  return {
    id: "P10",
    title: `joins a CPU second of the last 5,000 of ${MANY} connections in one process, over the first 5,000; all are delivered to afterwards`,
    unit: "joins/CPU s",
    subject: {
      name: "last 5,000",
      async measure(length) {
        joins = await join(length);
        return joins.last;
      },
    },
    peer: {
      name: "first 5,000",
      async measure(length) {
        return (joins ?? (await join(length))).first;
      },
    },
    goal: { atLeast: 0.9 },
    aboutSeconds: 25,
  };
}

export const joinsOfMany = lateJoins();
