// Writes that go past the queue of Node's stream, on sockets of the system.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { jsonCodec } from "@tidemark/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { OutgoingFrame } from "../../../src/session/wire.js";
import { WebSocketWire } from "../../../src/transport/connection.js";
import { withSharedReads } from "../../../src/transport/shared-reads.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";
import { readByLibrary } from "./library-receiver.js";

const CLIENT = { isServer: false, maxPayload: 1 << 26 };
/** More than the kernel takes of a peer that does not read. */
const MUCH = 16 * 1_024 * 1_024;

let server: Server;
let peer: Socket;
let tcp: Socket;
let wire: WebSocketWire;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, "127.0.0.1"), "listening");
  peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[accepted]] = await Promise.all([once(server, "connection") as Promise<[Socket]>, once(peer, "connect")]);
  tcp = withSharedReads(accepted);
  tcp.on("error", () => tcp.destroy());
  wire = new WebSocketWire({ tcp, codec: jsonCodec, runtime: new VirtualRuntime(), loopback: true });
});

afterEach(async () => {
  peer.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const answer = (n: number): string => jsonCodec.encodeOk({ n, at: [1, n], resultJson: undefined });
const large = (letter: string): OutgoingFrame => new OutgoingFrame(jsonCodec, [`"${letter.repeat(MUCH)}"`], MUCH + 2);
const messageOf = (text: string): unknown => ["message", Buffer.from(`[${text}]`).toString("hex"), false];

async function read(length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  while (bytes < length) {
    const [chunk] = (await once(peer, "data")) as [Buffer];
    chunks.push(chunk);
    bytes += chunk.length;
  }
  return Buffer.concat(chunks);
}

it("an answer that the kernel takes at once leaves nothing behind, and does not go through the queue", async () => {
  const queue = vi.spyOn(tcp, "write");
  wire.writeMessage(answer(1));
  expect(wire.bufferedBytes).toBe(0);
  expect(queue).not.toHaveBeenCalled();
  expect(readByLibrary([await read(2)], CLIENT)).toEqual([messageOf(answer(1))]);
});

it("[R14] what the peer does not take is counted, leaves in order, and it is said when it has left", async () => {
  const drained = vi.fn();
  // The first has left then, and others wait in the queue.
  wire.onDrained = drained.mockImplementationOnce(() => wire.writeMessage(answer(2)));
  peer.pause();
  wire.write([large("x")]);
  const one = wire.bufferedBytes;
  expect(one).toBeGreaterThan(MUCH);
  wire.writeMessage(answer(1));
  wire.write([large("y")]);
  expect(wire.bufferedBytes).toBeGreaterThan(one + MUCH);
  expect(drained).not.toHaveBeenCalled();
  peer.resume();
  const size = 2 * (MUCH + 14) + 2 * (answer(1).length + 4);
  const got = readByLibrary([await read(size)], CLIENT);
  expect(got).toHaveLength(4);
  expect([got[1], got[3]]).toEqual([messageOf(answer(1)), messageOf(answer(2))]);
  await vi.waitUntil(() => wire.bufferedBytes === 0);
  expect(drained).toHaveBeenCalled();
});

it("[R14] frames too large to be joined are one write past the queue as well, counted, in order", async () => {
  const queue = vi.spyOn(tcp, "write");
  const small = new OutgoingFrame(jsonCodec, ['"first"'], 7);
  peer.pause();
  wire.write([small, large("x"), small]);
  expect(queue).not.toHaveBeenCalled();
  expect(wire.bufferedBytes).toBe(MUCH + 14 + 2 * 11);
  wire.write([small, large("y")]);
  expect(queue).toHaveBeenCalled();
  peer.resume();
  const got = readByLibrary([await read(2 * (MUCH + 14) + 3 * 11)], CLIENT);
  const first = messageOf('"first"');
  expect([got[0], got[2], got[3]]).toEqual([first, first, first]);
  expect(got).toHaveLength(5);
  await vi.waitUntil(() => wire.bufferedBytes === 0);
});

it("is silent about what is taken at once, also after what was not: a flush must not be entered by itself", async () => {
  const drained = vi.fn();
  wire.onDrained = drained;
  wire.write([large("x")]);
  await read(MUCH);
  await vi.waitUntil(() => wire.bufferedBytes === 0);
  const before = drained.mock.calls.length;
  expect(before).toBeGreaterThan(0);
  wire.writeMessage(answer(1));
  expect(drained.mock.calls.length).toBe(before);
});

it("a connection that was reset under a write is closed, and whatever is still written to it is dropped", async () => {
  peer.pause();
  wire.write([large("x")]);
  const closed = new Promise((resolve) => tcp.once("close", resolve));
  peer.resetAndDestroy();
  await closed;
  expect(wire.open).toBe(false);
  wire.writeMessage(answer(1));
});

it("what is under way when the socket ends is sent before its end", async () => {
  wire.write([large("x")]);
  wire.answerClose(1000);
  const ended = once(peer, "end");
  const bytes = await read(MUCH + 14 + 4);
  const heard = readByLibrary([bytes], CLIENT);
  expect(heard.map(([what]) => what)).toEqual(["message", "closed"]);
  await ended;
});
