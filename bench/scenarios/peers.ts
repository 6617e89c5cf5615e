// Other peers at the work that can be compared: a change of 37 bytes to a thousand followers of one document, one and 16
// outstanding, and changes that are answered, 100 documents with eight outstanding each. P3 and P6 are two of them.
import type { LoadShape } from "../load.js";
import { type Peer, peerFigures } from "../peers-load.js";
import { type Goal, rateFigures, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";

/** One piece of work, for Tidemark and for a peer. */
interface Work {
  /** In the ids of its scenarios. */
  readonly id: string;
  readonly name: string;
  readonly counted: "acks" | "deliveries";
  readonly documents: number;
  readonly followers: number;
  readonly outstanding: number;
}

const FOLLOWERS = 1_000;
const calm: Work = {
  ...{ id: "fan-out-1", name: `one document to 1,000 followers, 1 change outstanding`, counted: "deliveries" },
  ...{ documents: 1, followers: FOLLOWERS, outstanding: 1 },
};
const busy: Work = {
  ...{
    id: "fan-out-16",
    name: `one document to 1,000 followers, 16 changes outstanding`,
    counted: "deliveries",
  },
  ...{ documents: 1, followers: FOLLOWERS, outstanding: 16 },
};
const calls: Work = {
  ...{ id: "acked", name: "answered changes of 100 documents, 8 outstanding each", counted: "acks" },
  ...{ documents: 100, followers: 0, outstanding: 8 },
};

interface Contender {
  readonly id: string;
  readonly name: string;
  readonly peer: Peer;
}

const SOCKET_IO: Contender = { id: "socketio", name: "socket.io 4", peer: "socketio" };
const SHAREDB: Contender = { id: "sharedb", name: "ShareDB, memory", peer: "sharedb" };
const SHAREDB_POSTGRES: Contender = { id: "sharedb-pg", name: "ShareDB, PostgreSQL", peer: "sharedb-postgres" };
const CONTENDERS: readonly Contender[] = [
  { id: "ws", name: "bare ws", peer: "broadcast" },
  SOCKET_IO,
  SHAREDB,
  SHAREDB_POSTGRES,
  { id: "colyseus", name: "Colyseus", peer: "colyseus" },
  { id: "hocuspocus", name: "Hocuspocus", peer: "hocuspocus" },
  { id: "deepstream", name: "deepstream", peer: "deepstream" },
  { id: "logux", name: "Logux", peer: "logux" },
  { id: "aedes", name: "aedes (MQTT)", peer: "aedes" },
  { id: "tldraw", name: "tldraw sync-core", peer: "tldraw" },
];

function ourselves({ documents, followers, outstanding, counted }: Work): Side {
  const shape: LoadShape = { mode: "tidemark", documents, subscribers: followers, outstanding };
  return {
    name: "tidemark",
    measure: async (length) => rateFigures(await loadAgainst(tidemark, shape, length), counted),
  };
}

/** ShareDB takes one change of a document at a time, and whoever comes second begins again: it does more on as many
 * documents as there are changes outstanding. */
function bestShape(peer: Peer, { documents, followers, outstanding }: Work) {
  const isShareDb = peer === "sharedb" || peer === "sharedb-postgres";
  if (isShareDb && followers === 0) return { documents: documents * outstanding, followers, outstanding: 1 };
  return { documents, followers, outstanding };
}

function theirs({ name, peer }: Contender, work: Work): Side {
  const { counted } = work;
  return { name, measure: (length) => peerFigures(peer, bestShape(peer, work), { counted, length }) };
}

function compared(contender: Contender, work: Work): Omit<Scenario, "id" | "title"> {
  const unit = work.counted === "acks" ? "acks/s" : "deliveries/s";
  return { unit, subject: ourselves(work), peer: theirs(contender, work) };
}

/** Every peer at every work. */
export const otherPeers: readonly Scenario[] = [calm, busy, calls].flatMap((work) =>
  CONTENDERS.map((contender) => ({
    id: `${work.id}-${contender.id}`,
    title: `${work.name}, over ${contender.name}`,
    work: work.name,
    ...compared(contender, work),
  })),
);

function goal(
  id: string,
  contender: Contender,
  { work, wanted }: { readonly work: Work; readonly wanted: Goal },
): Scenario {
  return { id, title: `${work.name}, over ${contender.name}`, ...compared(contender, work), goal: wanted };
}

export const overSocketIo = goal("P3", SOCKET_IO, { work: busy, wanted: { atLeast: 15 } });
export const overShareDb = goal("P6-memory", SHAREDB, { work: calls, wanted: { atLeast: 2.5 } });
export const overShareDbOnPostgres = goal("P6-postgres", SHAREDB_POSTGRES, { work: calls, wanted: { atLeast: 5 } });
