// The load generator's own test: a bench that cannot fail proves nothing. A small fake server speaks enough of the
// protocol to be believed, and commits one fault at a time; the load must exit 1 and say which.
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { finished, holdLoad } from "../../bench/load.js";
import { nativeProgram } from "../../bench/native.js";

type Fault = (delta: { seq: number; subscriber: number; text: string }) => readonly string[];
type Operation = readonly ["=", string, unknown];
/** What the tenth merged delta of a subscriber becomes. */
type Merging = (operations: readonly Operation[]) => readonly Operation[];
type Replay = (missed: readonly string[]) => readonly string[];
interface Faults {
  /** Deltas wait, and three of them at most are sent as one. */
  readonly merging?: Merging;
  readonly delta?: Fault;
  readonly ok?: (seq: number) => number;
  readonly ping?: (seq: number) => string;
  readonly refuse?: true;
  /** What somebody who comes back is sent, instead of the frames that it missed. */
  readonly replay?: Replay;
  /** Of calls made at a rate: each third is refused once, with these details. */
  readonly refuseOnce?: { readonly retry: string; readonly afterMs?: number };
}

const HANDLE = 7;
const EPOCH = 1_700_000_000_000;
let server: WebSocketServer | undefined;
/** What the server of this test has in its log. */
let committed: readonly string[] = [];
afterEach(() => {
  for (const socket of server?.clients ?? []) socket.terminate();
  server?.close();
});

/** One document in memory, one delta for each call, one frame for each message. */
async function fakeServer(faults: Faults): Promise<number> {
  const subscribers: WebSocket[] = [];
  let seq = 1;
  /** The delta of each seq after the first. */
  const log: string[] = [];
  committed = log;
  /** Calls that were refused and have not come again: none of those behind them may be applied before (REQ-11). */
  const refused = new Set<number>();
  let waiting: Operation[] = [];
  let mergedTo = 1;
  let merges = 0;
  /** Of each path the last operation, under one number. */
  const merge = (): void => {
    if (waiting.length === 0) return;
    const last = new Map(waiting.map((operation) => [operation[1], operation]));
    merges += 1;
    const operations = merges === 10 ? (faults.merging?.([...last.values()]) ?? []) : [...last.values()];
    for (const follower of subscribers) follower.send(JSON.stringify([["d", HANDLE, mergedTo, seq, operations]]));
    waiting = [];
    mergedTo = seq;
  };
  const listening = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/v1/socket" });
  server = listening;
  listening.on("connection", (socket) => {
    const handlers: { [type: string]: (message: readonly unknown[]) => void } = {
      hello: () => socket.send(JSON.stringify([["welcome", { v: 1, now: 1_700_000_000_000 }]])),
      open: ([, request]) => {
        const { s, at } = request as { s: number; at?: [[number, number, string]] };
        subscribers.push(socket);
        if (at !== undefined) {
          const prev = at[0][1];
          socket.send(JSON.stringify([["opened", { s, h: [HANDLE], mode: ["resume"], prev: [prev], tag: [""] }]]));
          const missed = log.slice(prev - 1);
          for (const frame of faults.replay?.(missed) ?? missed) socket.send(frame);
          return;
        }
        const opened = ["opened", { s, h: [HANDLE], mode: ["reset"], prev: [seq], tag: [""] }];
        socket.send(JSON.stringify([opened]));
        socket.send(JSON.stringify([["snap", HANDLE, EPOCH, seq, { at: 0, entries: {} }]]));
      },
      close: () => subscribers.splice(subscribers.indexOf(socket), 1),
      c: ([, number, , , input, extension]) => {
        const n = Number(number);
        const { low } = extension as { low: number };
        for (const one of refused) if (one < low) refused.delete(one);
        const isHeld = [...refused].some((least) => least < n);
        if (faults.refuseOnce && (isHeld || (n % 3 === 0 && !refused.delete(n)))) {
          refused.add(n);
          return socket.send(JSON.stringify([["no", n, "overloaded", "no", faults.refuseOnce]]));
        }
        refused.delete(n);
        if (faults.refuse) return socket.send(JSON.stringify([["no", n, "overloaded", "no", { retry: "after" }]]));
        seq += 1;
        const { key, at, value } = input as { key: string; at: number; value: string };
        const operations: readonly Operation[] = [
          ["=", `/entries/${key}`, value],
          ["=", "/at", at],
        ];
        if (faults.merging !== undefined) {
          waiting.push(...operations);
          if (waiting.length >= 6) merge();
          else setTimeout(merge, 5);
          return socket.send(JSON.stringify([["ok", n, [EPOCH, seq]]]));
        }
        const text = JSON.stringify([["d", HANDLE, seq - 1, seq, operations]]);
        log.push(text);
        subscribers.forEach((follower, subscriber) => {
          for (const frame of faults.delta?.({ seq, subscriber, text }) ?? [text]) follower.send(frame);
          if (faults.ping !== undefined && seq % 10 === 0) follower.send(faults.ping(seq));
        });
        socket.send(JSON.stringify([["ok", n, [EPOCH, faults.ok?.(seq) ?? seq]]]));
      },
    };
    socket.on("message", (frame) => {
      const messages: (readonly [string, ...unknown[]])[] = JSON.parse(String(frame));
      for (const message of messages) handlers[message[0]]?.(message);
    });
  });
  await new Promise((resolve) => listening.once("listening", resolve));
  return (listening.address() as AddressInfo).port;
}

async function load(
  faults: Faults,
  extra = "",
): Promise<{ exitCode: number; failures: { [check: string]: number }; text: string }> {
  const port = await fakeServer(faults);
  const shape = "--subscribers 3 --outstanding 4 --warm-up 0.1 --seconds 0.2 --stall-seconds 0.5"
    .split(" ")
    .concat(extra === "" ? [] : extra.split(" "));
  const { exitCode, stdout, stderr } = await finished(await nativeProgram("load"), ["--port", String(port), ...shape]);
  const result = stdout === "" ? { failures: {}, acks: 0 } : JSON.parse(stdout);
  return { exitCode, failures: result.failures, text: `${stderr}${stdout}` };
}

const at = (wanted: number, fault: (text: string) => readonly string[]): Fault => {
  return ({ seq, subscriber, text }) => (seq === wanted && subscriber === 1 ? fault(text) : [text]);
};

/** The time in a call may begin with any digit. */
const otherDigit = (digit: string): string => (digit === "1" ? "2" : "1");

describe("the load generator", () => {
  test("accepts a server that does everything right", async () => {
    const { exitCode, failures, text } = await load({ ping: (seq) => `[["ping",1,[${HANDLE},${EPOCH},${seq}]]]` });
    expect(text).toMatch(/"acks":[1-9].*"deliveries":[1-9]/);
    expect(Object.values(failures).filter((count) => count > 0)).toEqual([]);
    expect(exitCode).toBe(0);
  });

  const faults: readonly (readonly [what: string, check: string, faults: Faults])[] = [
    ["a delta that one subscriber never got", "gaps", { delta: at(20, () => []) }],
    ["a delta sent twice", "gaps", { delta: at(20, (text) => [text, text]) }],
    ["a delta whose content was altered", "digests", { delta: at(20, (text) => [text.replace("xxx", "xyx")]) }],
    ["a delta of another call", "altered", { delta: at(20, (text) => [text.replace(/(?<="\/at",)\d/, otherDigit)]) }],
    ["a skipped sequence number", "gaps", { delta: ({ text }) => [text.replace(/,20,(?=\[\[)/, ",21,")] }],
    [
      "an empty delta in the place of a full one",
      "counts",
      { delta: at(20, (t) => [t.replace(/\[\[[^d].*\]\]\]\]$/, "[]]]")]) },
    ],
    ["an ack with another sequence number", "acks", { ok: (seq) => (seq === 20 ? 21 : seq) }],
    [
      "heads that say something else than was sent",
      "heads",
      { ping: (seq) => `[["ping",1,[${HANDLE},${EPOCH},${seq + 1}]]]` },
    ],
    ["a refused call", "refusals", { refuse: true }],
    ["the stream's end held back", "counts", { delta: ({ seq, text }) => (seq > 40 ? [] : [text]) }],
  ];
  test.each(faults)("fails on %s (%s)", async (_what, check, fault) => {
    const { exitCode, failures, text } = await load(fault);
    expect(failures[check], text).toBeGreaterThan(0);
    expect(exitCode).toBe(1);
  });

  const RATE = "--rate 500 --ttl-ms 400";

  test("makes calls at a rate, and obeys refusals that say when to come again", async () => {
    const calm = await load({}, RATE);
    expect(calm.text).toMatch(/"offered":[1-9]\d+,"good":[1-9]\d+.*"refusedCopies":0/);
    expect(calm.exitCode).toBe(0);
    // What was refused last is sent again after a back-off, and waited for.
    const busy = await load({ refuseOnce: { retry: "after", afterMs: 1 } }, `${RATE} --seconds 1.5 --stall-seconds 20`);
    expect(busy.text).toMatch(/"refusedCopies":[1-9]/);
    expect(busy.exitCode, busy.text).toBe(0);
  });

  const atARate: readonly (readonly [what: string, check: string, faults: Faults])[] = [
    ["a refusal that does not say when", "refusals", { refuseOnce: { retry: "after" } }],
    ["a skipped sequence number", "acks", { ok: (seq) => seq + 1 }],
    ["a delta twice", "gaps", { delta: at(20, (text) => [text, text]) }],
    ["a delta of no call", "altered", { delta: at(20, (text) => [text.replace(/(?<="\/at",)\d+/, "7")]) }],
    ["the stream's end held back", "counts", { delta: ({ seq, text }) => (seq > 40 ? [] : [text]) }],
  ];
  test.each(atARate)("at a rate, fails on %s (%s)", async (_what, check, fault) => {
    const { exitCode, failures, text } = await load(fault, RATE);
    expect(failures[check], text).toBeGreaterThan(0);
    expect(exitCode).toBe(1);
  });

  const PACED = "--every-ms 50 --fresh-values 1";

  test("accepts merged deltas that hold what the last call of each key wrote", async () => {
    const { exitCode, text } = await load({ merging: (operations) => operations }, PACED);
    expect(text).toMatch(/"acks":[1-9].*"deliveries":[1-9]/);
    expect(exitCode, text).toBe(0);
  });

  const entries = (operations: readonly Operation[]): readonly Operation[] =>
    operations.filter(([, path]) => path !== "/at");
  const merging: readonly (readonly [what: string, merging: Merging])[] = [
    ["without a key", (operations) => operations.filter((one) => one !== entries(operations)[0])],
    ["with a key that nobody wrote", (operations) => [...operations, ["=", "/entries/k99", "99xxx"]]],
    [
      "with an older value",
      (operations) => operations.map(([, path, value]) => ["=", path, path === "/at" ? value : `1${"x".repeat(20)}`]),
    ],
    ["of another call", (operations) => [...entries(operations), ["=", "/at", 7]]],
  ];
  test.each(merging)("fails on a merged delta %s", async (_what, fault) => {
    const { exitCode, failures, text } = await load({ merging: fault }, PACED);
    expect(failures.altered, text).toBeGreaterThan(0);
    expect(exitCode).toBe(1);
  });

  const OWN = "--views 1 --key viewer-0";
  const toFirst: Fault = ({ subscriber, text }) => (subscriber === 0 ? [text] : []);
  const views: readonly (readonly [what: string, check: string | undefined, delta: Fault])[] = [
    ["accepts what reaches the first alone", undefined, toFirst],
    ["fails on what reaches another", "counts", ({ text }) => [text]],
    ["fails on what reaches nobody", "counts", () => []],
    [
      "fails on what is not what was called",
      "altered",
      (one) => toFirst(one).map((text) => text.replace(/(?<="\/at",)\d+/, "7")),
    ],
  ];
  test.each(views)("of views of their own, %s", async (_what, check, delta) => {
    const { exitCode, failures, text } = await load({ delta }, OWN);
    expect(exitCode, text).toBe(check === undefined ? 0 : 1);
    if (check !== undefined) expect(failures[check], text).toBeGreaterThan(0);
  });

  const room = async (deaf: boolean): Promise<{ exitCode: number; text: string }> => {
    const listening = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server = listening;
    listening.on("connection", (socket) =>
      socket.on("message", (frame) => {
        if (JSON.parse(String(frame))[0] === "join") return socket.send('["joined"]');
        const hearing = [...listening.clients].slice(deaf ? 1 : 0);
        for (const member of hearing) member.send('["change","x"]');
      }),
    );
    await new Promise((resolve) => listening.once("listening", resolve));
    const { port } = listening.address() as AddressInfo;
    const options = ["--port", String(port), "--mode", "room", "--subscribers", "8", "--stall-seconds", "0.3"];
    const { exitCode, stdout, stderr } = await finished(await nativeProgram("load"), options);
    return { exitCode, text: `${stderr}${stdout}` };
  };

  test("knows whether members of a room hear what is said there", async () => {
    expect(await room(false)).toMatchObject({ exitCode: 0, text: expect.stringContaining('"joinsCompared":2') });
    expect(await room(true)).toMatchObject({ exitCode: 1, text: expect.stringContaining('"counts":1') });
  });

  test("holds everybody there until it is told to go on, and says what went wrong before", async () => {
    const port = await fakeServer({});
    const shape = { mode: "tidemark", subscribers: 3 } as const;
    const target = { port, serverPid: process.pid, seconds: 0.2, warmUpSeconds: 0 };
    const { held, result } = await holdLoad(shape, target, async () => server?.clients.size);
    expect(held).toBe(4);
    expect(result.acks).toBeGreaterThan(0);
    const broken = holdLoad(shape, target, () => Promise.reject(new Error("nobody looked")));
    await expect(broken).rejects.toThrow("nobody looked");
    server?.close();
    for (const socket of server?.clients ?? []) socket.terminate();
    await expect(holdLoad(shape, target, async () => 0)).rejects.toThrow("the load found something wrong");
  });

  test("makes the calls that are to be held, and says only then that it holds", async () => {
    const port = await fakeServer({});
    const shape = { mode: "tidemark", subscribers: 3, stopped: 2, outstanding: 4, heldCalls: 50 } as const;
    const target = { port, serverPid: process.pid, seconds: 0.2, warmUpSeconds: 0 };
    const { held, result } = await holdLoad(shape, target, async () => committed.length);
    expect(held).toBe(50);
    expect(result.acks).toBeGreaterThan(0);
  });

  test("checks calls of a megabyte as it does small ones", async () => {
    const large = "--payload-bytes 1000000 --fresh-values 1 --outstanding 1 --stall-seconds 5";
    const right = await load({}, large);
    expect(right.exitCode, right.text).toBe(0);
    const altered = await load({ delta: at(4, (text) => [text.replace("xxx", "xyx")]) }, large);
    expect(altered.failures.digests, altered.text).toBeGreaterThan(0);
  });

  const AWAY = "--missed 30";

  test("sends subscribers away, and accepts how they are brought back", async () => {
    const { exitCode, text } = await load({}, AWAY);
    expect(text).toMatch(/"missedBytes":[1-9].*"resumeBytes":[1-9].*"resumedByReset":0,"snapshotBytes":[1-9]/);
    expect(exitCode, text).toBe(0);
  });

  const returning: readonly (readonly [what: string, check: string, replay: Replay])[] = [
    ["a hole", "gaps", (missed) => missed.toSpliced(10, 1)],
    ["a delta twice", "gaps", (missed) => missed.toSpliced(10, 0, ...missed.slice(10, 11))],
    ["other content", "digests", (missed) => missed.map((text) => text.replace("xxx", "xyx"))],
  ];
  test.each(returning)("fails on a replay with %s (%s)", async (_what, check, replay) => {
    const { exitCode, failures, text } = await load({ replay }, AWAY);
    expect(failures[check], text).toBeGreaterThan(0);
    expect(exitCode).toBe(1);
  });
});
