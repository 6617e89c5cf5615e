// The faults there are, by name, with what each does. A schedule is a list of them at times, drawn from the seed before
// anything happens: so it can be printed, repeated, and shrunk.

/** What can go wrong. */
export const FAULTS = {
  latency: "everything to and from a client takes longer for a while",
  jitter: "the way to and from a client takes now more, now less time, in order",
  stall: "a connection carries nothing for a while, then all that waited",
  cut: "a connection breaks, after any byte of what is under way",
  halfOpenUp: "what a client sends vanishes, and neither side is told",
  halfOpenDown: "what the server sends to a client vanishes, and neither side is told",
  switchNetwork: "a client's machine changes networks: its connection dies at once, what it sent arrives late",
  partition: "nothing gets through between a client and the server for a while",
  refuseConnect: "the server turns new connections away for a while",
  frameLost: "a frame of deltas, or of who is present, is lost between a session and its socket",
  slowReader: "a client takes nothing of what comes in for a while, and its connection holds little",
  heavyLoad: "a client takes nothing of what comes in for a while, and much comes",
  pauseClient: "a client's process stops for a while; its timers fire late",
  pauseServer: "the server's process stops for a while",
  serverCrash: "the server's process dies, or its machine loses power; what was not synced may be lost",
  serverStop: "the server is told to stop: it finishes, sends everybody away, and another one starts",
  edgeLost: "the link between an edge and its owner breaks",
  clientCrash: "a client's process or its machine dies; what it has stored of its calls is there for the next one",
  clientWiped: "a client's process or its machine dies, and so does what it has stored",
  replaceServer: "the server stops for so long that another takes its place, and then goes on",
  restoreBackup: "the server dies, and an older state of the disk is put in its place",
  wallJumpServer: "the server's wall clock jumps",
  wallJumpClient: "a client's wall clock jumps",
  slowTokens: "a client's tokens take long to come for a while",
  sleep: "every client sleeps for hours",
  diskFull: "the disk is full for a while",
  storeLost: "a commit ends in doubt, and was not written",
  storeKept: "a commit ends in doubt, and was written",
  storeFailed: "a commit certainly fails",
  slowCommit: "commits take long for a while",
  readFails: "what is on the disk cannot be read for a while",
  docUnload: "nobody needs a document for so long that it is unloaded",
  duplicateTab: "a user comes with a second client",
  sharedClientId: "a stranger comes with the client id of somebody else",
} as const;

/** The name of a fault. */
export type FaultName = keyof typeof FAULTS;

/** Every name. */
export const FAULT_NAMES = Object.keys(FAULTS).filter(isFaultName);

/** Is there such a fault? */
export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

/** One fault at a time. */
export interface FaultEvent {
  readonly atMs: number;
  readonly name: FaultName;
  /** The client it hits, if it hits one. */
  readonly slot: number;
  /** The document it concerns, if it does. */
  readonly documentId: string;
  readonly forMs: number;
  /** How much, in [0, 1): its meaning is the fault's. */
  readonly amount: number;
  /** One of two ways to do it. */
  readonly hard: boolean;
}

/** How often each has really happened. */
export type FaultCounts = Record<FaultName, number>;

/** None has happened. */
export function noFaults(): FaultCounts {
  const counts: Partial<FaultCounts> = {};
  for (const name of FAULT_NAMES) counts[name] = 0;
  return counts as FaultCounts;
}
