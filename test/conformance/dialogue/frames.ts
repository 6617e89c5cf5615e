// Messages of a dialogue as frames, and frames as messages. They are said as they are written, also when they break the
// protocol: that is what some dialogues are about.
import { type ClientMessage, type Codec, FrameError, type Json, type ReceivedMessage } from "@tidemark/protocol";
import type { RawData } from "ws";
import { Failure } from "./failure.js";

/** A frame for each codec: text, or bytes in lower-case hex. */
export interface RawFrame {
  readonly json: string;
  readonly msgpack: string;
}

/** More than anybody may send: how large a frame may be is what some dialogues are about. */
const IN = { bytesMax: 64 * 1_048_576, depthMax: 64 };

/** One frame that holds these messages. */
export function frameOf(codec: Codec, messages: readonly (readonly Json[])[]): string | Uint8Array {
  return codec.join(messages.map((message) => codec.encode(asMessage(message))));
}

/** A frame as a dialogue wrote it. */
export function rawFrame(codec: Codec, frame: RawFrame): string | Uint8Array {
  return codec.binary ? Buffer.from(frame.msgpack, "hex") : frame.json;
}

/** The messages of a frame that came. Throws Failure for one of another codec, and for one that cannot be read. */
export function messagesOf(codec: Codec, data: RawData, isBinary: boolean): readonly Json[] {
  return read(codec, { data, isBinary }, (frame) => codec.decode(frame, IN));
}

/** The same of a server, whose messages may have binary in them. */
export function receivedOf(codec: Codec, data: RawData, isBinary: boolean): readonly ReceivedMessage[] {
  return read(codec, { data, isBinary }, (frame) => codec.decode(frame, { ...IN, parts: true }));
}

function read<Messages>(
  codec: Codec,
  { data, isBinary }: { readonly data: RawData; readonly isBinary: boolean },
  decode: (frame: string | Uint8Array) => Messages,
): Messages {
  if (isBinary !== codec.binary) {
    const came = isBinary ? "a binary one" : "a text one";
    throw new Failure({ rule: "FRAME-1", expected: `frames of ${codec.name}`, came });
  }
  const bytes = joined(data);
  try {
    return decode(isBinary ? bytes : bytes.toString("utf8"));
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new Failure({ rule: "FRAME-4", expected: `a frame of ${codec.name}`, came: error.message });
  }
}

function joined(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** Encoding asks nothing but that a message is JSON, which what was read from a file is. */
function asMessage(message: readonly Json[]): ClientMessage {
  return message as unknown as ClientMessage;
}
