// One opening's view of who is present, and what it shows itself. It looks and tells; the list is the document's.
import type { Presence, PresenceObserver } from "../api/presence.js";
import { copyInput } from "../calls/input.js";
import { guarded, Listeners } from "../documents/listeners.js";
import type { Platform } from "../platform/platform.js";
import type { Peers } from "./peers.js";
import type { PresentPeer } from "./present.js";

interface OpeningPresenceOptions {
  readonly platform: Platform;
  /** Whose it is. */
  readonly opening: object;
  readonly peers: () => Peers;
}

/** Typed by the contract of its document only where it is handed out. */
export class OpeningPresence implements Presence<unknown> {
  readonly #options: OpeningPresenceOptions;
  readonly #listeners: Listeners<[presence: Presence<unknown>]>;
  /** Undefined until it is used. */
  #peers: Peers | undefined;
  /** What it goes on showing when it is closed. */
  #last: { readonly peers: readonly PresentPeer[]; readonly count: number } | undefined;

  constructor(options: OpeningPresenceOptions) {
    this.#options = options;
    this.#listeners = new Listeners(options.platform);
  }

  get peers(): readonly PresentPeer[] {
    return this.#look().peers;
  }

  get count(): number {
    return this.#look().count;
  }

  set(meta: unknown): void {
    const copied = copyInput(meta);
    if (this.#last === undefined) this.#used().show(this.#options.opening, copied);
  }

  subscribe(listener: (presence: Presence<unknown>) => void): () => void {
    if (this.#last !== undefined) return () => undefined;
    const peers = this.#used();
    peers.watch();
    const stop = this.#listeners.add(listener);
    if (peers.present.isKnown) guarded(this.#options.platform, () => listener(this));
    return stop;
  }

  watch({ joined, updated, left }: PresenceObserver<unknown>): () => void {
    let listed: ReadonlyMap<string, PresentPeer> = new Map();
    return this.subscribe(() => {
      const before = listed;
      listed = new Map(this.peers.map((peer) => [peer.peer, peer]));
      const { platform } = this.#options;
      for (const [name, peer] of before) if (!listed.has(name)) guarded(platform, () => left?.(peer));
      for (const [name, peer] of listed) {
        const previous = before.get(name);
        if (previous === undefined) guarded(platform, () => joined?.(peer));
        else if (previous !== peer) guarded(platform, () => updated?.(peer, previous));
      }
    });
  }

  /** Somebody came or went, or shows something else. */
  moved(): void {
    this.#listeners.tell(this);
  }

  /** Its opening is closed. */
  close(): void {
    const { peers = [], count = 0 } = this.#peers?.present ?? {};
    this.#last = { peers, count };
    this.#listeners.clear();
  }

  #used(): Peers {
    this.#peers ??= this.#options.peers();
    return this.#peers;
  }

  #look(): { readonly peers: readonly PresentPeer[]; readonly count: number } {
    if (this.#last !== undefined) return this.#last;
    const peers = this.#used();
    peers.watch();
    return peers.present;
  }
}
