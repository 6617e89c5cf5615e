// msgpack frames: messages one after another. Standard types only: no records, no extensions, no binary, so that a
// piece means the same to every receiver in every language, whenever it joined.
import { Packr, Unpackr } from "msgpackr";
import { LIMITS } from "../limits.js";
import type { Codec } from "./codec.js";
import { assertEncodable, withWellFormedText } from "./encodable.js";
import { FrameError, frameTooLarge } from "./frame-error.js";
import { scanMsgpack } from "./msgpack-scan.js";
import { normalize } from "./received.js";

// useToJSON: a key "toJSON" is data like any other.
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

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

  encodeOk({ n, at, resultJson }) {
    return packr.pack(resultJson === undefined ? ["ok", n, at] : ["ok", n, at, trustedJson(resultJson)]);
  },

  frame(piece) {
    return piece;
  },

  join(pieces) {
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1) return only;
    const frame = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      frame.set(piece, at);
      at += piece.length;
    }
    return frame;
  },

  decode(frame, limits) {
    if (typeof frame === "string") throw new FrameError("protocol_error", "A msgpack frame is binary.");
    if (frame.length > limits.bytesMax) throw frameTooLarge(limits.bytesMax);
    const suspicious = scanMsgpack(frame, limits.depthMax + LIMITS.envelopeDepth);
    const messages = frame.length === 0 ? [] : unpackr.unpackMultiple(frame);
    if (!Array.isArray(messages)) throw new FrameError("protocol_error", "The frame is not msgpack.");
    if (suspicious) normalize(messages);
    return messages;
  },
} satisfies Codec<Uint8Array>);

/** Text of the log's own making; a lone surrogate in it stands as an escape. */
function trustedJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return text.includes("\\ud") ? withWellFormedText(value) : value;
}
