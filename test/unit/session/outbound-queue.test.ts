import { jsonCodec, LIMITS, type Piece } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Flusher } from "../../../src/session/flusher.js";
import { OutboundQueue } from "../../../src/session/outbound-queue.js";
import { OutgoingFrame, type Wire } from "../../../src/session/wire.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

/** Keeps the pieces of each frame of each write. */
class KeepingWire implements Wire {
  readonly codec = jsonCodec;
  readonly loopback = true;
  readonly receivedBytes = 0;
  bufferedBytes = 0;
  readonly writes: (readonly (readonly Piece[])[])[] = [];

  writeMessage(piece: Piece): void {
    this.writes.push([[piece]]);
  }

  write(frames: readonly OutgoingFrame[]): void {
    this.writes.push(frames.map((frame) => frame.pieces));
  }

  close(): void {}
}

function bench() {
  const runtime = new VirtualRuntime();
  const wire = new KeepingWire();
  let overflows = 0;
  const queue = new OutboundQueue(wire, new Flusher(runtime), {
    overflowed: () => {
      overflows += 1;
    },
  });
  return { runtime, wire, queue, overflows: () => overflows };
}

const shared = (piece: string): OutgoingFrame => new OutgoingFrame(jsonCodec, [piece], piece.length);

describe("one flush", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant("own" as const) },
    { weight: 2, arbitrary: fc.constant("shared" as const) },
    { weight: 1, arbitrary: fc.constant("flush" as const) },
    { weight: 1, arbitrary: fc.constant("turn" as const) },
  );

  it("[R14] is one write of everything in order, own messages that stand together in one frame", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { runtime, wire, queue } = bench();
        const expected: string[][][] = [[]];
        const ownFrames = new Set<string[]>();
        for (const [index, does] of steps.entries()) {
          const frames = expected.at(-1) ?? expect.fail();
          const last = frames.at(-1);
          const piece = `["${index}"]`;
          if (does === "flush") queue.flush();
          else if (does === "turn") await runtime.settle();
          else if (does === "shared") queue.sendShared(shared(piece));
          else queue.sendPiece(piece);
          if (does === "flush" || does === "turn") {
            expected.push([]);
          } else if (does === "own" && last !== undefined && ownFrames.has(last)) {
            last.push(piece);
          } else {
            frames.push([piece]);
            if (does === "own") ownFrames.add(frames.at(-1) ?? []);
          }
        }
        await runtime.settle();
        expect(wire.writes).toEqual(expected.filter((frames) => frames.length > 0));
      }),
      { numRuns: 500 },
    );
  });

  it("[FRAME-11] holds frames of at most 256 messages, or what it takes to pass 256 KiB", async () => {
    const { runtime, wire, queue } = bench();
    for (let index = 0; index < LIMITS.frameMessagesMax + 1; index++) queue.sendPiece("[]");
    await runtime.settle();
    expect(wire.writes.map((frames) => frames.map((frame) => frame.length))).toEqual([[LIMITS.frameMessagesMax, 1]]);
    for (const length of [LIMITS.frameFlushBytes, 1, 1]) queue.sendPiece("1".repeat(length));
    await runtime.settle();
    expect(wire.writes[1]?.map((frame) => frame.length)).toEqual([1, 2]);
  });

  it.each(["sendPiece", "sendShared"] as const)("[R14] ends a connection past the hard limit (%s)", async (send) => {
    const { runtime, wire, queue, overflows } = bench();
    const say = () => (send === "sendPiece" ? queue.sendPiece("[]") : queue.sendShared(shared("[]")));
    wire.bufferedBytes = LIMITS.outboundHardBytes;
    say();
    await runtime.settle();
    expect(overflows()).toBe(0);
    wire.bufferedBytes += 1;
    say();
    await runtime.settle();
    expect(overflows()).toBe(1);
  });
});

describe("an answer", () => {
  it("does not wait for the turn of its connection in a sweep, nor overtakes what does", async () => {
    const runtime = new VirtualRuntime();
    const flusher = new Flusher(runtime, { ms: 0, connections: 1 });
    const connections = Array.from({ length: 3 }, () => {
      const wire = new KeepingWire();
      return { wire, queue: new OutboundQueue(wire, flusher, { overflowed: () => undefined }) };
    });
    const [first, second, third] = connections;
    if (first === undefined || second === undefined || third === undefined) expect.fail();
    for (const { queue } of connections) queue.sendShared(shared("delta"));
    await Promise.resolve();
    expect(connections.map(({ wire }) => wire.writes.length)).toEqual([1, 0, 0]);
    third.queue.sendPiece("ok");
    await Promise.resolve();
    expect(connections.map(({ wire }) => wire.writes.length)).toEqual([1, 0, 1]);
    expect(third.wire.writes).toEqual([[["delta"], ["ok"]]]);
    await runtime.settle();
    expect(connections.map(({ wire }) => wire.writes.length)).toEqual([1, 1, 1]);
  });
});
