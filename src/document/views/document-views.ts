// The views of one document on their way from the log to those who follow: durable transactions come in, and what they
// did to each layer goes out. Everything is computed of a state that is durable and never changes, so nothing it says
// can be lost (R2). It keeps that state only while somebody follows.
import { type Json, type JsonObject, LIMITS, type PatchOperation } from "@tidemark/protocol";
import { invariant } from "../../runtime/invariant.js";
import type { Runtime } from "../../runtime/runtime.js";
import type { ResolvedType, ResolvedViews } from "../definition/resolved-type.js";
import type { DocumentName, StoredPosition } from "../document-store.js";
import type {
  Audience,
  Committed,
  Follower,
  LayerDelta,
  Opening,
  PastEvent,
  RefusedAnswer,
  RowAudience,
  ViewOpening,
} from "../documents.js";
import type { HostReport } from "../host-report.js";
import { eventsOf } from "../opening.js";
import { treeAfter } from "./frozen-tree.js";
import { Layer } from "./layer.js";
import { type LayerSpec, layerName, layerParts, layerSpecs } from "./layer-spec.js";
import { LayerTable } from "./layer-table.js";
import { ReadIndex } from "./read-index.js";
import { Reads, tracked } from "./reads.js";
import { hears } from "./shown-rows.js";
import { checkedParams, type ViewParams } from "./view-params.js";
import { basisOf, continued, eventsBetween, fresh, type Held, planOf } from "./view-plan.js";

/** Stands among the readers for those who may follow at all. */
const ACCESS = "access";
const NO_OPERATIONS = "[]";

/** What the views of a document need. */
export interface DocumentViewsParts {
  readonly type: ResolvedType;
  readonly views: ResolvedViews;
  readonly name: DocumentName;
  readonly runtime: Runtime;
  readonly audience: Audience;
  readonly report: HostReport;
  /** Does anybody follow, or is about to? */
  readonly isAwaited: () => boolean;
  /** What `canOpen` read was written: ends those who may not follow any more. */
  readonly recheck: () => void;
  /** Ends a follower. */
  readonly end: (follower: Follower, code: "handler_failed") => void;
}

/** A request to see a view. */
export interface ViewRequest {
  readonly params: Json | undefined;
  readonly held: Held;
}

/** What a follower sees: one layer or two. */
interface View {
  readonly params: ViewParams;
  readonly layers: readonly Layer[];
}

type Ended = Extract<Opening, { kind: "ended" }>;

/** What one release brings besides the state. */
interface Step {
  readonly events: readonly PastEvent[];
  readonly at: number | undefined;
  readonly by: string | undefined;
}

/** The views of one document. */
export class DocumentViews implements RowAudience {
  readonly #parts: DocumentViewsParts;
  readonly #layers: LayerTable;
  readonly #index = new ReadIndex<Layer | typeof ACCESS>();
  readonly #views = new Map<Follower, View>();
  /** Of which layer events are part: of the one whose viewers are told apart, if any event is for some of them only. */
  readonly #eventKind: Layer["kind"];
  /** The durable state; undefined while nobody follows. */
  #tree: JsonObject | undefined;
  #at: StoredPosition = { seq: 0, epoch: 0 };
  /** What the layers that are followed were brought up to. */
  #layersAt = this.#at;
  /** A copy of the state in memory, which will be the durable one. */
  #copy: { readonly tree: JsonObject; readonly at: StoredPosition } | undefined;
  /** A deletion was executed and is not durable. */
  #doomed = false;
  #accessReads = new Reads();

  constructor(parts: DocumentViewsParts) {
    this.#parts = parts;
    const { runtime, audience, views, type } = parts;
    const left = (layer: Layer): void => this.#index.delete(layer);
    this.#layers = new LayerTable({ runtime, audience, left, dropped: () => this.#forgetUnfollowed() });
    this.#eventKind = views.mine !== undefined && type.audiences.size > 0 ? "mine" : "shared";
  }

  /** There is a durable state to open from; otherwise an opening has to wait for one (`copy`, `install`). */
  get isReady(): boolean {
    return this.#tree !== undefined && !this.#doomed;
  }

  /** Takes a copy of the state in memory, unless one was taken. True: `install` must be called when it is durable. */
  copy(take: () => JsonObject, at: StoredPosition): boolean {
    if (this.#copy !== undefined) return false;
    this.#copy = { tree: take(), at };
    return true;
  }

  /** The copy is durable. */
  install(): void {
    const copy = this.#copy;
    this.#copy = undefined;
    if (copy === undefined || !this.#parts.isAwaited()) return;
    this.#tree = copy.tree;
    this.#at = copy.at;
    this.#layersAt = copy.at;
  }

  /** The document's deletion was executed: nobody opens from the state before it. */
  doom(): void {
    this.#doomed = true;
    this.#copy = undefined;
  }

  /** Nobody follows and there is no state to follow. */
  reset(): void {
    this.#doomed = false;
    this.#views.clear();
    this.#layers.clear();
    this.#tree = undefined;
  }

  /** What was in memory was lost. */
  reloaded(): void {
    this.#doomed = false;
    this.#copy = undefined;
  }

  begin(at: StoredPosition): void {
    this.#parts.audience.begin(at);
  }

  retire(): void {
    this.reset();
    this.#parts.audience.retire();
  }

  /** Asks `canOpen` of the durable state; what it reads is remembered. */
  asks(rule: (state: object) => boolean): boolean {
    if (this.#tree === undefined) return false;
    const yes = rule(tracked(this.#tree, this.#accessReads));
    this.#index.set(ACCESS, this.#accessReads);
    return yes;
  }

  deliver(rows: readonly Committed[]): void {
    const last = rows.at(-1);
    if (this.#tree === undefined || last === undefined) return;
    const operations = rows.flatMap((row): readonly PatchOperation[] => JSON.parse(row.operations));
    this.#tree = treeAfter(this.#tree, operations);
    this.#at = { seq: last.seq, epoch: last.epoch };
    const touched = this.#index.touchedBy(operations);
    if (touched.delete(ACCESS)) {
      this.#accessReads = new Reads();
      this.#parts.recheck();
    }
    this.#release({ events: eventsOf(rows), at: last.at, by: authorOf(rows) }, touched);
  }

  /** What a follower sees first, or goes on with after it was slow. Whoever is `ended` is not attached. */
  open(follower: Follower, request: ViewRequest): ViewOpening | Ended {
    const before = this.#views.get(follower);
    const opening = this.#open(follower, request);
    if (opening.kind === "ended") this.leave(follower);
    else if (before !== undefined) this.#layers.unfollow(before.layers, this.#layersAt);
    return opening;
  }

  /** The follower's caller has changed. Undefined: it sees the same as before. */
  regroup(follower: Follower): ViewOpening | Ended | undefined {
    const view = this.#views.get(follower);
    if (view === undefined || this.#parts.views.mine === undefined) return undefined;
    const layers = this.#layersFor(follower, view.params, NOTHING_HELD);
    if (layers.kind === "ended") return layers;
    const { found } = layers;
    if (found.every((layer, index) => layer === view.layers[index])) return undefined;
    this.#attach(follower, { params: view.params, layers: found });
    this.#layers.unfollow(view.layers, this.#layersAt);
    const opened = found.map((layer, index) => (layer === view.layers[index] ? continued(layer) : fresh(layer)));
    return { kind: "view", layers: opened, at: this.#at, events: [], gap: false };
  }

  /** The follower sees nothing more. */
  leave(follower: Follower): void {
    const view = this.#views.get(follower);
    this.#views.delete(follower);
    if (view !== undefined) this.#layers.unfollow(view.layers, this.#layersAt);
    this.#forgetUnfollowed();
  }

  #open(follower: Follower, { params: passed, held }: ViewRequest): ViewOpening | Ended {
    const { type, name, report } = this.#parts;
    const checked = checkedParams(type, passed, (error) => report.handlerFailed(name, "params", error));
    if (!checked.ok) return ended(checked.refusal);
    const layers = this.#layersFor(follower, checked.params, held);
    if (layers.kind === "ended") return layers;
    this.#attach(follower, { params: checked.params, layers: layers.found });
    const plan = planOf(layers.found, held, { at: this.#at, ring: this.#layers.ring });
    const eventLayer = layers.found.find(({ kind }) => kind === this.#eventKind);
    const resets = plan.layers.some(({ mode, layer }) => mode === "reset" && layer === eventLayer?.id);
    const events = eventLayer !== undefined && resets ? this.#pastEvents(eventLayer, held) : [];
    return { kind: "view", layers: plan.layers, at: this.#at, events, gap: plan.gap };
  }

  #release(step: Step, touched: ReadonlySet<Layer | typeof ACCESS>): void {
    const deltas = new Map<number, LayerDelta>();
    const failed: (readonly [Layer, unknown])[] = [];
    for (const layer of this.#concerned(touched, step.events.length > 0)) {
      try {
        const delta = this.#advance(layer, touched.has(layer), step);
        if (delta !== undefined) deltas.set(layer.id, delta);
      } catch (error) {
        failed.push([layer, error]);
      }
    }
    this.#layersAt = this.#at;
    for (const [layer, error] of failed) this.#fail(layer, error);
    this.#parts.audience.release(this.#at, deltas);
  }

  #concerned(touched: ReadonlySet<Layer | typeof ACCESS>, withEvents: boolean): Set<Layer> {
    const concerned = new Set<Layer>();
    for (const layer of touched) if (layer !== ACCESS && layer.followers > 0) concerned.add(layer);
    if (withEvents) for (const layer of this.#layers.followed(this.#eventKind)) concerned.add(layer);
    return concerned;
  }

  /** Brings a layer that is followed to the durable state; undefined: its viewers see no difference. */
  #advance(layer: Layer, isTouched: boolean, step: Step): LayerDelta | undefined {
    const operations = isTouched ? this.#move(layer) : NO_OPERATIONS;
    const { at, by } = step;
    return this.#log(layer, { operations, events: this.#eventsFor(layer, step.events), at, by }, this.#layersAt);
  }

  #move(layer: Layer): string {
    const operations = layer.moveTo(this.#treeNow());
    this.#index.set(layer, layer.reads);
    return operations;
  }

  #log(layer: Layer, step: Step & { readonly operations: string }, from: StoredPosition): LayerDelta | undefined {
    const { operations, events, at, by } = step;
    if (operations === NO_OPERATIONS && events.length === 0) return undefined;
    const delta = { prev: layer.chain, to: this.#at, at, operations, events, by };
    layer.chain = this.#at;
    this.#layers.ring.push(layer, delta, from);
    return delta;
  }

  /** The events that a layer's viewers hear. */
  #eventsFor(layer: Layer, events: readonly PastEvent[]): readonly PastEvent[] {
    if (layer.kind !== this.#eventKind) return [];
    const { type, report, name: document } = this.#parts;
    if (type.audiences.size === 0) return events;
    return events.filter(({ name, data }) =>
      hears(type.audiences.get(name), data, layer.group, (error) =>
        report.handlerFailed(document, `events.${name}.audience`, error),
      ),
    );
  }

  /** What a reset tells of the time since the position held: the group of now decides. */
  #pastEvents(layer: Layer, held: Held): readonly PastEvent[] {
    const after = basisOf(held.positions)?.[1];
    const events = after === undefined ? undefined : eventsBetween(held, after, this.#at.seq);
    return this.#eventsFor(layer, events ?? []);
  }

  #layersFor(
    { caller }: Follower,
    params: ViewParams,
    held: Held,
  ): { readonly kind: "found"; readonly found: readonly Layer[] } | Ended {
    const found: Layer[] = [];
    try {
      const specs = layerSpecs(this.#parts.views, caller.principal, params);
      for (const spec of specs) {
        const layer = this.#layer(spec, held);
        if (layer === undefined) {
          this.#layers.linger(found);
          return ended(TOO_MANY_GROUPS);
        }
        found.push(layer);
      }
      return { kind: "found", found };
    } catch (error) {
      this.#layers.linger(found);
      this.#parts.report.handlerFailed(this.#parts.name, "view", error);
      return ended({ code: "handler_failed" });
    }
  }

  /** Undefined: there are too many. */
  #layer(spec: LayerSpec, held: Held): Layer | undefined {
    const known = this.#layers.find(layerName(spec));
    if (known !== undefined) {
      if (known.followers === 0) this.#revive(known, held);
      return known;
    }
    if (!this.#layers.makeRoom(spec.kind)) return undefined;
    const { type, views } = this.#parts;
    const layer = new Layer(layerParts(spec, { id: this.#layers.nextId(), type, views }), this.#treeNow(), this.#at);
    this.#index.set(layer, layer.reads);
    this.#layers.add(layer, this.#at);
    return layer;
  }

  /** A layer nobody followed: one range catches up. */
  #revive(layer: Layer, held: Held): void {
    const from = layer.leftAt;
    const hasEvents = layer.kind === this.#eventKind && from.seq < this.#at.seq;
    const missed = hasEvents ? eventsBetween(held, from.seq, this.#at.seq) : [];
    try {
      const operations = this.#move(layer);
      this.#log(
        layer,
        { operations, events: this.#eventsFor(layer, missed ?? []), at: undefined, by: undefined },
        from,
      );
    } catch (error) {
      this.#layers.drop(layer);
      throw error;
    }
    // A range that lacks events cannot be replayed to anybody.
    if (missed === undefined) this.#layers.ring.begin(layer, this.#at);
    layer.leftAt = this.#at;
    this.#parts.audience.beginLayer(layer.id, layer.chain);
  }

  #attach(follower: Follower, view: View): void {
    this.#views.set(follower, view);
    this.#layers.follow(view.layers);
  }

  #forgetUnfollowed(): void {
    if (this.#layers.size === 0 && !this.#parts.isAwaited()) this.#tree = undefined;
  }

  /** An author's function threw: those who see this layer are told, nobody else notices (R19). */
  #fail(layer: Layer, error: unknown): void {
    this.#parts.report.handlerFailed(this.#parts.name, layer.kind, error);
    for (const [follower, view] of [...this.#views]) {
      if (view.layers.includes(layer)) this.#parts.end(follower, "handler_failed");
    }
    this.#layers.drop(layer);
  }

  #treeNow(): JsonObject {
    invariant(this.#tree !== undefined, "views are opened from a durable state");
    return this.#tree;
  }
}

const TOO_MANY_GROUPS: RefusedAnswer = {
  code: "limit_reached",
  data: { limit: "viewGroupsMax", value: LIMITS.viewGroupsMax },
};

const NOTHING_HELD: Held = { positions: [], missed: { kind: "nothing" } };

const ended = ({ code, data }: RefusedAnswer): Ended =>
  data === undefined ? { kind: "ended", code } : { kind: "ended", code, data };

function authorOf(rows: readonly Committed[]): string | undefined {
  const author = rows[0]?.by;
  return rows.every(({ by }) => by === author) ? author : undefined;
}
