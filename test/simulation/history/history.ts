// What a run leaves to be judged: what every client asked for and was told, in the order in which it happened, and the
// log as the disk has it. Plain data, so that a test can corrupt it.
import type { Json } from "@tidemark/protocol";
import type { Shown } from "../app/company.js";
import type { Line } from "../storage/simulated-disk.js";

/** A point in a run. Two moments at one instant differ in `order`. */
export interface Moment {
  readonly atMs: number;
  readonly order: number;
}

/** What a client was told of a call. */
export type Outcome =
  | { readonly kind: "pending" }
  | {
      readonly kind: "applied";
      readonly n: number;
      readonly epoch: number;
      readonly seq: number;
      readonly result: Json;
    }
  | { readonly kind: "answered"; readonly result: Json }
  | { readonly kind: "rejected"; readonly code: string; readonly reason: string | undefined; readonly data: Json }
  | { readonly kind: "unknown"; readonly code: string };

/** One call of an application. */
export interface CallRecord {
  /** Unique in the run, and written by the call wherever it writes. */
  readonly token: string;
  readonly documentId: string;
  readonly name: string;
  readonly isQuery: boolean;
  /** Why it may be refused though everything works: its handler may reject, or what was asked along with it. */
  readonly mayFail: readonly string[];
  readonly sent: Moment;
  /** Its number; 0 while no copy has left. */
  n: number;
  /** Server-clock ms and ms, as the first copy had it. */
  born: number;
  ttlMs: number | undefined;
  settled: Moment | undefined;
  outcome: Outcome;
  /** The document was followed and its opening live when it was settled: the seq it showed. */
  shownSeq: number | undefined;
}

/** What an opening told its application, in order. */
export type Seen =
  | {
      readonly kind: "state";
      readonly cause: "first" | "delta" | "reset";
      readonly reason: string | undefined;
      readonly epoch: number;
      readonly seq: number;
      readonly state: Json;
    }
  | { readonly kind: "event"; readonly epoch: number; readonly seq: number; readonly name: string; readonly data: Json }
  | { readonly kind: "gap"; readonly from: number; readonly to: number }
  /** Where it stood when it was closed or the run was over. */
  | { readonly kind: "left"; readonly epoch: number; readonly seq: number };

/** One opening of a document. */
export interface SubscriptionRecord {
  readonly documentId: string;
  readonly seen: Seen[];
}

/** One client from its `connect` to its end. */
export interface ClientHistory {
  readonly name: string;
  readonly subject: string;
  /** As it says `hello`; empty until it did. */
  clientId: string;
  /** The teams of the tokens that it sent, one after the other. */
  readonly teams: string[];
  readonly calls: CallRecord[];
  readonly subscriptions: SubscriptionRecord[];
  /** It may have found itself diverged with good reason: frames of its connections were lost, or it probed. */
  mayDiverge: boolean;
}

/** Where an opening stood when everything should have been well again. */
export interface Standing {
  readonly client: string;
  readonly subject: string;
  /** What its last token says. */
  readonly team: string;
  readonly documentId: string;
  readonly status: string;
  readonly epoch: number;
  readonly seq: number;
  readonly state: Json;
  /** Seq of the log's last row at that time. */
  readonly head: number;
}

/** Somebody's signal, and who heard it. */
export interface Wave {
  readonly id: string;
  readonly documentId: string;
  readonly client: string;
  readonly atMs: number;
  readonly heardBy: string[];
}

/** What a client showed of itself, and was told of the others, when everybody who was cut off must be gone or back. */
export interface CompanyStanding {
  readonly client: string;
  readonly subject: string;
  readonly documentId: string;
  readonly status: string;
  readonly shown: Shown | undefined;
  readonly present: readonly Shown[];
  readonly count: number;
}

/** A client that said of a document that it is live. */
export interface Sighting {
  readonly client: string;
  /** Whose view it holds; empty where there are no teams. */
  readonly team: string;
  readonly documentId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly atMs: number;
  /** What others were told longer ago it must have known. */
  readonly withinMs: number;
}

/** All of one run. */
export interface History {
  /** The log of each document. */
  readonly lines: ReadonlyMap<string, Line>;
  /** Logs that were given up for a backup's. */
  readonly abandoned: readonly ReadonlyMap<string, Line>[];
  readonly clients: readonly ClientHistory[];
  /** Taken some time after the faults had stopped. */
  readonly standings: readonly Standing[];
  /** Taken while faults happened. */
  readonly sightings: readonly Sighting[];
  readonly company: readonly CompanyStanding[];
  readonly waves: readonly Wave[];
  /** From then on nothing keeps a wave from anybody, ms. */
  readonly easyWavesFromMs: number;
  /** When anybody was first told of each transaction, by document and seq minus one, ms. */
  readonly revealedAtMs: ReadonlyMap<string, readonly number[]>;
  /** When an older history last took the place of the one there was; minus infinity: never. */
  readonly restoredAtMs: number;
  /** When the faults had stopped for so long that every call must be settled. */
  readonly settledBy: Moment;
  /** Some wall clock jumped, or everybody slept: deadlines and horizons may have passed. */
  readonly timeJumped: boolean;
}

/** Something that must not be. */
export interface Problem {
  /** The rule or invariant it breaks. */
  readonly rule: string;
  readonly text: string;
}
