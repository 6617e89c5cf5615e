// The load of many documents, proved as the other load is: a small fake server commits one fault at a time, and the load must exit
// 1 and say which.
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type DocumentsShape, holdDocuments } from "../../bench/documents-load.js";
import { finished } from "../../bench/load.js";
import { nativeProgram } from "../../bench/native.js";

/** What the server says of the twentieth call, and of a document that is opened again. */
interface Faults {
  readonly ok?: (seq: number) => number;
  readonly delta?: (text: string) => readonly string[];
  readonly snapshot?: (of: Kept) => Kept;
  readonly heads?: (seq: number) => number;
  readonly refuse?: true;
}

interface Kept {
  readonly seq: number;
  readonly at: number;
}

interface Following {
  readonly socket: WebSocket;
  readonly handle: number;
}

const EPOCH = 1_700_000_000_000;
const FAULTY_CALL = 20;
let server: WebSocketServer | undefined;
afterEach(() => {
  for (const socket of server?.clients ?? []) socket.terminate();
  server?.close();
});

/** Documents in memory, one delta for each call. */
async function fakeServer(faults: Faults): Promise<number> {
  const documents = new Map<string, Kept>();
  const following = new Map<string, Following[]>();
  let calls = 0;
  const listening = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/v1/socket" });
  server = listening;
  listening.on("connection", (socket) => {
    const say = (...message: readonly unknown[]): void => socket.send(JSON.stringify([message]));
    const open = ({ s, doc }: { readonly s: number; readonly doc: string }): void => {
      const there = documents.get(doc);
      const kept = there ?? { seq: 1, at: 0 };
      documents.set(doc, kept);
      following.set(doc, [...(following.get(doc) ?? []), { socket, handle: s }]);
      const shown = there === undefined || kept.seq === 1 ? kept : (faults.snapshot?.(kept) ?? kept);
      say("opened", { s, h: [s], mode: ["reset"], prev: [shown.seq], tag: [""] });
      say("snap", s, EPOCH, shown.seq, { at: shown.at, entries: {} });
    };
    const close = (s: number): void => {
      for (const [doc, all] of following)
        following.set(
          doc,
          all.filter((one) => one.socket !== socket || one.handle !== s),
        );
    };
    const call = (n: number, doc: string, { at }: { readonly at: number }): void => {
      calls += 1;
      if (faults.refuse !== undefined) return say("no", n, "overloaded", "no", { retry: "after" });
      const seq = (documents.get(doc)?.seq ?? 0) + 1;
      documents.set(doc, { seq, at });
      const isFaulty = calls === FAULTY_CALL;
      for (const { socket: to, handle } of following.get(doc) ?? []) {
        const text = JSON.stringify([["d", handle, seq - 1, seq, [["=", "/at", at]]]]);
        for (const frame of isFaulty ? (faults.delta?.(text) ?? [text]) : [text]) to.send(frame);
        if (isFaulty && faults.heads !== undefined)
          to.send(JSON.stringify([["ping", 1, [handle, EPOCH, faults.heads(seq)]]]));
      }
      say("ok", n, [EPOCH, isFaulty ? (faults.ok?.(seq) ?? seq) : seq]);
    };
    socket.on("message", (frame) => {
      for (const [type, first, ...rest] of JSON.parse(String(frame))) {
        if (type === "hello") say("welcome", { v: 1, now: EPOCH });
        if (type === "open") open(first);
        if (type === "close") close(first);
        if (type === "c") call(first, rest[0], rest[2]);
      }
    });
  });
  await new Promise((resolve) => listening.once("listening", resolve));
  return (listening.address() as AddressInfo).port;
}

const SHAPE =
  "--connections 2 --documents 7 --outstanding 6 --followers 1 --warm-up 0.05 --seconds 0.2 --stall-seconds 0.5".split(
    " ",
  );

async function load(faults: Faults) {
  const port = await fakeServer(faults);
  const args = ["--port", String(port), ...SHAPE];
  const { exitCode, stdout, stderr } = await finished(await nativeProgram("documents"), args);
  const failures: { readonly [check: string]: number } = stdout === "" ? {} : JSON.parse(stdout).failures;
  return { exitCode, failures, text: `${stderr}${stdout}` };
}

describe("the load of many documents", () => {
  test("accepts a server that does everything right", async () => {
    const { exitCode, text } = await load({ heads: (seq) => seq });
    expect(text).toMatch(/"acks":[1-9].*"deliveries":[1-9]/);
    expect(exitCode, text).toBe(0);
  });

  const faults: readonly (readonly [what: string, check: string, faults: Faults])[] = [
    ["an ack with another sequence number", "acks", { ok: (seq) => seq + 1 }],
    ["a delta twice", "gaps", { delta: (text) => [text, text] }],
    ["a delta of no call", "altered", { delta: (text) => [text.replace(/(?<="\/at",)\d+/, "7")] }],
    ["heads that say something else than was sent", "heads", { heads: (seq) => seq + 1 }],
    [
      "a document that has one call too few in the end",
      "counts",
      { snapshot: ({ seq, at }) => ({ seq: seq - 1, at }) },
    ],
    ["a document without its last call", "altered", { snapshot: ({ seq, at }) => ({ seq, at: at - 1 }) }],
  ];
  test.each(faults)("fails on %s (%s)", async (_what, check, fault) => {
    const { exitCode, failures, text } = await load(fault);
    expect(failures[check], text).toBeGreaterThan(0);
    expect(exitCode, text).toBe(1);
  });

  test("gives up on calls that are refused", async () => {
    const { exitCode, text } = await load({ refuse: true });
    expect(text).toContain("refused");
    expect(exitCode).toBe(1);
  });

  test("holds all of them open while somebody looks", async () => {
    const port = await fakeServer({});
    const shape: DocumentsShape = { connections: 2, documents: 5, followers: 2 };
    const target = { port, serverPid: process.pid, seconds: 0.2, warmUpSeconds: 0 };
    expect(await holdDocuments(shape, target, async () => server?.clients.size)).toBe(6);
  });
});
