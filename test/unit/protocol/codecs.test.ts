// What holds for both codecs alike, on random values and hostile ones.
import {
  type Codec,
  type DeltaExtension,
  EncodeError,
  FrameError,
  type Json,
  jsonCodec,
  LIMITS,
  msgpackCodec,
  type Piece,
  type ServerMessage,
} from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { json, number, text } from "./arbitrary-json.js";

const limits = { bytesMax: LIMITS.frameBytesMax, depthMax: LIMITS.depthMax };
const snap = (state: Json): ServerMessage => ["snap", 1, 2, 3, state];

function suite<P extends Piece>(codec: Codec<P>): void {
  const roundTrip = (...pieces: P[]) => codec.decode(codec.join(pieces), limits);

  test("[FRAME-2] any message comes back as it was, alone and among others", () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 5 }), (states) => {
        const messages = states.map(snap);
        expect(roundTrip(...messages.map((message) => codec.encode(message)))).toEqual(messages);
      }),
      { numRuns: 2_000 },
    );
  });

  test("[FRAME-2] spliced messages are the messages they stand for", () => {
    const extension: fc.Arbitrary<DeltaExtension> = fc.record(
      { e: fc.nat(), at: fc.maxSafeNat(), by: text, ev: fc.constant([]) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(json, extension, number, (value, more, n) => {
        const operations = [["=", "", value] as const];
        const operationsJson = JSON.stringify(operations);
        const spliced = roundTrip(
          codec.encodeDelta({ h: 1, prev: 2, seq: 3, operationsJson, extension: more }),
          codec.encodeDelta({ h: 1, prev: 2, seq: 3, operationsJson }),
          codec.encodeSnap({ h: 1, epoch: 2, seq: 3, stateJson: JSON.stringify(value) }),
          codec.encodeOk({ n: 1, at: [2, 3], resultJson: JSON.stringify(n) }),
          codec.encodeOk({ n: 1, at: null, resultJson: undefined }),
        );
        const tail = Object.keys(more).length === 0 ? [] : [more];
        expect(spliced).toEqual([
          ["d", 1, 2, 3, operations, ...tail],
          ["d", 1, 2, 3, operations],
          ["snap", 1, 2, 3, value],
          ["ok", 1, [2, 3], n],
          ["ok", 1, null],
        ]);
      }),
      { numRuns: 1_000 },
    );
  });

  test("[FRAME-7] text that is not Unicode is read as U+FFFD, spliced or not", () => {
    const state = { "a\ud800": ["\udc00b", "\ud83c\udf0a"] };
    const read = ["snap", 1, 2, 3, { "a\ufffd": ["\ufffdb", "\ud83c\udf0a"] }];
    const stateJson = JSON.stringify(state);
    expect(roundTrip(codec.encode(snap(state)))).toEqual([read]);
    expect(roundTrip(codec.encodeSnap({ h: 1, epoch: 2, seq: 3, stateJson }))).toEqual([read]);
  });

  test("[FRAME-7] -0 is sent as 0", () => {
    expect(roundTrip(codec.encode(snap([-0])))).toEqual([snap([0])]);
  });

  const cycle: unknown[] = [];
  cycle.push(cycle);
  test.each([
    ["undefined", { a: [undefined] }, "/4/a/0"],
    ["a hole", { a: new Array(1) }, "/4/a/0"],
    ["a Date", [new Date(0)], "/4/0"],
    ["a Map", { "m/n": new Map() }, "/4/m~1n"],
    ["bytes", [new Uint8Array(1)], "/4/0"],
    ["NaN", { a: Number.NaN }, "/4/a"],
    ["infinity", { a: Number.POSITIVE_INFINITY }, "/4/a"],
    ["a bigint", { a: 1n }, "/4/a"],
    ["a function", { toJSON: () => 1 }, "/4/toJSON"],
    ["a symbol", [Symbol("x")], "/4/0"],
    ["a class", { a: new (class Point {})() }, "/4/a"],
    ["__proto__", JSON.parse('{"a":{"__proto__":1}}'), "/4/a/__proto__"],
    ["a cycle", cycle, "/4/0/0/0"],
  ])("[FRAME-10] %s is refused before it is encoded", (_, state, path) => {
    const send = () => codec.encode(snap(state as Json));
    expect(send).toThrow(EncodeError);
    expect(send).toThrow(expect.objectContaining({ path }));
  });

  test("[FRAME-6] keys of Object.prototype are data", () => {
    const state = { constructor: "x", toJSON: 1, hasOwnProperty: null, length: 3, size: [] };
    expect(roundTrip(codec.encode(snap(state)))).toEqual([snap(state)]);
    expect(codec.encode(snap(Object.assign(Object.create(null), { a: 1 })))).toEqual(codec.encode(snap({ a: 1 })));
  });

  test("[FRAME-3] a value of 64 levels passes in every place a message has for it, one of 70 in none", () => {
    const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)]);
    const around = (value: Json): ServerMessage[] => [
      snap(value),
      ["d", 1, 2, 3, [["=", "", value]], { ev: [[3, 4, "e", value]] }],
      ["ok", 1, null, value],
    ];
    expect(roundTrip(...around(deep(64)).map((message) => codec.encode(message)))).toEqual(around(deep(64)));
    const stateJson = JSON.stringify(deep(70));
    const piece = codec.encodeSnap({ h: 1, epoch: 2, seq: 3, stateJson });
    expect(() => roundTrip(piece)).toThrow(expect.objectContaining({ code: "too_large" }));
  });

  test("[R19] [FRAME-4] random bytes are read or refused, and nothing else happens", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (frame) => {
        try {
          expect(codec.decode(frame, limits)).toBeInstanceOf(Array);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
}

describe("json", () => suite(jsonCodec));
describe("msgpack", () => suite(msgpackCodec));

test("[FRAME-4] a text frame under msgpack is refused", () => {
  expect(() => msgpackCodec.decode("[]", limits)).toThrow(FrameError);
});

test("[FRAME-4] JSON bytes that are not UTF-8 are refused", () => {
  expect(() => jsonCodec.decode(Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d), limits)).toThrow(FrameError);
});

test("[FRAME-3] size is counted in bytes of UTF-8, not in characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 30 }), (value) => {
      const frame = jsonCodec.join([jsonCodec.encode(snap(value))]);
      const bytesMax = new TextEncoder().encode(frame).length;
      expect(jsonCodec.decode(frame, { bytesMax, depthMax: 64 })).toEqual([snap(value)]);
      expect(() => jsonCodec.decode(frame, { bytesMax: bytesMax - 1, depthMax: 64 })).toThrow(FrameError);
    }),
  );
});

test("[FRAME-5] msgpack integers of 64 bits are numbers", () => {
  const [message] = msgpackCodec.decode(Uint8Array.of(0x91, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0), limits);
  expect(message).toEqual([2 ** 32]);
});

test("[FRAME-6] __proto__ from a frame never reaches a prototype", () => {
  for (const spelling of ["__proto__", "\\u005f_proto__", "__proto\\u005F\\u005f"]) {
    const frame = `[["c",1,1,"x",{"${spelling}":{"admin":true}},{"born":1}]]`;
    expect(() => jsonCodec.decode(frame, limits)).toThrow(expect.objectContaining({ code: "protocol_error" }));
  }
  expect(Reflect.get({}, "admin")).toBeUndefined();
});
