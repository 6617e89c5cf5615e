// What a server holds for each of the things it has many of: resident memory, and what of its heap is left after a collection. Each
// is the difference of two sizes, so that whatever is there once falls away.
import { setTimeout as delay } from "node:timers/promises";
import { ServerRecord } from "../crowd/server-record.js";
import { type DocumentsShape, holdDocuments } from "../documents-load.js";
import { holdLoad, type LoadTarget } from "../load.js";
import type { ServerProcess } from "../process.js";
import type { Figures, RunLength, Scenario } from "../scenario.js";
import { tidemark, tidemarkWith, withServer } from "../servers.js";
import { type Held, held } from "./idle-connections.js";

/** After the last of them is there. */
const SETTLE_MS = 2_000;
const KEPT_MS = 3_600_000;
const STATE_BYTES = 1_000;
const kept = tidemarkWith({ idleMs: KEPT_MS });

/** What a server holds with so many of them. */
type HoldMany = (count: number, length: RunLength) => Promise<Held>;

interface Thing {
  readonly id: string;
  readonly title: string;
  readonly few: number;
  readonly many: number;
  readonly holdMany: HoldMany;
  readonly aboutSeconds: number;
}

const targetOf = ({ port, pid }: ServerProcess, { seconds }: RunLength): LoadTarget => ({
  ...{ port, serverPid: pid, seconds, warmUpSeconds: 0 },
});

async function settled(server: ServerProcess): Promise<Held> {
  await delay(SETTLE_MS);
  return held(server);
}

const documentsHeld = (shape: DocumentsShape, length: RunLength): Promise<Held> =>
  withServer(kept, (server) => holdDocuments(shape, targetOf(server, length), () => settled(server)));

const connections: HoldMany = (count, length) => documentsHeld({ connections: count, documents: 0 }, length);

/** As many as one connection may have, on ten; beside them on ten more, and so on. */
const FOLLOWED = { connections: 10, documents: 10_000 };
const subscriptions: HoldMany = (count, length) =>
  documentsHeld({ ...FOLLOWED, followers: count / FOLLOWED.documents }, length);

const DOCUMENTS_EACH = 500;
const shapeOf = (documents: number): DocumentsShape => ({
  ...{ connections: documents / DOCUMENTS_EACH, documents, stateBytes: STATE_BYTES },
});
const loaded: HoldMany = (count, length) => documentsHeld(shapeOf(count), length);

const IDLE_MS = 1_000;
const FIGURES_MS = 250;
const UNLOADING_MS_MAX = 60_000;

const unloaded: HoldMany = async (count, length) => {
  const record = new ServerRecord();
  const server = tidemarkWith({ idleMs: IDLE_MS, figuresMs: FIGURES_MS, hear: record.hear });
  return withServer(server, (process) =>
    // In the end the load opens all of them again, and compares.
    holdDocuments(shapeOf(count), targetOf(process, length), async () => {
      for (const until = Date.now() + UNLOADING_MS_MAX; record.loaded > 0; await delay(FIGURES_MS))
        if (Date.now() > until) throw new Error(`${record.loaded} documents were not unloaded`);
      return settled(process);
    }),
  );
};

const STOPPED = 500;
/** What waits for one of them is less than what makes it slow, and more than its kernel takes. */
const undelivered: HoldMany = async (count, length) =>
  withServer(tidemark, async (server) => {
    const { held: all } = await holdLoad(
      {
        ...{ mode: "tidemark", documents: 1, outstanding: 16, freshValues: true },
        ...{ subscribers: STOPPED + 1, stopped: STOPPED, heldCalls: count / STOPPED },
      },
      targetOf(server, length),
      () => settled(server),
    );
    return all;
  });

interface Each {
  readonly rss: Figures;
  readonly heap: Figures;
}

async function eachOf({ few, many, holdMany }: Thing, length: RunLength): Promise<Each> {
  const less = await holdMany(few, length);
  const more = await holdMany(many, length);
  const each = (figure: (of: Held) => number): number => Math.round((figure(more) - figure(less)) / (many - few));
  const details = {
    rssBytes: each(({ rssBytes }) => rssBytes),
    heapBytes: each(({ heapBytes }) => heapBytes),
    externalBytes: each(({ externalBytes }) => externalBytes),
  };
  const note = `of ${many} over ${few}; outside of the heap ${details.externalBytes} (buffers)`;
  // Less than one byte is nothing that could be compared.
  const figures = (bytes: number): Figures => ({ value: Math.max(1, bytes), details, note });
  return { rss: figures(details.rssBytes), heap: figures(details.heapBytes) };
}

function scenario(thing: Thing): Scenario {
  let last: Each | undefined;
  return {
    ...{ id: thing.id, title: thing.title, unit: "bytes", aboutSeconds: thing.aboutSeconds },
    subject: {
      name: "resident",
      async measure(length) {
        last = await eachOf(thing, length);
        return last.rss;
      },
    },
    peer: {
      name: "heap",
      measure: async (length) => (last ?? (await eachOf(thing, length))).heap,
    },
  };
}

export const memoryEach: readonly Scenario[] = [
  {
    ...{ id: "memory-connection", title: "bytes of an idle connection that follows nothing" },
    ...{ few: 2_000, many: 10_000, holdMany: connections, aboutSeconds: 20 },
  },
  {
    ...{ id: "memory-subscription", title: "bytes of a subscription: one connection follows 1,000 documents" },
    ...{ few: 10_000, many: 30_000, holdMany: subscriptions, aboutSeconds: 35 },
  },
  {
    ...{
      id: "memory-loaded",
      title: `bytes of a document of ${STATE_BYTES} bytes that is loaded and followed by nobody`,
    },
    ...{ few: 2_000, many: 20_000, holdMany: loaded, aboutSeconds: 25 },
  },
  {
    ...{ id: "memory-unloaded", title: "bytes that are left of such a document once it was unloaded" },
    ...{ few: 2_000, many: 20_000, holdMany: unloaded, aboutSeconds: 40 },
  },
  {
    ...{ id: "memory-undelivered", title: "bytes of a delta that waits for a reader who has stopped, for each reader" },
    ...{ few: 4_000 * STOPPED, many: 8_000 * STOPPED, holdMany: undelivered, aboutSeconds: 30 },
  },
].map(scenario);
