// Which stream a message belongs to: by subscription number, then by handle. It also keeps the heartbeat's side of the
// streams: heads out, heads in, and who was not named. Messages for handles it does not know are of closed streams.
import {
  type DeltaMessage,
  type EndedMessage,
  type Heads,
  LIMITS,
  type OpenedMessage,
  type OpenMessage,
  type PartMessage,
  type PresenceMessage,
  type ProtocolFault,
  type SignalledMessage,
  type SnapMessage,
} from "@tidemark/protocol";
import type { Peers } from "../peers/peers.js";
import type { Platform } from "../platform/platform.js";
import type { Stream } from "./stream.js";

/** Messages that belong to a stream. */
export type StreamMessage = OpenedMessage | SnapMessage | PartMessage | DeltaMessage | EndedMessage;

/** Messages that belong to all who follow a document. */
export type PeersMessage = SignalledMessage | PresenceMessage;

interface Route {
  readonly stream: Stream;
  readonly layer: number;
}

/** A round of heads: those that were live when it began, and those named since. */
interface Round {
  readonly live: ReadonlySet<Stream>;
  readonly named: Set<Stream>;
}

const HEAD_NUMBERS = 3;

export class Subscriptions {
  readonly #platform: Platform;
  readonly #streams = new Set<Stream>();
  readonly #bySubscription = new Map<number, Stream>();
  readonly #byHandle = new Map<number, Route>();
  readonly #touched = new Set<Stream>();
  /** Several views of one document on a connection hear everything once, and share it. */
  readonly #peersByHandle = new Map<number, Set<Peers>>();
  readonly #touchedPeers = new Set<Peers>();
  #next = 1;
  /** The one under way. */
  #round: Round | undefined;
  /** When the last round was over that counts. */
  #roundMs = Number.NEGATIVE_INFINITY;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  add(stream: Stream): void {
    this.#streams.add(stream);
  }

  remove(stream: Stream): void {
    this.#streams.delete(stream);
    this.#touched.delete(stream);
  }

  nextSubscription(): number {
    return this.#next++;
  }

  route(stream: Stream, s: number, handles: readonly number[]): void {
    this.#bySubscription.set(s, stream);
    for (const [layer, handle] of handles.entries()) this.#byHandle.set(handle, { stream, layer });
  }

  unroute(s: number, handles: readonly number[]): void {
    this.#bySubscription.delete(s);
    for (const handle of handles) this.#byHandle.delete(handle);
  }

  routePeers(peers: Peers, handle: number): void {
    const known = this.#peersByHandle.get(handle);
    if (known === undefined) this.#peersByHandle.set(handle, new Set([peers]));
    else known.add(peers);
  }

  unroutePeers(peers: Peers, handle: number): void {
    const known = this.#peersByHandle.get(handle);
    known?.delete(peers);
    if (known?.size === 0) this.#peersByHandle.delete(handle);
    this.#touchedPeers.delete(peers);
  }

  /** A connection is live: every stream opens on it. */
  connected(): void {
    for (const stream of this.#streams) stream.connected();
    tell([...this.#streams]);
  }

  /** The connection is gone. */
  cut(): void {
    this.#round = undefined;
    this.#touched.clear();
    for (const stream of this.#streams) stream.cut();
    tell([...this.#streams]);
  }

  /** The connection goes on by another request: what to ask it for. */
  renew(): readonly OpenMessage[] {
    this.#round = undefined;
    return [...this.#streams].flatMap((stream) => stream.renew() ?? []).map((open): OpenMessage => ["open", open]);
  }

  receive(message: StreamMessage): void {
    switch (message[0]) {
      case "opened":
        this.#to(message[1].s, (stream) => stream.opened(message[1]));
        return;
      case "ended":
        this.#to(message[1].s, (stream) => stream.ended(message[1]));
        return;
      case "snap":
        this.#on(message[1], ({ stream, layer }) => stream.snap(layer, message));
        return;
      case "part":
        this.#on(message[1], ({ stream, layer }) => stream.part(layer, message));
        return;
      case "d":
        this.#on(message[1], ({ stream, layer }) => stream.delta(layer, message));
        return;
    }
  }

  receivePeers(message: PeersMessage): void {
    for (const peers of this.#peersByHandle.get(message[1]) ?? []) {
      peers.receive(message);
      this.#touchedPeers.add(peers);
    }
  }

  /** What a subscription said to the others was refused. */
  refused(fault: ProtocolFault): void {
    if (fault.s !== undefined) this.#bySubscription.get(fault.s)?.refused(fault);
  }

  /** The frame is over: tells each document what it did, after all of them have moved. */
  frameEnd(): void {
    if (this.#touched.size > 0) {
      const touched = [...this.#touched];
      this.#touched.clear();
      tell(touched);
    }
    if (this.#touchedPeers.size === 0) return;
    const touched = [...this.#touchedPeers];
    this.#touchedPeers.clear();
    for (const peers of touched) peers.settle();
  }

  /** Flat heads of every live stream, cut into what one ping may hold; at least one, perhaps empty. */
  heads(): readonly Heads[] {
    const all = [...this.#streams].flatMap((stream) => stream.heads);
    const size = LIMITS.headsPerPing * HEAD_NUMBERS;
    const parts: Heads[] = [all.slice(0, size)];
    for (let from = size; from < all.length; from += size) parts.push(all.slice(from, from + size));
    return parts;
  }

  /** What is held of the handles that these heads name: the answer to a ping. */
  answer(heads: Heads): Heads {
    const streams = new Set<Stream>();
    for (const [handle] of triples(heads)) {
      const route = this.#byHandle.get(handle);
      if (route !== undefined) streams.add(route.stream);
    }
    return [...streams].flatMap((stream) => stream.heads).slice(0, LIMITS.headsPerPing * HEAD_NUMBERS);
  }

  /** What the server says it has sent with what is held, and heals what differs: R13. */
  #compare(heads: Heads): void {
    for (const [handle, epoch, seq] of triples(heads)) {
      const route = this.#byHandle.get(handle);
      if (route === undefined) {
        for (const peers of this.#peersByHandle.get(handle) ?? []) peers.compare(seq);
        continue;
      }
      this.#round?.named.add(route.stream);
      if (route.stream.isLeftOut) this.#touched.add(route.stream);
      route.stream.named();
      const difference = route.stream.difference(route.layer, epoch, seq);
      if (difference === undefined) continue;
      this.#touched.add(route.stream);
      if (difference === "behind") route.stream.learned(seq);
      route.stream.heal(difference);
    }
  }

  /** The heads of a server's ping. */
  pinged(heads: Heads, pingMs: number): void {
    const round = this.#heard(heads);
    if (round === undefined) return;
    const nowMs = this.#platform.monotonicMs();
    // Rounds that waited to be read together do not show that anything was missing for long.
    const counts = nowMs - this.#roundMs >= pingMs / 2;
    if (counts) this.#roundMs = nowMs;
    this.#leaveOut(round, counts);
  }

  /** The heads of an answer, which leave `left` subscriptions out; when they do not, they need not name any. */
  answered(heads: Heads, left: number): void {
    const round = this.#heard(heads);
    if (round === undefined) return;
    if (left > 0) return this.#leaveOut(round, false);
    for (const stream of round.live) {
      if (!stream.isLeftOut) continue;
      this.#touched.add(stream);
      stream.takenUp();
    }
  }

  /** Compares. A round is over with the message that has room for more heads (HEAD-1): which round that was. */
  #heard(heads: Heads): Round | undefined {
    this.#round ??= { live: new Set([...this.#streams].filter(({ phase }) => phase === "live")), named: new Set() };
    this.#compare(heads);
    if (heads.length >= LIMITS.headsPerPing * HEAD_NUMBERS) return undefined;
    const round = this.#round;
    this.#round = undefined;
    return round;
  }

  #leaveOut({ live, named }: Round, counts: boolean): void {
    for (const stream of live) {
      if (named.has(stream) || !this.#streams.has(stream)) continue;
      this.#touched.add(stream);
      stream.leftOut(counts);
    }
  }

  #to(s: number, then: (stream: Stream) => void): void {
    const stream = this.#bySubscription.get(s);
    if (stream === undefined) return;
    this.#touched.add(stream);
    then(stream);
  }

  #on(handle: number, then: (route: Route) => void): void {
    const route = this.#byHandle.get(handle);
    if (route === undefined) return;
    this.#touched.add(route.stream);
    then(route);
  }
}

function tell(streams: readonly Stream[]): void {
  const told = streams.map((stream) => stream.settle());
  for (const run of told) run();
}

function* triples(heads: Heads): Generator<readonly [handle: number, epoch: number, seq: number]> {
  for (let at = 0; at + 2 < heads.length; at += HEAD_NUMBERS) {
    yield [heads[at] ?? 0, heads[at + 1] ?? 0, heads[at + 2] ?? 0];
  }
}
