// A history that may be changed: what tests corrupt, to see whether the judge notices.
import type { Json } from "@tidemark/protocol";
import type { Transaction } from "../../../src/document/document-store.js";
import type { CallRecord, ClientHistory, History, Outcome, Seen, Standing } from "../history/history.js";

type Writable<Value> = { -readonly [Name in keyof Value]: Value[Name] };

/** A client's history with parts that may be changed. */
export type DraftClient = Omit<ClientHistory, "calls" | "subscriptions"> & {
  readonly calls: Writable<CallRecord>[];
  readonly subscriptions: { readonly documentId: string; readonly seen: Seen[] }[];
};

/** A history with parts that may be changed. */
export interface DraftHistory
  extends Omit<History, "lines" | "clients" | "standings" | "sightings" | "company" | "revealedAtMs"> {
  readonly lines: Map<string, Transaction[]>;
  readonly clients: DraftClient[];
  readonly standings: Writable<Standing>[];
  readonly sightings: Writable<History["sightings"][number]>[];
  readonly company: Writable<History["company"][number]>[];
  readonly revealedAtMs: Map<string, number[]>;
}

/** A copy. */
export function draftOf(history: History): DraftHistory {
  const { lines, clients, standings, sightings, company, waves, revealedAtMs } = structuredClone(history);
  return {
    ...history,
    lines: new Map([...lines].map(([id, line]) => [id, [...line]])),
    clients: clients.map((client) => ({
      ...client,
      calls: [...client.calls],
      subscriptions: client.subscriptions.map(({ documentId, seen }) => ({ documentId, seen: [...seen] })),
    })),
    standings: [...standings],
    sightings: [...sightings],
    company: [...company],
    waves,
    revealedAtMs: new Map([...revealedAtMs].map(([id, atMs]) => [id, [...atMs]])),
  };
}

/** A call with how it ended. */
export interface Ended<Kind extends Outcome["kind"]> {
  readonly client: DraftClient;
  readonly call: Writable<CallRecord>;
  readonly outcome: Extract<Outcome, { kind: Kind }>;
}

/** The calls that ended so, in the order in which they were sent. */
export function callsOf<Kind extends Outcome["kind"]>(
  { clients }: DraftHistory,
  kind: Kind,
  is: (call: CallRecord) => boolean = () => true,
): Ended<Kind>[] {
  const isKind = (outcome: Outcome): outcome is Extract<Outcome, { kind: Kind }> => outcome.kind === kind;
  return clients
    .flatMap((client) =>
      client.calls.flatMap((call) =>
        isKind(call.outcome) && is(call) ? [{ client, call, outcome: call.outcome }] : [],
      ),
    )
    .sort((a, b) => a.call.sent.order - b.call.sent.order);
}

/** A history has nothing that this lie could be about. */
export class PoorHistoryError extends Error {}

/** The first of them. Throws PoorHistoryError when there is none. */
export function first<Item>(items: readonly Item[], what: string): Item {
  const [item] = items;
  if (item === undefined) throw new PoorHistoryError(`the history has no ${what}`);
  return item;
}

/** The log of a document. */
export function lineOf({ lines }: DraftHistory, documentId: string): Transaction[] {
  return first(
    [lines.get(documentId) ?? []].filter(({ length }) => length > 0),
    `log of ${documentId}`,
  );
}

/** Everything of one kind that anybody was shown, with where it is in the list. */
export function seenOf<Kind extends Seen["kind"]>(
  { clients }: DraftHistory,
  kind: Kind,
): {
  readonly client: DraftClient;
  readonly documentId: string;
  readonly seen: Seen[];
  readonly index: number;
  readonly item: Extract<Seen, { kind: Kind }>;
}[] {
  const isKind = (item: Seen): item is Extract<Seen, { kind: Kind }> => item.kind === kind;
  return clients.flatMap((client) =>
    client.subscriptions.flatMap(({ documentId, seen }) =>
      seen.flatMap((item, index) => (isKind(item) ? [{ client, documentId, seen, index, item }] : [])),
    ),
  );
}

/** An object with one member changed. */
export const withMember = (value: Json, name: string, member: Json): Json => ({ ...Object(value), [name]: member });
