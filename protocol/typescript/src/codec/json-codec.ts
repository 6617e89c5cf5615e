// JSON text frames: an array of messages, even for one. The hot server messages are spliced from text that is held
// already, because building a value only to print it again would cost more than all the rest of sending it.

import type { Json } from "../json.js";
import { LIMITS } from "../limits.js";
import type { DeltaExtension } from "../messages.js";
import type { Codec, DecodeLimits } from "./codec.js";
import { assertEncodable } from "./encodable.js";
import { FrameError, frameTooLarge, theState } from "./frame-error.js";
import { scanJson } from "./json-scan.js";
import { normalize } from "./received.js";

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `tidemark.v1.json`: text frames. Frames given as bytes must be UTF-8. */
export const jsonCodec: Codec<string> = Object.freeze({
  name: "json",
  subprotocol: "tidemark.v1.json",
  binary: false,

  encode(message) {
    assertEncodable(message);
    return JSON.stringify(message);
  },

  encodeDelta({ h, prev, seq, operationsJson, extension }) {
    const fields = extension === undefined ? "" : extensionFields(extension);
    const tail = fields === "" ? "]" : `,{${fields.slice(1)}}]`;
    return `["d",${h},${prev},${seq},${operationsJson}${tail}`;
  },

  encodeSnap({ h, epoch, seq, stateJson }) {
    return `["snap",${h},${epoch},${seq},${stateJson}]`;
  },

  sliceState(stateJson, sliceBytesMax) {
    const slices: string[] = [];
    const room = new Uint8Array(sliceBytesMax);
    for (let from = 0; from < stateJson.length; ) {
      // As many whole code points as there is room for. A pair that this cuts has no room left: each unit before it took
      // at least a byte.
      const { read } = textEncoder.encodeInto(stateJson.slice(from, from + sliceBytesMax), room);
      slices.push(stateJson.slice(from, from + read));
      from += read;
    }
    return slices;
  },

  sliceBytes(slice) {
    return typeof slice === "string" ? utf8Length(slice) : slice.length;
  },

  encodePart({ h, index, slice }) {
    return JSON.stringify(["part", h, index, slice]);
  },

  joinState(slices, limits) {
    const text = slices.map((slice) => (typeof slice === "string" ? slice : refuseBinary())).join("");
    return theState(jsonCodec.decode(`[${text}]`, { ...limits, bytesMax: limits.bytesMax + 2, parts: false }));
  },

  encodeOk({ n, at, resultJson }) {
    const position = at === null ? "null" : `[${at[0]},${at[1]}]`;
    return resultJson === undefined ? `["ok",${n},${position}]` : `["ok",${n},${position},${resultJson}]`;
  },

  frame(piece) {
    return `[${piece}]`;
  },

  join(pieces) {
    return `[${pieces.join(",")}]`;
  },

  decode(frame: string | Uint8Array, limits: DecodeLimits): readonly Json[] {
    const text = frameText(frame, limits);
    // One level more than in msgpack: the array of messages.
    const suspicious = scanJson(text, limits.depthMax + LIMITS.envelopeDepth + 1);
    const messages: unknown = parseText(text);
    if (!Array.isArray(messages)) throw new FrameError("protocol_error", "A JSON frame is an array of messages.");
    if (suspicious) normalize(messages);
    return messages;
  },
} satisfies Codec<string>);

/** Each field with a comma before it. */
function extensionFields({ e, ev, at, by }: DeltaExtension): string {
  let fields = e === undefined ? "" : `,"e":${e}`;
  if (ev !== undefined) fields += `,"ev":${JSON.stringify(ev)}`;
  if (at !== undefined) fields += `,"at":${at}`;
  if (by !== undefined) fields += `,"by":${JSON.stringify(by)}`;
  return fields;
}

function refuseBinary(): never {
  throw new FrameError("protocol_error", "A part of JSON is text.");
}

function frameText(frame: string | Uint8Array, limits: DecodeLimits): string {
  if (typeof frame === "string") {
    if (frame.length * 3 > limits.bytesMax && utf8Length(frame) > limits.bytesMax) throw frameTooLarge(limits.bytesMax);
    return frame;
  }
  if (frame.length > limits.bytesMax) throw frameTooLarge(limits.bytesMax);
  try {
    return textDecoder.decode(frame);
  } catch {
    throw new FrameError("protocol_error", "The frame is not UTF-8.");
  }
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FrameError("protocol_error", "The frame is not JSON.");
  }
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    // A surrogate is half of four bytes; everything else above 0x7ff has three.
    if (char > 0x7f) length += char > 0x7ff && (char < 0xd800 || char > 0xdfff) ? 2 : 1;
  }
  return length;
}
