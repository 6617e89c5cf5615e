// P13: ten thousand real clients are cut off at once by kill -9 and come back at once, while one of them goes on
// writing. What is measured is the time from the moment the server listens again until the last of them is at head.
import { setTimeout as delay } from "node:timers/promises";
import { Crowd } from "../crowd/crowd.js";
import type { Return } from "../crowd/messages.js";
import { type RecordedCounts, ServerRecord } from "../crowd/server-record.js";
import { Writer } from "../crowd/writer.js";
import { cpuSecondsOf } from "../process.js";
import type { Figures, Scenario } from "../scenario.js";
import { tidemarkWith, withDirectory } from "../servers.js";

/** How the herd looks. */
export interface HerdShape {
  readonly clients: number;
  readonly documents: number;
  readonly stateBytes: number;
  /** Every write goes to all who are there: what these clients can take besides coming back. */
  readonly writesPerSecond: number;
  /** False: whoever comes back has forgotten what it held and needs a snapshot. */
  readonly keepsMemory: boolean;
}

/** What became of it. Times in ms since the server listened again. */
export interface HerdResult {
  readonly returns: readonly Return[];
  readonly killedAt: number;
  readonly listeningAt: number;
  readonly counts: RecordedCounts;
  /** Until all were back: of the clients, and of the server since it was started. */
  readonly clientCpuSeconds: number;
  readonly serverCpuSeconds: number;
  /** What the server holds when all are back, MB. */
  readonly serverRssMb: number;
  readonly serverHeapMb: number;
  /** Clients whose state in the end is not the writer's. */
  readonly differing: number;
}

const FIGURES_MS = 250;
const MB = 1_000_000;
const SETTLE_MS = 500;
/** Longer than the server's figures are apart. */
const LAST_FIGURES_MS = 600;

/** Plays it once. */
export function playHerd(shape: HerdShape): Promise<HerdResult> {
  const { clients, documents, stateBytes, writesPerSecond, keepsMemory } = shape;
  return withDirectory(async (directory) => {
    const record = new ServerRecord();
    let server = await tidemarkWith({ figuresMs: FIGURES_MS })(directory);
    const { port } = server;
    const url = `http://127.0.0.1:${port}`;
    const keys = Array.from({ length: documents }, (_, n) => `herd-${n}`);
    const writer = await Writer.create(url, keys, stateBytes);
    let crowd: Crowd | undefined;
    try {
      crowd = await Crowd.connect(clients, { url, documents: keys, keepsMemory });
      writer.begin(writesPerSecond);
      await delay(SETTLE_MS);
      const back = crowd.watch(writer.heads);
      await delay(SETTLE_MS);
      const killedAt = Date.now();
      await server.kill();
      server = await tidemarkWith({ port, figuresMs: FIGURES_MS, hear: record.hear })(directory);
      const listeningAt = Date.now();
      const { clients: returns, cpuSeconds: clientCpuSeconds } = await back;
      const serverCpuSeconds = cpuSecondsOf(server.pid);
      const { rss, heapUsed } = await server.memory();
      const differing = await crowd.differing(await writer.finish());
      await delay(LAST_FIGURES_MS);
      return {
        ...{ returns, killedAt, listeningAt, counts: record.counts, clientCpuSeconds, serverCpuSeconds, differing },
        ...{ serverRssMb: rss / MB, serverHeapMb: heapUsed / MB },
      };
    } finally {
      writer.close();
      crowd?.leave();
      await server.kill();
    }
  });
}

/** Throws when anything but time was wrong. */
export function figuresOf(result: HerdResult): Figures {
  const { returns, killedAt, listeningAt, counts, clientCpuSeconds, serverCpuSeconds, differing } = result;
  if (differing > 0) throw new Error(`${differing} clients do not hold what the writer wrote`);
  if (counts.snapshotsAgain > 0) throw new Error(`${counts.snapshotsAgain} states were written out twice at one seq`);
  const seconds = returns.map(({ at }) => (at - listeningAt) / 1_000).sort((a, b) => a - b);
  const attempts = returns.map((one) => one.attempts).sort((a, b) => a - b);
  const quantile = (sorted: readonly number[], q: number): number => sorted[Math.ceil(sorted.length * q) - 1] ?? 0;
  const p50 = quantile(seconds, 0.5);
  const p99 = quantile(seconds, 0.99);
  const down = (listeningAt - killedAt) / 1_000;
  const details = {
    p50Seconds: p50,
    p99Seconds: p99,
    downSeconds: down,
    attemptsMax: quantile(attempts, 1),
    ...counts,
  };
  const note =
    `p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} s; down ${down.toFixed(2)} s; attempts p50 ${quantile(attempts, 0.5)} ` +
    `max ${details.attemptsMax}; sent away ${counts.sentAway}; resumed ${counts.resumed}, reset ${counts.reset}, ` +
    `snapshots ${counts.snapshots}, log reads ${counts.logReads}; CPU s: clients ${clientCpuSeconds.toFixed(1)}, server ${serverCpuSeconds.toFixed(1)}`;
  const { serverRssMb: rssMb, serverHeapMb: heapMb } = result;
  return {
    ...{ value: quantile(seconds, 1), wallSeconds: quantile(seconds, 1), cpuSeconds: serverCpuSeconds },
    ...{ memory: { rssMb, rssMaxMb: rssMb, heapMb, heapMaxMb: heapMb }, details, note },
  };
}

const BOUND_S = 15;

function herd(id: string, title: string, shape: HerdShape): Scenario {
  return {
    id,
    title: `${title}: from listening again until the last client is at head, over the promised ${BOUND_S} s`,
    unit: "s",
    subject: { name: "tidemark", measure: async () => figuresOf(await playHerd(shape)) },
    peer: { name: "promise", measure: async () => ({ value: BOUND_S, details: {} }) },
    goal: { atMost: 1 },
    aboutSeconds: 60,
  };
}

const CLIENTS = 10_000;
const STATE_BYTES = 20_000;

export const herdOnMany = herd("P13-many", "10,000 clients on 100 documents after kill -9", {
  clients: CLIENTS,
  documents: 100,
  stateBytes: STATE_BYTES,
  writesPerSecond: 50,
  keepsMemory: true,
});

export const herdOnOne = herd("P13-one", "10,000 clients on one document after kill -9", {
  clients: CLIENTS,
  documents: 1,
  stateBytes: STATE_BYTES,
  writesPerSecond: 2,
  keepsMemory: true,
});

export const herdAnew = herd(
  "P13-anew",
  "10,000 clients on one document after kill -9 that have forgotten what they held",
  {
    clients: CLIENTS,
    documents: 1,
    stateBytes: STATE_BYTES,
    writesPerSecond: 2,
    keepsMemory: false,
  },
);
