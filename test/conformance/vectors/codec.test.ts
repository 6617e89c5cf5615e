// Codec vectors: both codecs give the bytes on file and read them back, and read or refuse the frames on file.
import {
  type ClientMessage,
  CODECS,
  FrameError,
  type Json,
  jsonCodec,
  LIMITS,
  msgpackCodec,
  parseClientMessage,
  parseServerMessage,
  type ServerMessage,
} from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { bytes, hex, vectors } from "./vectors.js";

interface CodecCase {
  readonly name: string;
  readonly from: "client" | "server";
  readonly message: ClientMessage | ServerMessage;
  readonly json: string;
  readonly msgpack: string;
}

interface FrameCase {
  readonly name: string;
  readonly codec: "json" | "msgpack";
  readonly frame: string;
  readonly bytesMax?: number;
  readonly depthMax?: number;
}

const limits = { bytesMax: LIMITS.frameBytesMax, depthMax: LIMITS.depthMax };

function decode({ codec, frame, ...own }: FrameCase): readonly Json[] {
  const bounds = { bytesMax: own.bytesMax ?? limits.bytesMax, depthMax: own.depthMax ?? limits.depthMax };
  return codec === "json" ? jsonCodec.decode(frame, bounds) : msgpackCodec.decode(bytes(frame), bounds);
}

describe.each(vectors<CodecCase>("codec"))("$from: $name", ({ from, message, json, msgpack }) => {
  test("[FRAME-1] is encoded as on file, in either codec", () => {
    expect(jsonCodec.join([jsonCodec.encode(message)])).toBe(json);
    expect(hex(msgpackCodec.join([msgpackCodec.encode(message)]))).toBe(msgpack);
  });

  test("[FRAME-2] is decoded to the same value, from either codec", () => {
    expect(jsonCodec.decode(json, limits)).toEqual([message]);
    expect(jsonCodec.decode(new TextEncoder().encode(json), limits)).toEqual([message]);
    expect(msgpackCodec.decode(bytes(msgpack), limits)).toEqual([message]);
  });

  test("[FRAME-8] fits the shape of its sender", () => {
    const [raw = null] = jsonCodec.decode(json, limits);
    expect(from === "client" ? parseClientMessage(raw) : parseServerMessage(raw)).toEqual(message);
  });
});

describe("frames that are read", () => {
  test.each(vectors<FrameCase & { messages: Json[] }>("decoding"))("[FRAME-2] $codec: $name", (frame) => {
    expect(decode(frame)).toEqual(frame.messages);
  });
});

describe("frames that are refused", () => {
  test.each(vectors<FrameCase & { rule: string; code: string }>("refusals"))("[$rule] $codec: $name", (frame) => {
    let refusal: unknown;
    try {
      decode(frame);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(FrameError);
    expect(refusal).toMatchObject({ code: frame.code });
  });

  test("[FRAME-5] binary is refused but in the place of a slice, and there where no part is expected", () => {
    const slice = bytes("94a4706172740100c401ff");
    const inside = bytes("94a470617274010091c401ff");
    const asKey = bytes("94a470617274010081c401ff01");
    expect(msgpackCodec.decode(slice, { ...limits, parts: true })).toEqual([["part", 1, 0, Uint8Array.of(0xff)]]);
    for (const frame of [inside, asKey]) expectFrameError(() => msgpackCodec.decode(frame, { ...limits, parts: true }));
    expectFrameError(() => msgpackCodec.decode(slice, limits));
  });

  test("[FRAME-4] every frame on file, cut anywhere, is refused or read without any other error", () => {
    for (const { json, msgpack } of vectors<CodecCase>("codec")) {
      for (let end = 0; end < json.length; end++) expectFrameError(() => jsonCodec.decode(json.slice(0, end), limits));
      const whole = bytes(msgpack);
      for (let end = 1; end < whole.length; end++) {
        expectFrameError(() => msgpackCodec.decode(whole.subarray(0, end), limits));
      }
    }
  });

  function expectFrameError(run: () => unknown): void {
    expect(run).toThrow(FrameError);
  }
});

test("[FRAME-1] each codec has its own subprotocol", () => {
  expect(CODECS.map(({ subprotocol, binary }) => [subprotocol, binary])).toStrictEqual([
    ["tidemark.v1.json", false],
    ["tidemark.v1.msgpack", true],
  ]);
});
