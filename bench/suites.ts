// Everything that can be measured, in suites, and how it is asked for: by suite, by goal, or by part of a goal.
import type { Measurable } from "./scenario.js";
import { ackedCalls } from "./scenarios/acked-calls.js";
import { busyFanOut, busyFanOutFloor, calmFanOut, crowdedFanOut } from "./scenarios/busy-fan-out.js";
import { joins, publishes, publishLag } from "./scenarios/channels.js";
import { coldOpenings, coldStart } from "./scenarios/cold-start.js";
import { herdAnew, herdOnMany, herdOnOne } from "./scenarios/crash-herd.js";
import { studiedCrowd, twoEdges } from "./scenarios/edges.js";
import { documentsCalls, documentsMemory } from "./scenarios/growth-documents.js";
import { logAck, logFirstPage, logOpening } from "./scenarios/growth-log.js";
import { payloadBytes, payloadCalls } from "./scenarios/growth-payload.js";
import { offeredGoodput, offeredTail } from "./scenarios/growth-rate.js";
import { sizeCalls, sizeCpu, sizeOpenings } from "./scenarios/growth-size.js";
import { storeOpenings, storeStart } from "./scenarios/growth-store.js";
import { subscribersCurve } from "./scenarios/growth-subscribers.js";
import { idleBytes, idleOverSocketIo, idleOverWs, joinsOfMany } from "./scenarios/idle-connections.js";
import { largeDocument } from "./scenarios/large-document.js";
import { acksOfEachAlone, acksOfEight, loneWriter, writersAtAThird } from "./scenarios/lone-writer.js";
import { tenMinutes } from "./scenarios/long-load.js";
import { memoryEach } from "./scenarios/memory-each.js";
import { tenTimesTheCapacity, twiceTheCapacity, twiceTheCapacityOfFew } from "./scenarios/overload.js";
import { noneOfManyViews, oneOfManyViews } from "./scenarios/own-views.js";
import { pacedViewers } from "./scenarios/paced-viewers.js";
import { otherPeers, overShareDb, overShareDbOnPostgres, overSocketIo } from "./scenarios/peers.js";
import { presentInMemory } from "./scenarios/present-in-memory.js";
import { manyReturns, missed } from "./scenarios/returns.js";
import { stoppedReaders } from "./scenarios/stopped-readers.js";

/** Scenarios that are asked for together. */
export interface Suite {
  readonly about: string;
  readonly members: readonly Measurable[];
}

export const SUITES: { readonly [name: string]: Suite } = {
  core: {
    about: "acked calls, busy fan-out, a large document, a lone writer",
    members: [ackedCalls, acksOfEight, acksOfEachAlone, busyFanOut, largeDocument, loneWriter, writersAtAThird],
  },
  "fan-out": {
    about:
      "one document to 1,000 and 10,000 subscribers, over bare sockets and a send for each, and with merged deltas",
    members: [calmFanOut, busyFanOut, busyFanOutFloor, crowdedFanOut, pacedViewers],
  },
  herd: {
    about: "10,000 clients after kill -9; offers above capacity; coming back after deltas were missed",
    members: [
      ...[herdOnMany, herdOnOne, herdAnew, twiceTheCapacity, twiceTheCapacityOfFew, tenTimesTheCapacity],
      ...[...missed, manyReturns],
    ],
  },
  edges: {
    about: "fan-out by two processes over fan-out by one, and 20,000 present on one channel",
    members: [twoEdges, studiedCrowd],
  },
  streams: { about: "1,000 stopped readers beside 100 healthy ones", members: [stoppedReaders] },
  presence: {
    about: "within the server: 20,000 sessions join one document and everybody is told",
    members: [presentInMemory],
  },
  channels: {
    about:
      "HTTP publishes to 1,000 members of a channel, and joins seen by 19,000, beside a socket.io 2 and Redis build (needs redis-server)",
    members: [publishes, publishLag, joins],
  },
  connections: {
    about: "what an idle subscribed connection takes of memory, and how many join",
    members: [idleOverWs, idleOverSocketIo, idleBytes, joinsOfMany],
  },
  endurance: { about: "ten minutes of one load, with the fold beside it", members: [tenMinutes] },
  cold: {
    about: "a start with 100,000 documents and 10 million deltas (made once, in a minute or two), and opening them",
    members: [coldStart, coldOpenings],
  },
  growth: {
    about:
      "curves: how each figure grows with subscribers, documents, sizes, logs, payloads and the rate that is offered",
    members: [
      subscribersCurve,
      documentsCalls,
      documentsMemory,
      storeStart,
      storeOpenings,
      sizeCalls,
      sizeCpu,
      sizeOpenings,
      logOpening,
      logAck,
      logFirstPage,
      payloadCalls,
      payloadBytes,
      offeredGoodput,
      offeredTail,
    ],
  },
  memory: {
    about: "bytes of each connection, subscription, document in memory and out of it, and delta that waits",
    members: memoryEach,
  },
  views: {
    about: "a call to a document of which 1,000 viewers each see something of their own",
    members: [oneOfManyViews, noneOfManyViews],
  },
  rivals: {
    about: "socket.io 4 at a busy fan-out, ShareDB in memory and on PostgreSQL at answered changes (needs PostgreSQL)",
    members: [overSocketIo, overShareDb, overShareDbOnPostgres],
  },
  peers: {
    about: "every other peer at the same work: one document to 1,000 followers, and answered changes",
    members: otherPeers,
  },
};

/** The four that decide whether a change is worse than what was before: the kernel's part of a delivery, what coalescing
 * buys, a call through the whole server to the disk, and the latency of one. All their peers are in this repository. */
export const GUARDED = [calmFanOut, busyFanOut, ackedCalls, loneWriter] as const;

/** All of them, each once. */
export function everything(): readonly Measurable[] {
  return [...new Set(Object.values(SUITES).flatMap(({ members }) => members))];
}

/** What the names ask for, in the order of the suites. A name is a suite's, a scenario's, or a goal's, which means all of
 * its parts; case does not matter. Throws with the list of names on one that is none. */
export function chosen(names: readonly string[]): readonly Measurable[] {
  const wanted = names.map((name) => [name, named(name.toLowerCase())] as const);
  const unknown = wanted.filter(([, members]) => members.length === 0).map(([name]) => name);
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(", no ")}\n\n${list()}`);
  const all = new Set(wanted.flatMap(([, members]) => members));
  return everything().filter((one) => all.has(one));
}

function named(name: string): readonly Measurable[] {
  const suite = Object.entries(SUITES).find(([known]) => known.toLowerCase() === name)?.[1];
  if (suite !== undefined) return suite.members;
  return everything().filter(({ id }) => id.toLowerCase() === name || id.toLowerCase().startsWith(`${name}-`));
}

/** The suites with the ids of what is in them, as text. */
export function list(): string {
  const width = Math.max(...Object.keys(SUITES).map((name) => name.length)) + 2;
  return Object.entries(SUITES)
    .flatMap(([name, { about, members }]) => [
      `  ${name.padEnd(width)}${about}`,
      `  ${"".padEnd(width)}${members.map(({ id }) => id).join(" ")}`,
    ])
    .join("\n");
}
