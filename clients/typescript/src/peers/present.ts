// Who is present, as the server tells it: the list, then what changes of it. Pure: it is given messages and says whether
// they fit. What is equal stays the very same object.
import { type Json, jsonEquals, type PresenceChange } from "@tidemark/protocol";

/** One of those present. */
export interface PresentPeer {
  readonly peer: string;
  readonly you: boolean;
  readonly meta: Json;
}

/** What became of a message. `gap`: something before it is missing. */
export type Heard = "changed" | "same" | "gap";

export class Present {
  #peers: ReadonlyMap<string, PresentPeer> = new Map();
  #list: readonly PresentPeer[] = [];
  #count = 0;
  #isKnown = false;
  #rev: number | undefined;

  get peers(): readonly PresentPeer[] {
    return this.#list;
  }

  get count(): number {
    return this.#count;
  }

  /** A list has come, though it may be of another time. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** The revision that is held; undefined: no list came yet, or it is of another time. */
  get rev(): number | undefined {
    return this.#rev;
  }

  /** Takes a message. `you`: the peer that is oneself. */
  take(rev: number, change: PresenceChange, you: string): Heard {
    const { all, join = [], leave = [], count } = change;
    if (all === undefined && this.#rev === undefined) return "same";
    if (all === undefined && rev !== (this.#rev ?? 0) + 1) return rev <= (this.#rev ?? 0) ? "same" : "gap";
    const held = this.#peers;
    const peers = new Map(all === undefined ? held : []);
    for (const peer of leave) peers.delete(peer);
    for (const [peer, meta] of [...(all ?? []), ...join])
      peers.set(peer, withSharing(held.get(peer), { peer, you: peer === you, meta }));
    this.#rev = rev;
    const isFirst = !this.#isKnown;
    this.#isKnown = true;
    return this.#hold(peers, count) || isFirst ? "changed" : "same";
  }

  /** What is held is true no more, but the best that is known. */
  outdate(): void {
    this.#rev = undefined;
  }

  /** Nothing may be known any more. True: something was. */
  erase(): boolean {
    this.#rev = undefined;
    return this.#hold(new Map(), 0);
  }

  #hold(peers: ReadonlyMap<string, PresentPeer>, count: number): boolean {
    const list = [...peers.values()];
    const isSame = list.length === this.#list.length && list.every((peer, index) => peer === this.#list[index]);
    const isChanged = !isSame || count !== this.#count;
    this.#peers = peers;
    this.#count = count;
    if (!isSame) this.#list = list;
    return isChanged;
  }
}

function withSharing(held: PresentPeer | undefined, peer: PresentPeer): PresentPeer {
  return held !== undefined && held.you === peer.you && jsonEquals(held.meta, peer.meta) ? held : peer;
}
