// The load of peers whose words are not worth speaking in C: a writer for each document with so many changes outstanding,
// and followers of each, in one thread. It prints one line of JSON, and exits 1 when anything was lost, doubled or out of
// order. How busy it was itself is in the line: near 1, it was the load that was measured.
import { createHistogram, performance } from "node:perf_hooks";
import { cpuSecondsOf } from "../process.js";
import { Connection } from "./connection.js";
import { type Lane, LoadedDocument, type Tally } from "./document.js";
import type { Place, Speaker, Talk } from "./speaker.js";
import { speakerNamed } from "./speakers.js";

interface Orders {
  readonly speaker: string;
  readonly folder: string;
  readonly port: number;
  readonly serverPid: number;
  readonly documents: number;
  readonly followers: number;
  readonly outstanding: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly stallSeconds: number;
}

const CONNECTING_MAX = 50;
const SETTLE_MS = 300;
const failures: string[] = [];
const tally: Tally & { ackUs: ReturnType<typeof createHistogram>; deliveryUs: ReturnType<typeof createHistogram> } = {
  ...{ isMeasuring: false, acks: 0, deliveries: 0, ackUs: createHistogram(), deliveryUs: createHistogram() },
  complain: (what) => void failures.push(what),
};
let isCalling = false;
const orders: Orders = JSON.parse(process.argv[2] ?? unexpected("its orders are one argument of JSON"));

/** A writer and its changes. */
interface Writer {
  readonly lane: Lane;
  readonly talk: Talk;
  readonly outstanding: number;
}

/** Makes changes until so many are outstanding. */
function refill({ lane, talk, outstanding }: Writer): void {
  while (isCalling && lane.sent - lane.acked < outstanding) {
    const { n, text } = lane.begin(performance.now());
    talk.change?.(n, text);
  }
}

function unexpected(why: string): never {
  console.error(`peer load: ${why}`);
  process.exit(1);
}

/** What a connection is told. */
interface Listener {
  heard(bytes: Buffer): boolean;
  acked(n: number | undefined): void;
}

let connections = 0;

/** Connects; resolves when it is ready. */
async function join(
  speaker: Speaker,
  who: Omit<Place, "connection">,
  listener: (talk: Talk) => Listener,
): Promise<Talk> {
  const place = { ...who, connection: ++connections };
  const path = await speaker.path?.(place);
  const { frame } = speaker;
  const how = path !== undefined ? { path } : frame !== undefined ? { frame } : unexpected("a speaker without a form");
  return new Promise((resolve) => {
    let isReady = false;
    const connection = new Connection(orders.port, how, {
      open: () => talk.open?.(),
      message(bytes) {
        const isDelivery = isReady && listening.heard(bytes);
        if (!isDelivery || talk.answersDeliveries) talk.hear(bytes);
      },
      closed: (why) => unexpected(`connection ${place.connection}: ${why}`),
    });
    const talk = speaker.talk(place, {
      send: (message) => connection.send(message),
      ready() {
        isReady = true;
        resolve(talk);
      },
      acked: (n) => listening.acked(n),
      fail: unexpected,
    });
    const listening = listener(talk);
  });
}

async function joinWriter(
  speaker: Speaker,
  document: number,
  { lane, outstanding }: Omit<Writer, "talk">,
): Promise<Writer> {
  const talk = await join(speaker, { writes: true, document }, (own) => ({
    heard: () => false,
    acked(n) {
      lane.ack(performance.now(), n);
      refill({ lane, talk: own, outstanding });
    },
  }));
  return { lane, talk, outstanding };
}

/** Everybody: all writers first, since some peers make a document when somebody enters it. */
async function gather(speaker: Speaker): Promise<{ writers: Writer[]; documents: LoadedDocument[] }> {
  const { followers, outstanding } = orders;
  const [perDocument, each] = speaker.isOneAtATime ? [outstanding, 1] : [1, outstanding];
  const documents = Array.from(
    { length: orders.documents },
    () => new LoadedDocument({ writers: perDocument, followers }, tally),
  );
  const writers: Writer[] = [];
  const lanes = documents.flatMap(({ lanes }, document) => lanes.map((lane) => ({ lane, document })));
  await inTurns(lanes, async ({ lane, document }) => {
    writers.push(await joinWriter(speaker, document, { lane, outstanding: each }));
  });
  const places = documents.flatMap((document, number) =>
    Array.from({ length: followers }, (_, follower) => ({ document, number, follower })),
  );
  await inTurns(places, async ({ document, number, follower }) => {
    await join(speaker, { writes: false, document: number }, () => ({
      heard: (bytes) => document.deliver(follower, bytes, performance.now()),
      acked: () => unexpected("an ack for a follower"),
    }));
  });
  return { writers, documents };
}

/** So many at a time. */
async function inTurns<T>(all: readonly T[], act: (one: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < all.length; index = next++) {
      const one = all[index];
      if (one !== undefined) await act(one, index);
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_MAX }, lane));
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function main(): Promise<void> {
  const late = setTimeout(() => unexpected("joining took more than a minute"), 60_000);
  const { writers, documents } = await gather(await speakerNamed(orders.speaker, orders));
  clearTimeout(late);
  await pause(SETTLE_MS);
  isCalling = true;
  for (const writer of writers) refill(writer);
  await pause(orders.warmUpSeconds * 1_000);
  const [atMs, own, server] = [performance.now(), process.cpuUsage(), cpuSecondsOf(orders.serverPid)];
  tally.isMeasuring = true;
  await pause(orders.seconds * 1_000);
  tally.isMeasuring = false;
  const seconds = (performance.now() - atMs) / 1_000;
  const { user, system } = process.cpuUsage(own);
  const serverCpuSeconds = cpuSecondsOf(orders.serverPid) - server;
  isCalling = false;
  await drained(documents, orders.stallSeconds);
  console.log(
    JSON.stringify({
      ...figures(seconds),
      serverCpuSeconds,
      loadCpu: (user + system) / 1e6 / seconds,
      failures: failures.slice(0, 5),
    }),
  );
  process.exit(failures.length === 0 ? 0 : 1);
}

async function drained(documents: readonly LoadedDocument[], stallSeconds: number): Promise<void> {
  const until = performance.now() + stallSeconds * 1_000;
  const areComplete = (): boolean => documents.every(({ isComplete }) => isComplete);
  while (!areComplete() && performance.now() < until) await pause(10);
  if (!areComplete()) tally.complain("what was sent never arrived everywhere");
}

function figures(seconds: number): { readonly [name: string]: number } {
  const ms = (histogram: { percentile(share: number): number }, share: number): number =>
    histogram.percentile(share) / 1_000;
  return {
    seconds,
    acks: tally.acks,
    ackP50Ms: ms(tally.ackUs, 50),
    ackP99Ms: ms(tally.ackUs, 99),
    deliveries: tally.deliveries,
    deliveryP50Ms: ms(tally.deliveryUs, 50),
    deliveryP99Ms: ms(tally.deliveryUs, 99),
  };
}

await main();
