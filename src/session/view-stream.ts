// Everybody who sees the same layers of one document, by codec: what is encoded once for them is sent to all of them.
import type { Codec } from "@tidemark/protocol";
import type { Point } from "./delta-chain.js";
import type { LayerStream } from "./layer-stream.js";
import type { OutgoingFrame } from "./wire.js";

/** A subscriber, as far as deltas go. */
export interface Receiver {
  readonly codec: Codec;
  /** Takes a shared frame, or has itself detached. `at` is the position of all layers after it, `chain` what the next delta
   * of the first layer links to. */
  receive(frame: OutgoingFrame, at: Point, chain: Point): void;
}

/** The followers of the same layers. */
export class ViewStream {
  /** One or two: shared, then mine. */
  readonly layers: readonly LayerStream[];
  readonly #receivers = new Map<Codec, Set<Receiver>>();
  readonly #unfollowed: (view: ViewStream) => void;

  /** `unfollowed`: the last one has left. */
  constructor(layers: readonly LayerStream[], unfollowed: (view: ViewStream) => void) {
    this.layers = layers;
    this.#unfollowed = unfollowed;
  }

  /** By codec; none of the lists is empty. */
  get receivers(): ReadonlyMap<Codec, ReadonlySet<Receiver>> {
    return this.#receivers;
  }

  /** From now on it gets every delta. */
  attach(receiver: Receiver): void {
    const same = this.#receivers.get(receiver.codec);
    if (same === undefined) this.#receivers.set(receiver.codec, new Set([receiver]));
    else same.add(receiver);
  }

  /** It gets nothing more. */
  detach(receiver: Receiver): void {
    const same = this.#receivers.get(receiver.codec);
    same?.delete(receiver);
    if (same?.size === 0) this.#receivers.delete(receiver.codec);
    if (this.#receivers.size === 0) this.#unfollowed(this);
  }
}
