// Followers of one channel who want some of its messages only. Those with equal filters are a group: what passes is found
// once for all of them, and they share its bytes as others share the log's. Groups are layers to the audience.
import { LIMITS } from "@tidemark/protocol";
import type { StoredPosition } from "../document-store.js";
import type {
  Audience,
  Committed,
  Follower,
  LayerDelta,
  LayerOpening,
  Opening,
  OpenRequest,
  PastEvent,
  RowAudience,
  Snapshot,
  ViewOpening,
} from "../documents.js";
import { eventsOf, type Missed } from "../opening.js";
import { viewTag } from "../views/tag.js";
import type { ViewParams } from "../views/view-params.js";
import { MessageFilter } from "./message-filter.js";

/** Equal filters. */
interface Group {
  readonly layer: number;
  readonly filter: MessageFilter;
  readonly tag: string;
  readonly followers: Set<Follower>;
  /** What the next message links to. */
  chain: StoredPosition;
  /** The state as of the chain. */
  snapshot: Snapshot | undefined;
}

/** A message, and the epoch of its row. */
interface Heard {
  readonly event: PastEvent;
  readonly epoch: number;
}

/** What was missed of those messages that pass. */
export interface PassingPast {
  readonly kind: Missed["kind"];
  readonly heard: readonly Heard[];
}

/** Somebody who is to be opened. */
export interface FilteredRequest {
  readonly request: OpenRequest;
  readonly params: ViewParams;
  readonly past: PassingPast;
  /** What was delivered so far. */
  readonly at: StoredPosition;
  readonly stateJson: string;
}

type Ended = Extract<Opening, { kind: "ended" }>;

const NO_OPERATIONS = "[]";
const VERSION = 1;

/** The filter of a viewer's parameters; undefined: every message passes. */
export function filterIn({ value }: ViewParams): MessageFilter | undefined {
  return value instanceof MessageFilter && !value.isOpen ? value : undefined;
}

/** What of it passes: looked through once, before it is known when the follower can be told. */
export function passingPast(missed: Missed, params: ViewParams): PassingPast {
  const filter = filterIn(params);
  const { kind } = missed;
  return { kind, heard: missed.kind === "rows" && filter !== undefined ? heardIn(missed.rows, filter) : [] };
}

/** Of what somebody is given who held nothing, as much as was asked for. */
export function newestOf(events: readonly PastEvent[], { held, last = 0 }: OpenRequest): readonly PastEvent[] {
  return held === undefined ? events.slice(Math.max(0, events.length - last)) : events;
}

/** The groups of one channel, and the way of what is durable past them. */
export class FilterGroups implements RowAudience {
  readonly #audience: Audience;
  /** By the text of their parameters. */
  readonly #groups = new Map<string, Group>();
  readonly #textOf = new Map<Follower, string>();
  #layers = 0;

  constructor(audience: Audience) {
    this.#audience = audience;
  }

  begin(at: StoredPosition): void {
    this.#audience.begin(at);
  }

  retire(): void {
    this.#audience.retire();
  }

  deliver(rows: readonly Committed[]): void {
    this.#audience.deliver(rows);
    const last = rows.at(-1);
    if (this.#groups.size === 0 || last === undefined) return;
    const said = rows.map((row) => ({ bytes: row.events?.length ?? 0, events: eventsOf([row]) }));
    const to = { seq: last.seq, epoch: last.epoch };
    const deltas = new Map<number, LayerDelta>();
    for (const group of this.#groups.values()) {
      const heard: PastEvent[] = [];
      let eventsBytes = 0;
      for (const { bytes, events } of said) {
        const before = heard.length;
        for (const event of events) if (group.filter.passes(event.name, event.data)) heard.push(event);
        if (heard.length > before) eventsBytes += bytes;
      }
      if (heard.length === 0) continue;
      deltas.set(group.layer, { ...deltaOf(group.chain, to, heard), eventsBytes });
      group.chain = to;
      group.snapshot = undefined;
    }
    if (deltas.size > 0) this.#audience.release(to, deltas);
  }

  /** What a follower begins with, or goes on with after it was slow. Whoever is `ended` is in no group. */
  open({ request, params, past: { kind, heard }, at, stateJson }: FilteredRequest): ViewOpening | Ended {
    const group = this.#groupOf(params, at);
    if (group === undefined) {
      const data = { limit: "viewGroupsMax", value: LIMITS.viewGroupsMax };
      return { kind: "ended", code: "limit_reached", data };
    }
    const { follower, held } = request;
    group.followers.add(follower);
    this.#textOf.set(follower, params.text);
    const view = { kind: "view", at } as const;
    if (kind === "rows" && held !== undefined && held[2] === group.tag) {
      const from = { epoch: held[0], seq: held[1] };
      return { ...view, layers: [resumed(group, from, heard)], events: [], gap: false };
    }
    group.snapshot ??= { ...group.chain, stateJson };
    const reset: LayerOpening = { mode: "reset", layer: group.layer, tag: group.tag, snapshot: group.snapshot };
    const events = heard.map(({ event }) => event);
    return { ...view, layers: [reset], events: newestOf(events, request), gap: kind === "gap" };
  }

  /** The follower hears nothing more. */
  leave(follower: Follower): void {
    const text = this.#textOf.get(follower);
    const group = text === undefined ? undefined : this.#groups.get(text);
    if (text === undefined || group === undefined) return;
    this.#textOf.delete(follower);
    group.followers.delete(follower);
    if (group.followers.size > 0) return;
    this.#groups.delete(text);
    this.#audience.endLayer(group.layer);
  }

  #groupOf(params: ViewParams, at: StoredPosition): Group | undefined {
    const known = this.#groups.get(params.text);
    if (known !== undefined) return known;
    const filter = filterIn(params);
    if (filter === undefined || this.#groups.size >= LIMITS.viewGroupsMax) return undefined;
    this.#layers += 1;
    const layer = this.#layers;
    const tag = viewTag({ version: VERSION, hidden: undefined, layer: "shared", params: params.text });
    const group: Group = { layer, filter, tag, followers: new Set(), chain: at, snapshot: undefined };
    this.#groups.set(params.text, group);
    this.#audience.beginLayer(layer, at);
    return group;
  }
}

/** Everything that passed since a position, a message at a time. The last one reaches up to what the next one links to. */
function resumed({ layer, tag, chain }: Group, from: StoredPosition, heard: readonly Heard[]): LayerOpening {
  const deltas: LayerDelta[] = [];
  let prev = from;
  for (const [index, { event, epoch }] of heard.entries()) {
    const to = index === heard.length - 1 ? chain : { seq: event.seq, epoch };
    deltas.push(deltaOf(prev, to, [event]));
    prev = to;
  }
  return { mode: "resume", layer, tag, prev: deltas[0]?.prev.seq ?? chain.seq, deltas, held: from.seq };
}

function heardIn(rows: readonly Committed[], filter: MessageFilter): readonly Heard[] {
  return rows.flatMap((row) =>
    eventsOf([row]).flatMap((event) => (filter.passes(event.name, event.data) ? [{ event, epoch: row.epoch }] : [])),
  );
}

const deltaOf = (prev: StoredPosition, to: StoredPosition, events: readonly PastEvent[]): LayerDelta => ({
  prev,
  to,
  at: events.at(-1)?.at,
  operations: NO_OPERATIONS,
  events,
  by: undefined,
});
