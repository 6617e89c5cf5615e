// msgpack frames: messages one after another. Standard types only: no records, no extensions, no binary, so that a
// piece means the same to every receiver in every language, whenever it joined.
import { Packr, Unpackr } from "msgpackr";
import type { Json } from "../json.js";
import { LIMITS } from "../limits.js";
import type { StateSlice } from "../messages.js";
import type { Codec, DecodeLimits } from "./codec.js";
import { assertEncodable, withWellFormedText } from "./encodable.js";
import { FrameError, frameTooLarge, theState } from "./frame-error.js";
import { scanMsgpack } from "./msgpack-scan.js";
import { normalize } from "./received.js";

// useToJSON: a key "toJSON" is data like any other.
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

/** First bytes of an array of four and of binary with a length of 32 bits. */
const ARRAY_OF_FOUR = 0x94;
const BINARY = 0xc6;
const BINARY_HEAD_BYTES = 5;

/** `tidemark.v1.msgpack`: binary frames. */
export const msgpackCodec: Codec<Uint8Array> = Object.freeze({
  name: "msgpack",
  subprotocol: "tidemark.v1.msgpack",
  binary: true,

  encode(message) {
    return packr.pack(assertEncodable(message) ? message : message.map(withWellFormedText));
  },

  encodeDelta({ h, prev, seq, operationsJson, extension }) {
    const operations = trustedJson(operationsJson);
    const message: unknown[] = ["d", h, prev, seq, operations];
    if (extension !== undefined && Object.keys(extension).length > 0) message.push(withWellFormedText(extension));
    return packr.pack(message);
  },

  encodeSnap({ h, epoch, seq, stateJson }) {
    return packr.pack(["snap", h, epoch, seq, trustedJson(stateJson)]);
  },

  sliceState(stateJson, sliceBytesMax) {
    const bytes = packr.pack(trustedJson(stateJson));
    const count = Math.ceil(bytes.length / sliceBytesMax);
    return Array.from({ length: count }, (_, index) =>
      bytes.subarray(index * sliceBytesMax, (index + 1) * sliceBytesMax),
    );
  },

  sliceBytes: (slice) => slice.length,

  encodePart({ h, index, slice }) {
    const head = packr.pack(["part", h, index]);
    const piece = new Uint8Array(head.length + BINARY_HEAD_BYTES + slice.length);
    piece.set(head);
    piece[0] = ARRAY_OF_FOUR;
    piece[head.length] = BINARY;
    new DataView(piece.buffer).setUint32(head.length + 1, slice.length);
    piece.set(binary(slice), head.length + BINARY_HEAD_BYTES);
    return piece;
  },

  joinState(slices, limits) {
    return theState(msgpackCodec.decode(joined(slices.map(binary)), { ...limits, parts: false }));
  },

  encodeOk({ n, at, resultJson }) {
    return packr.pack(resultJson === undefined ? ["ok", n, at] : ["ok", n, at, trustedJson(resultJson)]);
  },

  frame(piece) {
    return piece;
  },

  join(pieces) {
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1) return only;
    return joined(pieces);
  },

  decode(frame: string | Uint8Array, limits: DecodeLimits): readonly Json[] {
    if (typeof frame === "string") throw new FrameError("protocol_error", "A msgpack frame is binary.");
    if (frame.length > limits.bytesMax) throw frameTooLarge(limits.bytesMax);
    const suspicious = scanMsgpack(frame, {
      depthMax: limits.depthMax + LIMITS.envelopeDepth,
      parts: limits.parts === true,
    });
    const messages: unknown = frame.length === 0 ? [] : unpackr.unpackMultiple(frame);
    if (!Array.isArray(messages)) throw new FrameError("protocol_error", "The frame is not msgpack.");
    if (suspicious) normalize(messages);
    return messages;
  },
} satisfies Codec<Uint8Array>);

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function binary(slice: StateSlice): Uint8Array {
  if (typeof slice !== "string") return slice;
  throw new FrameError("protocol_error", "A part of msgpack is binary.");
}

/** Text of the log's own making; a lone surrogate in it stands as an escape. */
function trustedJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return text.includes("\\ud") ? withWellFormedText(value) : value;
}
