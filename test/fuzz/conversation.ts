// A server that hears frames as they come off a socket, beside a healthy client that must not notice: the whole way
// from bytes to a committed transaction, over a memory store under virtual time.
import {
  type ClientMessage,
  type Codec,
  type Json,
  jsonCodec,
  LIMITS,
  msgpackCodec,
  parseServerMessage,
  type ServerMessage,
} from "@tidemark/protocol";
import { MemoryDisk } from "../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../src/storage/memory/memory-store.js";
import { type BenchClient, call, hello, SessionBench } from "../support/session-bench.js";
import { VirtualRuntime } from "../support/virtual-runtime.js";
import { mutateBytes, type Random } from "./byte-mutation.js";
import { hand, sheet } from "./document-type.js";
import { type Input, type Target, Violation } from "./target.js";
import { mutateValue } from "./value-mutation.js";

const HEALTHY = "cd".repeat(16);
const LONG_AFTER_MS = 60_000;
/** Deep enough to read whatever a mutation has nested. */
const DEPTH_MAX = 1_000;

const DIALOGUE: readonly ClientMessage[] = [
  hello("ann", { client: "ab".repeat(16) }),
  ["open", { s: 1, doc: "sheet/a", create: true }],
  call(1, 1, "add", { by: 2 }),
  call(2, 1, "note", "hello"),
  call(3, 1, "set", { key: "k", value: { deep: [1, "two", null] } }),
  call(4, "sheet/a", "write", "more text", { ttl: 5_000, trace: "t" }),
  call(5, "sheet/a", "say", "aloud", { if: 4 }),
  call(6, 1, "unset", "k"),
  call(7, 1, "count", null, { q: 1 }),
  call(8, "$", "create", { doc: "sheet/b", input: { n: 7 } }),
  call(9, "$", "get", { doc: "sheet/a", seq: 2 }, { q: 1 }),
  call(10, "$", "history", { doc: "sheet/a", after: 0, limit: 3 }, { q: 1 }),
  call(11, "$", "list", { type: "sheet", after: "", limit: 5 }, { q: 1 }),
  call(12, "$", "whoami", null, { q: 1 }),
  call(13, "sheet/a", "$head", null, { q: 1 }),
  ["open", { s: 2, doc: "sheet/b", at: [[1, 1, ""]], params: {}, every: 20 }],
  call(15, 2, "add", { by: 3 }),
  ["open", { s: 3, doc: "hand/c", create: true, params: { of: "ann" } }],
  call(16, 3, "deal", { to: "ann", card: "ace" }),
  call(17, "hand/c", "deal", { to: "bob", card: "ten" }),
  ["ping", 1, [1, 1, 1], { stats: { reconnects: 1, rttMs: 20 } }],
  ["pong", 1, []],
  ["auth", { token: "ann" }],
  ["close", 1],
  call(14, "$", "delete", { doc: "sheet/b" }),
];

/** How values look in frames of one codec. */
interface Notation {
  readonly codec: Codec;
  /** Throws when the codec cannot say such a value. */
  frame(messages: readonly unknown[]): Uint8Array;
  /** Undefined: these bytes are no frame. */
  read(frame: Uint8Array): readonly unknown[] | undefined;
}

export const JSON_NOTATION: Notation = {
  codec: jsonCodec,
  frame: (messages) => Buffer.from(JSON.stringify(messages) ?? "null"),
  read: (frame) => attempt(() => JSON.parse(Buffer.from(frame).toString()) as unknown),
};

export const MSGPACK_NOTATION: Notation = {
  codec: msgpackCodec,
  frame: (messages) => msgpackCodec.join(messages.map((message) => msgpackCodec.encode(message as ServerMessage))),
  read: (frame) => attempt(() => msgpackCodec.decode(frame, { bytesMax: LIMITS.frameBytesMax, depthMax: DEPTH_MAX })),
};

function attempt(read: () => unknown): readonly unknown[] | undefined {
  try {
    const value = read();
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Conversations in one codec. */
export class Conversation implements Target {
  readonly name: string;
  readonly seeds: readonly Input[];
  readonly #notation: Notation;

  constructor(notation: Notation) {
    this.#notation = notation;
    this.name = notation.codec.name;
    const frames = DIALOGUE.map((message) => notation.frame([message]));
    this.seeds = [
      frames,
      [notation.frame(DIALOGUE)],
      ...DIALOGUE.map((message) => [notation.frame([DIALOGUE[0], message])]),
    ];
  }

  mutate(frame: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
    const messages = random() < 0.3 ? undefined : this.#notation.read(frame);
    if (messages === undefined) return mutateBytes(frame, other, random);
    const mutated = mutateValue(messages, this.#notation.read(other) ?? [], random);
    const written = attempt(() => [this.#notation.frame(Array.isArray(mutated) ? mutated : [mutated])])?.[0];
    return written instanceof Uint8Array ? written : mutateBytes(frame, other, random);
  }

  async run(input: Input): Promise<void> {
    const disk = new MemoryDisk();
    const bench = benchOver(disk);
    const healthy = await bench.greeted("bob", { client: HEALTHY });
    const victim = bench.connect(this.#notation.codec);
    for (const frame of input) {
      victim.hear(frame);
      await bench.settle();
    }
    judgeFrames(victim.wire.take());
    judgeEnd(victim);
    await judgeHealthy(bench, healthy);
    await bench.runtime.advance(LONG_AFTER_MS);
    await judgeDocuments(disk);
  }
}

const benchOver = (disk: MemoryDisk): SessionBench =>
  new SessionBench({ types: { sheet, hand }, store: new MemoryStore({ disk, runtime: new VirtualRuntime() }) });

function judgeFrames(messages: readonly ServerMessage[]): void {
  for (const message of messages) {
    const read: Json = JSON.parse(JSON.stringify(message));
    if (parseServerMessage(read) === undefined) throw new Violation(`the server said ${JSON.stringify(message)}`);
  }
}

function judgeEnd({ wire, bugs }: BenchClient): void {
  const [bug] = bugs;
  if (bug !== undefined) throw new Violation("a frame met a bug", { cause: bug });
  const { closed } = wire;
  if (closed !== undefined && (closed.code < 4_000 || closed.code > 4_999))
    throw new Violation(`the socket ended with ${closed.code}`);
}

/** Somebody else's connection is as it was. */
async function judgeHealthy(bench: SessionBench, healthy: BenchClient): Promise<void> {
  healthy.say(
    ["ping", 9, []],
    call(1, "$", "create", { doc: "sheet/healthy" }),
    call(2, "sheet/healthy", "add", { by: 1 }),
  );
  await bench.settle();
  const types = healthy.wire.take().map(([type]) => type);
  if (types.join() !== "pong,ok,ok") throw new Violation(`a healthy client heard ${types.join()}`);
}

/** Whatever was stored can be served by the next process (R19). */
async function judgeDocuments(disk: MemoryDisk): Promise<void> {
  const bench = benchOver(disk);
  const reader = await bench.greeted("bob", { client: HEALTHY });
  reader.say(call(1, "$", "list", { type: "sheet", limit: 100 }, { q: 1 }));
  await bench.settle();
  const [listed] = reader.wire.take();
  const keys = listed?.[0] === "ok" ? Object(listed[3]).keys : undefined;
  if (!Array.isArray(keys)) throw new Violation(`documents cannot be listed: ${JSON.stringify(listed)}`);
  for (const [index, key] of keys.entries()) {
    reader.say(call(index + 2, "$", "get", { doc: `sheet/${key}` }, { q: 1 }));
    await bench.settle();
    const [got] = reader.wire.take();
    if (got?.[0] !== "ok") throw new Violation(`sheet/${key} is stored and does not serve: ${JSON.stringify(got)}`);
  }
}
