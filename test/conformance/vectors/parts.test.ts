// Vectors of states that come in parts: how they are cut, what carries a slice, and what the slices make again.
import {
  CODECS,
  type Codec,
  FrameError,
  type Json,
  jsonCodec,
  LIMITS,
  msgpackCodec,
  type StateSlice,
} from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { bytes, hex, vectors } from "./vectors.js";

interface Cut {
  readonly bytes: number;
  readonly slices: readonly string[];
  readonly frames: readonly string[];
}

interface PartsCase {
  readonly name: string;
  readonly rule: string;
  readonly state: Json;
  readonly stateJson: string;
  readonly sliceBytesMax: number;
  readonly h: number;
  readonly json: Cut;
  readonly msgpack: Cut;
}

interface RefusedCase {
  readonly name: string;
  readonly rule: string;
  readonly codec: "json" | "msgpack";
  readonly slices: readonly string[];
  readonly error: string;
}

const limits = { bytesMax: LIMITS.frameBytesMax, depthMax: LIMITS.depthMax, parts: true };
const isRefused = (given: PartsCase | RefusedCase): given is RefusedCase => "error" in given;
const isCut = (given: PartsCase | RefusedCase): given is PartsCase => !isRefused(given);
const cases = vectors<PartsCase | RefusedCase>("parts");

/** As a file has them: text as it is, bytes as hex. */
const written = (piece: StateSlice): string => (typeof piece === "string" ? piece : hex(piece));
const read = (codec: Codec, text: string): StateSlice => (codec.binary ? bytes(text) : text);

describe.each(cases.filter(isCut))("$name", (given) => {
  test.each<Codec>([jsonCodec, msgpackCodec])("[PART-1] is cut, carried and put together again ($name)", (codec) => {
    const cut = given[codec.name];
    const slices = codec.sliceState(given.stateJson, given.sliceBytesMax);
    expect(slices.map(written)).toEqual(cut.slices);
    expect(slices.reduce((sum, slice) => sum + codec.sliceBytes(slice), 0)).toBe(cut.bytes);
    for (const slice of slices) expect(codec.sliceBytes(slice)).toBeLessThanOrEqual(given.sliceBytesMax);
    const frames = slices.map((slice, index) => codec.frame(codec.encodePart({ h: given.h, index, slice })));
    expect(frames.map(written)).toEqual(cut.frames);
    for (const [index, frame] of cut.frames.entries()) {
      const [message] = codec.decode(read(codec, frame), limits);
      expect(Array.isArray(message) && message.slice(0, 3)).toEqual(["part", given.h, index]);
      expect(written(sliceOf(message))).toBe(cut.slices[index]);
    }
    const received = cut.slices.map((slice) => read(codec, slice));
    expect(codec.joinState(received, limits)).toEqual(given.state);
  });
});

test.each(cases.filter(isRefused))("[PART-1] $codec: $name", ({ codec: name, slices, error }) => {
  const codec: Codec = name === "json" ? jsonCodec : msgpackCodec;
  const join = (): Json =>
    codec.joinState(
      slices.map((slice) => read(codec, slice)),
      limits,
    );
  expect(join).toThrow(FrameError);
  expect(join).toThrow(expect.objectContaining({ code: error }));
});

test("[PART-1] a slice of the other codec is refused", () => {
  expect(() => jsonCodec.joinState([Uint8Array.of(1)], limits)).toThrow(FrameError);
  expect(() => msgpackCodec.joinState(["1"], limits)).toThrow(FrameError);
});

test("[PART-1] a state is bounded as a frame is", () => {
  const text = JSON.stringify("x".repeat(100));
  for (const codec of CODECS) {
    const slices = codec.sliceState(text, 10);
    expect(() => codec.joinState(slices, { ...limits, bytesMax: 90 })).toThrow(
      expect.objectContaining({ code: "too_large" }),
    );
  }
});

function sliceOf(message: unknown): StateSlice {
  const slice: unknown = Array.isArray(message) ? message[3] : undefined;
  if (typeof slice === "string" || slice instanceof Uint8Array) return slice;
  throw new TypeError("no slice");
}
