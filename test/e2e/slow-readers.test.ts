// Real sockets that stop reading, and go on: what the kernel does is not simulated here.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  applyPatch,
  type Codec,
  type Json,
  jsonCodec,
  LIMITS,
  msgpackCodec,
  parseServerMessage,
  type ServerMessage,
  SOCKET_PATH,
  type StateSlice,
} from "@tidemark/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

const APP = fileURLToPath(new URL("./apps/pages.ts", import.meta.url));
const READ = { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax, parts: true };
const STOPPED = 20;
const MIB = 1_048_576;

let folder: string;
let server: ServerProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  server = await startServerProcess({ app: APP, data: join(folder, "test.db") });
});

afterEach(async () => {
  if (server.process.exitCode === null && server.process.signalCode === null) await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

let clients = 0;

/** A reader that folds what it is sent, and says what does not fit. */
class Reader {
  state: Json | undefined;
  seq = 0;
  resets = 0;
  parts = 0;
  readonly wrong: string[] = [];
  readonly answered = new Set<number>();
  readonly #socket: WebSocket;
  readonly #codec: Codec;
  #chain = 0;
  #handle = 0;
  #slices: StateSlice[] | undefined;
  #announced: readonly [seq: number, parts: number] = [0, 0];

  constructor(codec: Codec) {
    this.#codec = codec;
    this.#socket = new WebSocket(new URL(SOCKET_PATH, server.url.replace("http", "ws")), codec.subprotocol);
    this.#socket.on("message", (bytes: Buffer) => {
      for (const raw of codec.decode(bytes, READ)) {
        const message = parseServerMessage(raw);
        if (message !== undefined) this.#take(message);
      }
    });
    this.#socket.on("close", (code) => this.wrong.push(`closed with ${code}`));
    clients += 1;
    const client = clients.toString(16).padStart(32, "0");
    this.#socket.on("open", () => {
      this.say(["hello", { v: 1, token: `user:${client}`, client, conn: 1, sdk: "test/1", caps: [] }]);
    });
  }

  say(message: Parameters<Codec["encode"]>[0]): void {
    this.#socket.send(this.#codec.frame(this.#codec.encode(message)));
  }

  call(n: number, key: string, word: string, times: number): void {
    this.say(["c", n, "page/x", "fill", { key, word, times }, { born, low: 1 }]);
  }

  stop(): void {
    this.#socket.pause();
  }

  go(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.terminate();
  }

  #take(message: ServerMessage): void {
    switch (message[0]) {
      case "welcome":
        born = message[1].now;
        return this.say(["open", { s: 1, doc: "page/x", create: true }]);
      case "opened":
        this.#handle = message[1].h[0] ?? 0;
        this.#slices = undefined;
        if (message[1].mode[0] === "reset") this.resets += 1;
        return;
      case "snap":
        if (message.length === 5) return this.#reset(message[3], message[4]);
        this.#slices = [];
        this.#announced = [message[3], message[5].parts];
        return;
      case "part":
        return this.#part(message[2], message[3]);
      case "d":
        if (message[1] !== this.#handle) return;
        if (message[2] !== this.#chain) this.wrong.push(`${message[2]} after ${this.#chain}`);
        if (message[4].length > 0) this.#chain = message[3];
        this.seq = message[3];
        this.state = applyPatch(this.state ?? null, message[4]);
        return;
      case "ok":
        this.answered.add(message[1]);
        return;
      case "ping":
        if (message[2].length > 0 && message[2][2] !== this.seq) this.wrong.push(`heads ${String(message[2])}`);
        return this.say(["pong", message[1], []]);
      case "pong":
        return;
      default:
        this.wrong.push(JSON.stringify(message));
    }
  }

  #part(index: number, slice: StateSlice): void {
    const [seq, parts] = this.#announced;
    if (index !== this.#slices?.length) this.wrong.push(`part ${index} after ${this.#slices?.length}`);
    this.#slices?.push(slice);
    this.parts += 1;
    if (this.#slices?.length === parts) this.#reset(seq, this.#codec.joinState(this.#slices, READ));
  }

  #reset(seq: number, state: Json): void {
    this.#slices = undefined;
    this.#chain = seq;
    this.seq = seq;
    this.state = state;
  }
}

/** The server's clock, as it said. */
let born = 0;

const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;

async function atHead(readers: readonly Reader[], seq: number): Promise<void> {
  await vi.waitFor(
    () => {
      for (const reader of readers) expect([reader.seq, reader.wrong]).toEqual([seq, []]);
    },
    { timeout: 30_000, interval: 20 },
  );
}

it("[SLOW-1] [SLOW-2] [SLOW-5] [R14] [R20] readers that stop cost the others nothing, and are at the head once they read again", async () => {
  const codecOf = (n: number): Codec => (n % 2 === 0 ? jsonCodec : msgpackCodec);
  const stopped = Array.from({ length: STOPPED }, (_, n) => new Reader(codecOf(n)));
  const healthy = Array.from({ length: 4 }, (_, n) => new Reader(codecOf(n)));
  const writer = new Reader(jsonCodec);
  const all = [...stopped, ...healthy, writer];
  await atHead(all, 1);
  for (const reader of stopped) reader.stop();
  const before = memoryOf(server.pid);

  const count = 160;
  for (let n = 1; n <= count; n += 1) {
    writer.call(n, `k${n % 2}`, String(n % 10), 100_000);
    if (n % 4 === 0) await vi.waitFor(() => expect(writer.answered.size).toBe(n), { interval: 1 });
  }
  await atHead([...healthy, writer], count + 1);
  expect(healthy.map(({ resets }) => resets)).toEqual([1, 1, 1, 1]);
  expect(memoryOf(server.pid) - before).toBeLessThan(STOPPED * LIMITS.outboundSoftBytes + 256 * MIB);

  for (const reader of stopped) reader.go();
  await atHead(stopped, count + 1);
  for (const reader of stopped) expect(reader.state).toEqual(writer.state);
  // They were slow, or this has shown nothing.
  expect(Math.min(...stopped.map(({ resets }) => resets))).toBeGreaterThan(1);
  for (const reader of all) reader.end();
}, 90_000);

it("[PART-1] [PART-2] [R4] large snapshots arrive in parts, whether their readers stop in between or not", async () => {
  const writer = new Reader(jsonCodec);
  await atHead([writer], 1);
  for (let n = 1; n <= 8; n += 1) writer.call(n, `k${n}`, "é🌊", 70_000);
  await atHead([writer], 9);
  const readers = [jsonCodec, msgpackCodec, jsonCodec].map((codec) => new Reader(codec));
  readers[2]?.stop();
  await atHead(readers.slice(0, 2), 9);
  writer.call(9, "k1", "later", 1);
  await atHead([writer], 10);
  readers[2]?.go();
  await atHead(readers, 10);
  for (const reader of readers) {
    expect(reader.state).toEqual(writer.state);
    expect(reader.parts).toBeGreaterThan(40);
  }
  for (const reader of [...readers, writer]) reader.end();
}, 60_000);
