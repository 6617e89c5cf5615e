// Which of two ways to bring somebody up to date takes fewer bytes on the wire: the real session room says how many each
// of them takes, for documents around the place where they cross.
import { jsonCodec, type ServerMessage } from "@tidemark/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { documentType } from "../../../src/document/definition/document-type.js";
import { Document } from "../../../src/document/document.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { type BenchClient, call, hello, SessionBench } from "../../support/session-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

afterEach(() => vi.restoreAllMocks());

const base = {
  state: z.object({ entries: z.record(z.string(), z.string()), secret: z.string() }),
  create: z.object({ entries: z.number(), secret: z.number() }),
  canCreate: () => true,
  init: (_ctx: object, { entries, secret }: { entries: number; secret: number }) => ({
    entries: Object.fromEntries(Array.from({ length: entries }, (_, n) => [`k${n}`, "-".repeat(20)])),
    secret: "s".repeat(secret),
  }),
};
const input = z.object({ key: z.string(), value: z.string() });

const SHEETS = {
  all: documentType({
    ...base,
    messages: (message) => ({
      set: message(input, ({ state }, { key, value }) => void Object.assign(state.entries, { [key]: value })),
    }),
  }),
  hidden: documentType({
    ...base,
    hidden: ["secret"],
    messages: (message) => ({
      set: message(input, ({ state }, { key, value }) => void Object.assign(state.entries, { [key]: value })),
    }),
  }),
  view: documentType({
    ...base,
    shared: ({ entries }) => ({ entries }),
    messages: (message) => ({
      set: message(input, ({ state }, { key, value }) => void Object.assign(state.entries, { [key]: value })),
    }),
  }),
};

const bytesOf = (messages: readonly ServerMessage[]): number =>
  messages.reduce((sum, message) => sum + Buffer.byteLength(jsonCodec.encode(message)) + 1, 0);

/** What comes before either, and what is a packet however it is sent. */
const OPENED = 120;
const TRIFLE = 256 + OPENED;

interface Shape {
  readonly shown: keyof typeof SHEETS;
  readonly entries: number;
  readonly secret: number;
  readonly letter: string;
}

/** A client is away for a number of deltas: what the replay, a snapshot, and its return took. */
async function away({ shown, entries, secret, letter }: Shape, missed: number) {
  const store = new MemoryStore({ disk: new MemoryDisk(), runtime: new VirtualRuntime() });
  const bench = new SessionBench({ types: { sheet: SHEETS[shown] }, store });
  let n = 0;
  const join = async (at?: readonly [number, number, string]): Promise<[BenchClient, ServerMessage[]]> => {
    const client = bench.connect();
    n += 1;
    client.say(hello(`c${n}`, { client: String(n).padStart(32, "0") }));
    await bench.settle();
    client.wire.take();
    client.say([
      "open",
      { s: 1, doc: "sheet/a", create: { entries, secret }, ...(at === undefined ? {} : { at: [at] }) },
    ]);
    await bench.settle();
    return [client, client.wire.take()];
  };
  const [stays, first] = await join();
  const [opened, snap] = first;
  if (opened?.[0] !== "opened" || snap?.[0] !== "snap") throw new Error("no snapshot");
  const held = [snap[2], snap[3], opened[1].tag[0] ?? ""] as const;
  for (let sent = 1; sent <= missed; sent += 1) {
    stays.say(call(sent, "sheet/a", "set", { key: `k${sent % 10}`, value: `${sent}${letter.repeat(30)}` }));
    // Each is a commit of its own, or a view would show several at once.
    await bench.settle();
  }
  const replay = stays.wire.take().filter(([type]) => type === "d");
  // First, as long as nobody has measured the state.
  const [, back] = await join(held);
  const [, anew] = await join();
  return { replay: bytesOf(replay), snapshot: bytesOf(anew), back: bytesOf(back), modes: back.map(([type]) => type) };
}

describe("coming back", () => {
  it.each<Shape>([
    { shown: "all", entries: 12, secret: 0, letter: "x" },
    { shown: "all", entries: 200, secret: 0, letter: "x" },
    { shown: "all", entries: 60, secret: 0, letter: "漢" },
    { shown: "hidden", entries: 12, secret: 20_000, letter: "x" },
    { shown: "view", entries: 200, secret: 20_000, letter: "x" },
  ])("[OPEN-5] takes what the smaller of replay and snapshot takes, and no tenth more: %o", async (shape) => {
    for (const missed of [1, 10, 20, 40, 60, 80, 120, 200]) {
      const { replay, snapshot, back } = await away(shape, missed);
      expect(back, `${missed} missed: replay ${replay}, snapshot ${snapshot}`).toBeLessThanOrEqual(
        Math.max(1.1 * Math.min(replay, snapshot) + OPENED, TRIFLE),
      );
    }
  });

  it.each(["all", "hidden"] as const)(
    "[OPEN-5] [R15] does not write the state out for each who comes back at a head of its own: %s",
    async (shown) => {
      const store = new MemoryStore({ disk: new MemoryDisk(), runtime: new VirtualRuntime() });
      const bench = new SessionBench({ types: { sheet: SHEETS[shown] }, store });
      const client = await bench.greeted("ann");
      client.say(["open", { s: 1, doc: "sheet/a", create: { entries: 2_000, secret: 100_000 } }]);
      await bench.settle();
      const [opened, snap] = client.wire.take();
      if (opened?.[0] !== "opened" || snap?.[0] !== "snap") throw new Error("no snapshot");
      const [epoch, tag] = [snap[2], opened[1].tag[0] ?? ""];
      const written = [vi.spyOn(Document.prototype, "stateJson"), vi.spyOn(Document.prototype, "shownJson")];
      for (let s = 2; s < 42; s += 1) {
        client.say(["close", s - 1]);
        const first = (s - 2) * 5 + 1;
        for (let n = first; n < first + 5; n += 1)
          client.say(call(n, "sheet/a", "set", { key: "k1", value: `${n}${"x".repeat(100)}` }));
        await bench.settle();
        client.wire.take();
        client.say(["open", { s, doc: "sheet/a", at: [[epoch, first, tag]] }]);
        await bench.settle();
        expect(client.wire.take()[0]).toEqual(["opened", expect.objectContaining({ s, mode: ["resume"] })]);
      }
      expect(written.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBeLessThanOrEqual(2);
    },
  );
});
