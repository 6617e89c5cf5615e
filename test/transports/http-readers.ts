// Readers of one document over plain HTTP, made of `fetch` alone: server-sent events and long polls. They apply patches of
// RFC 6902 and come back with the last position that they were told.
import { applyJsonPatch, type Json, type JsonPatchOperation } from "@tidemark/protocol";
import { EventReader, type HeardEvent } from "../support/event-reader.js";
import { type Read, type Reader, Sight } from "./reader.js";

interface Told {
  readonly seq: number;
  readonly state?: Json;
  readonly patch?: readonly JsonPatchOperation[];
  readonly events?: readonly { readonly seq: number; readonly name: string; readonly data: Json }[];
  readonly gap?: true;
  readonly code?: string;
}

/** The server that stops, and the next one that starts. */
const PASSING = ["draining", "connection_lost"];

/** Folds what is told. */
class Fold {
  readonly sight = new Sight();
  position = "";
  #state: Json = null;

  #ended(code = ""): void {
    if (!PASSING.includes(code)) this.sight.problems.push(`the end: ${code}`);
  }

  take(kind: string, { seq, state, patch, events = [], gap, code }: Told): void {
    if (gap === true) this.sight.problems.push(`a gap before ${seq}`);
    for (const { seq: at, name, data } of events) this.sight.event(at, name, data);
    if (kind === "end") this.#ended(code);
    else if (kind === "ping") this.sight.at(seq);
    else {
      this.#state = kind === "snapshot" ? (state ?? null) : applyJsonPatch(this.#state, patch ?? []);
      this.sight.state(seq, this.#state);
    }
  }
}

const addressOf = ({ url, doc }: Read, query: string, path = ""): URL =>
  new URL(`/v1/docs/${doc}${path}?${query}`, url);

/** Does the same over and over until it is closed; what is cut begins anew. */
class Loop {
  #abort = new AbortController();
  #isClosed = false;

  constructor(round: (signal: AbortSignal) => Promise<void>) {
    void this.#run(round);
  }

  cut(): void {
    this.#abort.abort();
  }

  close(): void {
    this.#isClosed = true;
    this.cut();
  }

  async #run(round: (signal: AbortSignal) => Promise<void>): Promise<void> {
    while (!this.#isClosed) {
      this.#abort = new AbortController();
      await round(this.#abort.signal).catch(() => new Promise((resolve) => setImmediate(resolve)));
    }
  }
}

/** Follows by server-sent events. */
export function eventStreamReader(read: Read): Reader {
  const fold = new Fold();
  const round = async (signal: AbortSignal): Promise<void> => {
    const headers = { authorization: `Bearer ${read.token}`, "last-event-id": fold.position };
    const response = await fetch(addressOf(read, "", "/stream"), { headers, signal });
    if (!response.ok) throw new Error(String(response.status));
    const reader = new EventReader(response);
    for (let taken = 0, isOver = false; !isOver; ) {
      isOver = await Promise.race([reader.ended.then(() => true), reader.more().then(() => false)]);
      for (; taken < reader.events.length; taken += 1) takeEvent(reader.events[taken], fold);
    }
  };
  const loop = new Loop(round);
  return { sight: fold.sight, cut: () => loop.cut(), close: () => loop.close() };
}

function takeEvent(event: HeardEvent | undefined, fold: Fold): void {
  if (event === undefined) return;
  fold.take(event.kind, event.data);
  if (event.id !== undefined) fold.position = event.id;
}

/** Follows by asking again and again. */
export function longPollReader(read: Read): Reader {
  const fold = new Fold();
  const round = async (signal: AbortSignal): Promise<void> => {
    const query = new URLSearchParams({ after: fold.position, wait: "5" }).toString();
    const headers = { authorization: `Bearer ${read.token}` };
    const response = await fetch(addressOf(read, query), { headers, signal });
    if (!response.ok) throw new Error(String(response.status));
    const { position, changes } = (await response.json()) as {
      position?: string;
      changes: (Told & { readonly event: string })[];
    };
    for (const { event, ...told } of changes) fold.take(event, told);
    if (position !== undefined) {
      fold.position = position;
      fold.sight.at(Number(position.split(".")[1]));
    }
  };
  const loop = new Loop(round);
  return { sight: fold.sight, cut: () => loop.cut(), close: () => loop.close() };
}
