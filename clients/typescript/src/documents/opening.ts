// One opening of a document, as the application holds it: its listeners, its calls, its status. Closing it gives it
// back; what it last showed stays.
import type { Contract, DeepReadonly, Json, TidemarkError, View } from "@tidemark/protocol";
import type { Askers, Senders } from "../api/call.js";
import type {
  Audit,
  Change,
  EventMap,
  LiveDocument,
  Observer,
  Probe,
  Staleness,
  Status,
  Unsubscribe,
} from "../api/document.js";
import type { Position } from "../api/position.js";
import { copyInput } from "../calls/input.js";
import { OpeningPresence } from "../peers/opening-presence.js";
import type { Platform } from "../platform/platform.js";
import type { Update } from "../stream/change.js";
import { asAskers, asEventListener, asObserver, asPresence, asSenders, asView, type Method } from "./claims.js";
import type { FollowedDocument, Follower } from "./followed-document.js";
import { guarded, Listeners } from "./listeners.js";
import { methods } from "./methods.js";
import { statesOf } from "./state-iterator.js";
import { differences, itemsOf, NO_ITEMS } from "./watch.js";

export interface OpeningOptions {
  readonly platform: Platform;
  readonly document: FollowedDocument;
  /** The function for one message or query; it asks at each call whether the document is still followed. */
  readonly message: (name: string, followed: () => FollowedDocument | undefined) => Method;
  readonly query: (name: string) => Method;
  readonly probe: (document: FollowedDocument) => Promise<Probe>;
  readonly audit: (document: FollowedDocument) => Promise<Audit>;
  /** Called once, by `close`. */
  readonly release: (follower: Follower) => void;
}

/** What a closed opening goes on showing. */
interface Last<C extends Contract> {
  readonly state: View<C> | undefined;
  readonly position: Position | undefined;
}

export class Opening<C extends Contract> implements LiveDocument<C>, Follower {
  readonly send: Senders<C>;
  readonly query: Askers<C>;
  readonly #options: OpeningOptions;
  readonly #document: FollowedDocument;
  readonly #changes: Listeners<[state: View<C> | undefined, change: Change | undefined]>;
  readonly #events = new Map<string, Listeners<[data: Json, at: Position]>>();
  readonly #statuses: Listeners<[status: Status]>;
  readonly #signals = new Map<string, Listeners<[data: Json, peer: string]>>();
  readonly #presence: OpeningPresence;
  #status: Status;
  #last: Last<C> | undefined;

  constructor(options: OpeningOptions) {
    this.#options = options;
    this.#document = options.document;
    this.#changes = new Listeners(options.platform);
    this.#statuses = new Listeners(options.platform);
    this.#status = options.document.status;
    this.#presence = new OpeningPresence({
      platform: options.platform,
      opening: this,
      peers: () => options.document.peers,
    });
    const followed = (): FollowedDocument | undefined => (this.#last === undefined ? options.document : undefined);
    this.send = asSenders(methods((name) => options.message(name, followed)));
    this.query = asAskers(methods(options.query));
  }

  get state(): View<C> | undefined {
    if (this.#last !== undefined) return this.#last.state;
    const { state } = this.#document;
    return state === undefined ? undefined : asView<C>(state);
  }

  get confirmed(): View<C> | undefined {
    return this.state;
  }

  get position(): Position | undefined {
    return this.#last === undefined ? this.#document.position : this.#last.position;
  }

  get status(): Status {
    return this.#last === undefined ? this.#document.status : "closed";
  }

  get staleness(): Staleness | undefined {
    return this.#last === undefined ? this.#document.staleness : undefined;
  }

  get error(): TidemarkError | undefined {
    return this.status === "denied" || this.status === "ended" ? this.#document.error : undefined;
  }

  subscribe(listener: (state: View<C>, change: Change) => void): Unsubscribe {
    const { state, position } = this;
    if (this.#last !== undefined) return () => undefined;
    const stop = this.#changes.add((next, change) => {
      if (next !== undefined && change !== undefined) listener(next, change);
    });
    if (state !== undefined && position !== undefined) {
      guarded(this.#options.platform, () => listener(state, { cause: "first", at: position }));
    }
    return stop;
  }

  watch<Collection>(select: (state: View<C>) => Collection, observer: Observer<NonNullable<Collection>>): Unsubscribe {
    const { platform } = this.#options;
    const listeners = asObserver(observer);
    let collection: unknown;
    let items = NO_ITEMS;
    const compare = (state: View<C> | undefined): void => {
      const selected = state === undefined ? undefined : select(state);
      if (selected === collection) return;
      const before = items;
      items = itemsOf(selected, listeners.key);
      collection = selected;
      for (const call of differences(before, items, listeners)) guarded(platform, call);
    };
    if (this.#last !== undefined) return () => undefined;
    const stop = this.#changes.add((state) => compare(state));
    guarded(platform, () => compare(this.state));
    return stop;
  }

  on<K extends keyof EventMap<C> & string>(
    event: K,
    listener: (data: DeepReadonly<EventMap<C>[K]>, at: Position) => void,
  ): Unsubscribe {
    if (this.#last !== undefined) return () => undefined;
    const listeners = this.#events.get(event) ?? new Listeners<[Json, Position]>(this.#options.platform);
    this.#events.set(event, listeners);
    return listeners.add(asEventListener(listener));
  }

  get presence(): LiveDocument<C>["presence"] {
    return asPresence<C>(this.#presence);
  }

  signal<K extends keyof C["signals"] & string>(signal: K, data: C["signals"][K]): void {
    const copied = copyInput(data);
    if (this.status === "live") this.#document.peers.signal(signal, copied);
  }

  onSignal<K extends keyof C["signals"] & string>(
    signal: K,
    listener: (data: DeepReadonly<C["signals"][K]>, peer: string) => void,
  ): Unsubscribe {
    if (this.#last !== undefined) return () => undefined;
    const listeners = this.#signals.get(signal) ?? new Listeners<[Json, string]>(this.#options.platform);
    this.#signals.set(signal, listeners);
    return listeners.add(asEventListener(listener));
  }

  onStatus(listener: (status: Status) => void): Unsubscribe {
    return this.#statuses.add(listener);
  }

  probe(): Promise<Probe> {
    return this.#options.probe(this.#document);
  }

  audit(): Promise<Audit> {
    return this.#options.audit(this.#document);
  }

  close(): void {
    if (this.#last !== undefined) return;
    this.#last = { state: this.state, position: this.position };
    this.#changes.clear();
    this.#events.clear();
    this.#signals.clear();
    this.#presence.close();
    this.#options.release(this);
    this.#tellStatus();
  }

  [Symbol.asyncIterator](): AsyncIterator<View<C>, void, void> {
    const document = this;
    return statesOf({
      get state() {
        return document.state;
      },
      get end() {
        const { status, error } = document;
        return status === "closed" || error !== undefined ? { error } : undefined;
      },
      listen: (wake) => this.#listen(wake),
    });
  }

  moved(update: Update | undefined): void {
    if (update?.change !== undefined) this.#changes.tell(asView<C>(update.state), update.change);
    else if (this.status === "denied") this.#changes.tell(undefined, undefined);
    if (update?.gap !== undefined) this.#tellEvent("gap", update.gap, update.at);
    for (const event of update?.events ?? []) this.#tellEvent(event.name, event.data, event.at);
    this.#tellStatus();
  }

  presenceMoved(): void {
    this.#presence.moved();
  }

  signalled(name: string, data: Json, peer: string): void {
    this.#signals.get(name)?.tell(data, peer);
  }

  #listen(wake: () => void): Unsubscribe {
    const stops = [this.#changes.add(wake), this.#statuses.add(wake)];
    return () => {
      for (const stop of stops) stop();
    };
  }

  #tellEvent(name: string, data: Json, at: Position): void {
    this.#events.get(name)?.tell(data, at);
  }

  #tellStatus(): void {
    const { status } = this;
    if (status === this.#status) return;
    this.#status = status;
    this.#statuses.tell(status);
  }
}
