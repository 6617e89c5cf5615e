// One state that comes in parts: takes its slices in order and makes the state of them once all are there (PART-1). What
// does not fit is only said: healing is the stream's.
import { type Codec, FrameError, type Json, LIMITS, type SnapParts, type StateSlice } from "@tidemark/protocol";
import { CLIENT_LIMITS } from "../limits.js";

/** What became of a slice. */
export type Taken =
  | { readonly kind: "more" }
  | { readonly kind: "state"; readonly state: Json }
  /** Not the next one, not as much as was announced, or no state. */
  | { readonly kind: "wrong" };

export class Transfer {
  readonly #codec: Codec;
  readonly #announced: SnapParts;
  readonly #slices: StateSlice[] = [];
  #bytes = 0;

  constructor(codec: Codec, announced: SnapParts) {
    this.#codec = codec;
    this.#announced = announced;
  }

  /** Nothing may be taken after anything but `more`. */
  take(index: number, slice: StateSlice): Taken {
    const { bytes, parts } = this.#announced;
    this.#bytes += this.#codec.sliceBytes(slice);
    const isNext = index === this.#slices.length && index < parts;
    if (!isNext || this.#bytes > Math.min(bytes, CLIENT_LIMITS.frameBytesMax)) return { kind: "wrong" };
    this.#slices.push(slice);
    if (this.#slices.length < parts) return { kind: "more" };
    return this.#bytes === bytes ? this.#joined() : { kind: "wrong" };
  }

  #joined(): Taken {
    try {
      const limits = { bytesMax: CLIENT_LIMITS.frameBytesMax, depthMax: LIMITS.depthMax };
      return { kind: "state", state: this.#codec.joinState(this.#slices, limits) };
    } catch (error) {
      if (error instanceof FrameError) return { kind: "wrong" };
      throw error;
    }
  }
}
