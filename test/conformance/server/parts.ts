// Puts together the states that come in parts (PART-1), so that nobody behind it knows the difference: the last part
// becomes the whole `snap`. Parts that do not make a state are a fault.
import { type Codec, FrameError, type Json, LIMITS, type ReceivedMessage } from "@tidemark/protocol";
import { Failure } from "../dialogue/failure.js";
import { isObject } from "../dialogue/names.js";
import { shown } from "../dialogue/pattern.js";

/** A state whose encoding is longer than this comes in parts. */
const WHOLE_BYTES_MAX = LIMITS.snapshotWholeBytesMax;
const SLICE_BYTES_MAX = LIMITS.snapshotPartBytes;
const STATE = { bytesMax: 64 * 1_048_576, depthMax: 64, parts: true };

type Slice = string | Uint8Array;

interface Announced {
  readonly snap: readonly Json[];
  readonly bytes: number;
  readonly parts: number;
  readonly slices: Slice[];
}

/** The parts of one connection. */
export class Parts {
  readonly #codec: Codec;
  /** States that are under way, by handle. */
  readonly #announced = new Map<number, Announced>();

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** The messages of a frame as if each state had come whole, where its last part came. */
  whole(messages: readonly ReceivedMessage[]): readonly Json[] {
    return messages.flatMap((message) => {
      if (Array.isArray(message) && message[0] === "part") return this.#part(message);
      if (!isJson(message)) return broken("binary in a part only", shown(message[0]));
      if (Array.isArray(message) && message[0] === "snap") return this.#snap(message);
      return [message];
    });
  }

  #snap(message: readonly Json[]): readonly Json[] {
    const [, h, , , state = null, about] = message;
    if (!isObject(about)) {
      const length = this.#lengthOf(state);
      if (length > WHOLE_BYTES_MAX) broken(`at most ${WHOLE_BYTES_MAX} bytes of state in a snap`, `${length}`);
      return [message];
    }
    const { bytes, parts } = about;
    if (typeof bytes !== "number" || typeof parts !== "number" || state !== null) {
      return broken("null and {bytes, parts}", shown(message));
    }
    this.#announced.set(Number(h), { snap: message.slice(0, 4), bytes, parts, slices: [] });
    return [];
  }

  #part([, h, index, slice]: readonly (Json | Uint8Array | undefined)[]): readonly Json[] {
    const announced = this.#announced.get(Number(h));
    if (announced === undefined) return broken("a part of a state that a snap announced", `one of handle ${h}`);
    const { slices, parts } = announced;
    if (index !== slices.length) return broken(`part ${slices.length} of handle ${h}`, `part ${shown(index)}`);
    if (!isSlice(slice) || this.#codec.sliceBytes(slice) > SLICE_BYTES_MAX) {
      return broken(`a slice of at most ${SLICE_BYTES_MAX} bytes`, isSlice(slice) ? "a longer one" : shown(slice));
    }
    slices.push(slice);
    if (slices.length < parts) return [];
    this.#announced.delete(Number(h));
    return [[...announced.snap, this.#joined(announced)]];
  }

  #joined({ slices, bytes }: Announced): Json {
    const length = slices.reduce((sum, slice) => sum + this.#codec.sliceBytes(slice), 0);
    if (length !== bytes) broken(`${bytes} bytes in all parts, as the snap said`, `${length}`);
    try {
      return this.#codec.joinState(slices, STATE);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return broken("parts that make a state", error.message);
    }
  }

  #lengthOf(state: Json): number {
    const slices = this.#codec.sliceState(JSON.stringify(state), SLICE_BYTES_MAX);
    return slices.reduce((sum, slice) => sum + this.#codec.sliceBytes(slice), 0);
  }
}

const isSlice = (value: unknown): value is Slice => typeof value === "string" || value instanceof Uint8Array;

const isJson = (message: ReceivedMessage): message is Json =>
  !Array.isArray(message) || message.every((item) => !(item instanceof Uint8Array));

function broken(expected: string, came: string): never {
  throw new Failure({ rule: "PART-1", expected, came });
}
