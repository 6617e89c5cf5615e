// One followed document's part among the others who follow it: what is shown of oneself, on each connection anew, who is
// present, and signals. Its stream says which subscription it is; nothing of it touches the state.
import type {
  Json,
  Opened,
  PresenceMessage,
  PresentMessage,
  SignalledMessage,
  SignalMessage,
} from "@tidemark/protocol";
import { LIMITS } from "@tidemark/protocol";
import type { Cancel, Platform } from "../platform/platform.js";
import { Present } from "./present.js";

/** What the part among the others needs of the connection. */
export interface PeersWire {
  send(message: SignalMessage | PresentMessage): void;
  /** From now on messages of this handle are these peers'. */
  routePeers(peers: Peers, handle: number): void;
  unroutePeers(peers: Peers, handle: number): void;
}

/** Whom peers tell: each opening of the document. */
export interface PeersObserver {
  presence(): void;
  signal(name: string, data: Json, peer: string): void;
}

export interface PeersOptions {
  readonly platform: Platform;
  readonly wire: PeersWire;
  readonly observer: PeersObserver;
}

interface Subscribed {
  readonly s: number;
  readonly handle: number | undefined;
}

/** Peers that are made when somebody needs them: most documents have none. */
export class LatePeers {
  readonly #options: PeersOptions;
  #made: Peers | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get made(): Peers | undefined {
    return this.#made;
  }

  make(): Peers {
    this.#made ??= new Peers(this.#options);
    return this.#made;
  }
}

export class Peers {
  readonly present = new Present();
  readonly #options: PeersOptions;
  /** What each opening wants to show, the newest last. */
  readonly #shown = new Map<object, Json>();
  #isWatched = false;
  /** What the server was told last on this connection; undefined: nothing. */
  #told: Json | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  #tellLater: Cancel | undefined;
  #at: Subscribed | undefined;
  #you = "";
  /** The list was asked for, and has not come. */
  #isAsked = false;
  /** What the observer has not been told. */
  #isChanged = false;
  #signals: SignalledMessage[] = [];

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** What an `open` says of it; undefined: nothing. */
  get wanted(): Json | undefined {
    const newest = [...this.#shown.values()].at(-1);
    return newest ?? (this.#isWatched ? null : undefined);
  }

  /** Somebody wants to know who is present. */
  watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#tell();
  }

  /** What an opening shows from now on; null: nothing. */
  show(opening: object, meta: Json): void {
    this.#isWatched = true;
    this.#shown.delete(opening);
    if (meta !== null) this.#shown.set(opening, meta);
    this.#tell();
  }

  /** An opening is closed: it shows nothing any more. */
  forget(opening: object): void {
    if (this.#shown.delete(opening)) this.#tell();
  }

  /** Only while the stream is live. */
  signal(name: string, data: Json): void {
    if (this.#at !== undefined) this.#options.wire.send(["sig", this.#at.s, name, data]);
  }

  // ------------------------------------------------------------------------------------------------ its stream

  /** The stream has said `open`, with what was wanted. */
  opening(s: number): void {
    this.left();
    this.#at = { s, handle: undefined };
    this.#told = this.wanted;
    this.#toldMs = this.#options.platform.monotonicMs();
  }

  opened({ s, peers }: Opened): void {
    const { wire } = this.#options;
    const handle = this.#at?.handle;
    if (handle !== undefined) wire.unroutePeers(this, handle);
    if (peers !== undefined) wire.routePeers(this, peers.h);
    this.#at = { s, handle: peers?.h };
    this.#you = peers?.you ?? "";
    this.#tell();
  }

  /** The stream has left its subscription. */
  left(): void {
    const handle = this.#at?.handle;
    if (handle !== undefined) this.#options.wire.unroutePeers(this, handle);
    this.#at = undefined;
    this.#told = undefined;
    this.#isAsked = false;
    this.#signals = [];
    this.#tellLater?.();
    this.#tellLater = undefined;
    this.present.outdate();
  }

  /** Nobody may know any more. */
  erase(): void {
    if (this.present.erase()) this.#isChanged = true;
  }

  receive(message: SignalledMessage | PresenceMessage): void {
    if (message[0] === "sig") {
      this.#signals.push(message);
      return;
    }
    const [, , rev, change] = message;
    if (change.all !== undefined) this.#isAsked = false;
    const heard = this.present.take(rev, change, this.#you);
    if (heard === "gap") this.#ask();
    else if (heard === "changed") this.#isChanged = true;
  }

  /** At the end of a frame: tells what there is to tell. */
  settle(): void {
    const { observer } = this.#options;
    const signals = this.#signals;
    this.#signals = [];
    if (this.#isChanged) {
      this.#isChanged = false;
      observer.presence();
    }
    for (const [, , name, data, from] of signals) observer.signal(name, data, from);
  }

  /** What the server says that it has told last (PRES-8). */
  compare(rev: number): void {
    if (!this.#isWatched || this.present.rev === rev) return;
    // An answer that did not come by now is lost.
    this.#isAsked = false;
    this.#ask();
  }

  // ------------------------------------------------------------------------------------------------ telling

  #ask(): void {
    if (this.#isAsked || this.#at === undefined) return;
    this.#isAsked = true;
    this.#options.wire.send(["pres", this.#at.s]);
  }

  /** At once, and then no more often than it is taken. */
  #tell(): void {
    if (this.#at === undefined || this.#tellLater !== undefined) return;
    const { platform } = this.#options;
    const inMs = this.#toldMs + LIMITS.presenceIntervalMs - platform.monotonicMs();
    if (inMs <= 0 || this.#told === undefined) this.#tellNow();
    else
      this.#tellLater = platform.setTimer(Math.ceil(inMs), () => {
        this.#tellLater = undefined;
        this.#tellNow();
      });
  }

  #tellNow(): void {
    const { wanted } = this;
    if (this.#at === undefined || wanted === undefined || wanted === this.#told) return;
    this.#told = wanted;
    this.#toldMs = this.#options.platform.monotonicMs();
    this.#options.wire.send(["pres", this.#at.s, wanted]);
  }
}
