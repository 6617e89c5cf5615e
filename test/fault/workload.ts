// What clients do to a server while it is recorded, killed or made to fail: pipelined pushes of items that name
// themselves, so that each can be found again in a log, a state or a receipt.
import { integer, type Random } from "./seeded-random.js";
import { type Call, Disconnected, type WireClient } from "./wire-client.js";
import type { Peer } from "./witness.js";

export interface WorkloadOptions {
  readonly socketUrl: string;
  readonly clients: readonly WireClient[];
  /** `list/key`. */
  readonly documents: readonly string[];
  /** By all clients together. */
  readonly messages: number;
  /** Unanswered calls of one client at a time. */
  readonly window: number;
  readonly random: Random;
  /** Learns which port is whose. */
  readonly peers?: Map<number, Peer>;
  /** Called after each answer. */
  readonly progress?: () => void;
}

/** The name of a call's item: unique, and found as text in its row of the log. */
export const itemId = (client: WireClient, n: number): string => `${client.id.slice(0, 12)}.${n}`;

/** The item of a call, if it is a push. */
export function pushedItem(call: Call): string | undefined {
  const { input } = call;
  if (typeof input !== "object" || input === null || !("id" in input)) return undefined;
  return typeof input.id === "string" ? input.id : undefined;
}

/** Mostly lines, some pages: so that rows differ in size and the write-ahead log wraps. */
function text(random: Random): string {
  const length = random() < 0.1 ? 2_000 + integer(random, 6_000) : 20 + integer(random, 200);
  return "x".repeat(length);
}

/** Connects the clients, opens the documents and sends. False: connections ended before every call was answered. */
export async function drive(options: WorkloadOptions): Promise<boolean> {
  const { clients, documents, socketUrl, peers } = options;
  const opened = await untilDisconnected(
    clients.map(async (client) => {
      await client.connect(socketUrl, peers);
      await Promise.all(documents.map((document) => client.open(document)));
    }),
  );
  if (!opened) return false;
  let left = options.messages;
  const worker = async (client: WireClient): Promise<void> => {
    while (left > 0) {
      left -= 1;
      // The first document gets half of everything: snapshots need a busy one.
      const document = documents[options.random() < 0.5 ? 0 : integer(options.random, documents.length)] ?? "list/a";
      const item = { id: itemId(client, client.calls.length + 1), text: text(options.random) };
      await client.call(document, "push", item);
      options.progress?.();
    }
  };
  return untilDisconnected(clients.flatMap((client) => Array.from({ length: options.window }, () => worker(client))));
}

/** Waits for all. False: some were cut off by the end of a connection, which is an end like any other here. */
async function untilDisconnected(work: readonly Promise<void>[]): Promise<boolean> {
  let whole = true;
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === "fulfilled") continue;
    if (!(outcome.reason instanceof Disconnected)) throw outcome.reason;
    whole = false;
  }
  return whole;
}
