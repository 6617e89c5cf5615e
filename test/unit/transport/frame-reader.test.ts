import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, type FrameSink } from "../../../src/transport/frame-reader.js";
import { type Heard, hex, readByLibrary } from "./library-receiver.js";

const MESSAGE_BYTES_MAX = 70_000;
const SERVER = { isServer: true, maxPayload: MESSAGE_BYTES_MAX };

/** One frame as a client might send it, right or wrong. */
interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly reserved: number;
  readonly masked: boolean;
  /** How many bytes its length takes; shorter ones are made as long as they must be. */
  readonly lengthBytes: 0 | 2 | 8;
  readonly payload: Uint8Array;
  readonly mask: Uint8Array;
}

function bytesOf({ fin, opcode, reserved, masked, lengthBytes, payload, mask }: Frame): Buffer {
  const { length } = payload;
  const wide = Math.max(lengthBytes, length < 126 ? 0 : length < 65_536 ? 2 : 8);
  const head = Buffer.alloc(2 + wide);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (wide === 0 ? length : wide === 2 ? 126 : 127);
  if (wide > 0) head.writeUIntBE(length, wide === 2 ? 2 : 4, wide === 2 ? 2 : 6);
  if (!masked) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

function readOwn(chunks: readonly Uint8Array[]): Heard[] {
  const heard: Heard[] = [];
  const sink: FrameSink = {
    messageBytesMax: MESSAGE_BYTES_MAX,
    message(payload, binary) {
      if (typeof payload === "string") expect(payload).toMatch(/^[\0-\x7f]*$/);
      heard.push(["message", hex(payload), binary]);
    },
    ping: (payload) => void heard.push(["ping", hex(payload)]),
    closed: (code) => void heard.push(["closed", code]),
    failed: (code) => void heard.push(["failed", code]),
  };
  const reader = new FrameReader(sink);
  // All chunks come in one buffer, as they do from the socket: the last one is gone when the next is here.
  const shared = Buffer.alloc(Math.max(0, ...chunks.map((chunk) => chunk.length)) + 8);
  for (const chunk of chunks) {
    shared.fill(0x81);
    shared.set(chunk);
    reader.read(shared, chunk.length);
  }
  return heard;
}

const mostly = <T>(good: fc.Arbitrary<T>, other: fc.Arbitrary<T>, weight = 30) =>
  fc.oneof({ weight, arbitrary: good }, { weight: 1, arbitrary: other });

const ascii = fc.string({ maxLength: 30 }).map((text) => Buffer.from(text));
const payload = fc.oneof(
  { weight: 6, arbitrary: ascii },
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  // Around the three forms of a length.
  { weight: 2, arbitrary: fc.constantFrom(125, 126, 127, 65_535, 65_536).map((length) => Buffer.alloc(length, "x")) },
);
const closeCode = fc.oneof(fc.constantFrom(1000, 1001, 1004, 1005, 1006, 1015, 2999, 3000, 4999, 5000), fc.nat(65_535));
const closePayload = closeCode.map((code) => Buffer.from([code >>> 8, code & 0xff, 0x62, 0x79, 0x65]));

const common = {
  reserved: mostly(fc.constant(0), fc.nat(7), 60),
  masked: mostly(fc.constant(true), fc.constant(false), 60),
  lengthBytes: mostly<0 | 2 | 8>(fc.constant(0), fc.constantFrom(2, 8), 10),
  mask: fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.constant(new Uint8Array(4))),
};
const control = fc.record({
  ...common,
  fin: mostly(fc.constant(true), fc.constant(false), 60),
  opcode: fc.constantFrom(9, 10),
  payload: mostly(fc.oneof(ascii, fc.uint8Array({ maxLength: 125 })), payload),
});
const close = fc.record({
  ...common,
  fin: fc.constant(true),
  opcode: fc.constant(8),
  payload: mostly(closePayload, payload, 5),
});
const anything = fc.record({ ...common, fin: fc.boolean(), opcode: fc.nat(15), payload });

/** A message in fragments, with control frames between them. */
const message = fc
  .tuple(
    fc.constantFrom(1, 2),
    fc.array(fc.tuple(payload, fc.array(control, { maxLength: 1 })), { minLength: 1, maxLength: 4 }),
  )
  .chain(([opcode, parts]) =>
    fc.tuple(
      ...parts.map(([part, between], index) =>
        fc
          .record({
            ...common,
            fin: fc.constant(index === parts.length - 1),
            opcode: fc.constant(index === 0 ? opcode : 0),
            payload: fc.constant(part),
          })
          .map((frame): Frame[] => [frame, ...between]),
      ),
    ),
  )
  .map((frames) => frames.flat());

const stream = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: message },
      { weight: 3, arbitrary: control.map((frame): Frame[] => [frame]) },
      { weight: 1, arbitrary: close.map((frame): Frame[] => [frame]) },
      { weight: 1, arbitrary: anything.map((frame): Frame[] => [frame]) },
    ),
    { maxLength: 6 },
  )
  .map((frames) => Buffer.concat(frames.flat().map(bytesOf)));

/** The stream, cut at these thousandths of it. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((part) => Math.floor((part * bytes.length) / 1_000)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

// The library answers to a length before the mask has come: nothing ends between the two here.
const END = Buffer.alloc(16);

describe("frames", () => {
  it("[R19] are read as the ws library reads them, well-formed or not, however TCP cuts them", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(1_000), { maxLength: 8 }), (bytes, cuts) => {
        const chunks = cut(Buffer.concat([bytes, END]), cuts);
        expect(readOwn(chunks)).toEqual(readByLibrary(chunks, SERVER));
      }),
      { numRuns: 3_000 },
    );
  });

  it("[R19] are read alike byte by byte, in one piece, and in two at every place", () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        const expected = readOwn([bytes]);
        if (bytes.length > 2_000) return;
        expect(readOwn([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
        for (let at = 0; at <= bytes.length; at++) {
          expect(readOwn([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("[R19] random bytes are read or refused as the ws library does", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (chunks) => {
        const ended = [...chunks, END];
        expect(readOwn(ended)).toEqual(readByLibrary(ended, SERVER));
      }),
      { numRuns: 5_000 },
    );
  });

  const frame = (opcode: number, payloadBytes: Uint8Array, more: Partial<Frame> = {}): Buffer =>
    bytesOf({
      fin: true,
      opcode,
      reserved: 0,
      masked: true,
      lengthBytes: 0,
      payload: payloadBytes,
      mask: Uint8Array.of(1, 2, 3, 4),
      ...more,
    });

  it("[R19] refuses a length past the bound before any of it is held", () => {
    const head = frame(2, Buffer.alloc(MESSAGE_BYTES_MAX + 1)).subarray(0, 14);
    expect(readOwn([head])).toEqual([["failed", 1009]]);
    const endless = Buffer.from(head).fill(0xff, 2, 10);
    expect(readOwn([endless])).toEqual([["failed", 1009]]);
    const wide = Buffer.from(head).fill(0, 2, 10);
    wide[5] = 1;
    expect(readOwn([wide])).toEqual([["failed", 1009]]);
  });

  it("[R19] counts all fragments of a message against the bound, and begins anew with the next", () => {
    const half = Buffer.alloc(MESSAGE_BYTES_MAX / 2);
    const whole = [frame(2, half, { fin: false }), frame(0, half)];
    expect(readOwn([...whole, ...whole]).map(([what]) => what)).toEqual(["message", "message"]);
    const full = [frame(2, half, { fin: false }), frame(0, half, { fin: false })];
    expect(readOwn([...full, frame(0, Buffer.alloc(1))])).toEqual([["failed", 1009]]);
    const between = [...full, frame(9, Buffer.alloc(1)), frame(0, Buffer.alloc(0))];
    expect(readOwn(between).map(([what]) => what)).toEqual(["ping", "message"]);
  });

  it("hears nothing after a close or a failure", () => {
    const ping = frame(9, Buffer.alloc(0));
    expect(readOwn([Buffer.concat([frame(8, Buffer.from([3, 232])), ping]), ping])).toEqual([["closed", 1000]]);
    expect(readOwn([Buffer.concat([frame(3, Buffer.alloc(0)), ping]), ping])).toEqual([["failed", 1002]]);
  });
});
