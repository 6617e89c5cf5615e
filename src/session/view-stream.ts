// Everybody who sees the same layers of one document, by codec: what is encoded once for them is sent to all of them.
import type { Codec } from "@tidemark/protocol";
import { SeldomMap } from "../document/seldom-map.js";
import type { Point } from "./delta-chain.js";
import type { LayerStream } from "./layer-stream.js";
import type { OutgoingFrame } from "./wire.js";

/** A subscriber, as far as deltas go. */
export interface Receiver {
  readonly codec: Codec;
  /** Whether so many bytes can be sent to it. */
  hasRoomFor(bytes: number): boolean;
  /** Takes a shared frame, or has itself detached. `at` is the position of all layers after it, `chain` what the next delta
   * of the first layer links to. */
  receive(frame: OutgoingFrame, at: Point, chain: Point): void;
  /** More waits for it than is kept. */
  overrun(): void;
}

/** Those who are sent the same layers, at whatever pace. */
export interface FollowedStream {
  /** One or two: shared, then mine. */
  readonly layers: readonly LayerStream[];
  /** From now on it gets every delta; it holds everything so far. */
  attach(receiver: Receiver): void;
  /** It gets nothing more. */
  detach(receiver: Receiver): void;
  /** Something waits for it. */
  owes(receiver: Receiver): boolean;
  /** Sends it at once what waits for it. */
  hurry(receiver: Receiver): void;
}

/** The followers of the same layers, who are sent every change when it comes. */
export class ViewStream implements FollowedStream {
  /** One or two: shared, then mine. */
  readonly layers: readonly LayerStream[];
  readonly #receivers = new SeldomMap<Codec, Set<Receiver>>();
  readonly #unfollowed: (view: ViewStream) => void;

  /** `unfollowed`: the last one has left. */
  constructor(layers: readonly LayerStream[], unfollowed: (view: ViewStream) => void) {
    this.layers = layers;
    this.#unfollowed = unfollowed;
  }

  /** By codec; none of the lists is empty. */
  get receivers(): SeldomMap<Codec, ReadonlySet<Receiver>> {
    return this.#receivers;
  }

  owes(): boolean {
    return false;
  }

  hurry(): void {}

  attach(receiver: Receiver): void {
    const same = this.#receivers.get(receiver.codec);
    if (same === undefined) this.#receivers.set(receiver.codec, new Set([receiver]));
    else same.add(receiver);
  }

  detach(receiver: Receiver): void {
    const same = this.#receivers.get(receiver.codec);
    same?.delete(receiver);
    if (same?.size === 0) this.#receivers.delete(receiver.codec);
    if (this.#receivers.size === 0) this.#unfollowed(this);
  }
}
