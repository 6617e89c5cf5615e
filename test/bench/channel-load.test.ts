// The load of channels, tested like the other: a small fake server of either kind commits one fault at a time, and the load must
// exit 1 and say so.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { finished } from "../../bench/load.js";
import { nativeProgram } from "../../bench/native.js";

type Kind = "tidemark" | "river";
/** Which frames a member gets for the frame of a publish or a join. */
type Fault = (frame: string, where: { readonly count: number; readonly member: number }) => readonly string[];

const HANDLE = 7;
const right: Fault = (frame) => [frame];
let running: Server | undefined;
let sockets: WebSocketServer | undefined;
afterEach(() => {
  for (const socket of sockets?.clients ?? []) socket.terminate();
  running?.closeAllConnections();
  running?.close();
});

/** What members are told, in the words of each server. */
const WORDS = {
  tidemark: {
    post: (count: number, data: string) =>
      `[["d",${HANDLE},${count - 1},${count},[],{"ev":[[${count},1,"post",${data}]]}]]`,
    joined: (present: number) => `[["pres",${HANDLE},${present},{"count":${present}}]]`,
  },
  river: {
    post: (_count: number, data: string) => `42["post",{"channel":"dogs","data":${data}}]`,
    joined: () => '42["event","Someone joined channel dogs"]',
  },
} as const;

async function fakeServer(kind: Kind, fault: Fault, status = 200): Promise<number> {
  const members: WebSocket[] = [];
  let posts = 0;
  let joins = 0;
  const tell = (frame: string, count: number): void => {
    members.forEach((socket, member) => {
      for (const one of fault(frame, { count, member })) socket.send(one);
    });
  };
  const enter = (socket: WebSocket, announced: boolean): void => {
    members.push(socket);
    if (!announced) return;
    joins += 1;
    tell(WORDS[kind].joined(members.length), joins);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      posts += 1;
      tell(WORDS[kind].post(posts, Buffer.concat(chunks).toString()), posts);
      response.writeHead(status, { "Content-Length": 2 }).end("{}");
    });
  });
  const upgrades = new WebSocketServer({ server });
  upgrades.on("connection", (socket) => {
    if (kind === "river") socket.send("40");
    socket.on("message", (frame) => {
      const text = String(frame);
      if (text.startsWith('42["authenticate"')) socket.send('42["authenticated"]');
      else if (text.startsWith("42[")) enter(socket, text.includes("presence-"));
      else if (text.startsWith('[["hello"')) socket.send('[["welcome",{"v":1}]]');
      else if (text.startsWith('[["open"')) {
        socket.send(`[["snap",${HANDLE},1,1,{}]]`);
        enter(socket, text.includes('"presence"') && members.length >= MEMBERS);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  running = server;
  sockets = upgrades;
  return (server.address() as AddressInfo).port;
}

const MEMBERS = 3;

async function load(kind: Kind, fault: Fault, { shape, status }: { shape: string; status?: number }) {
  const port = String(await fakeServer(kind, fault, status));
  const always = [
    "--kind",
    kind,
    "--port",
    port,
    "--http-port",
    port,
    "--members",
    String(MEMBERS),
    "--publish-path",
    "/p",
  ];
  const { exitCode, stdout, stderr } = await finished(await nativeProgram("channel"), [...always, ...shape.split(" ")]);
  return { exitCode, stdout, stderr };
}

const PUBLISHES = "--callers 2 --warm-up 0.1 --seconds 0.2 --calm-seconds 0.1 --stall-seconds 0.5 --settle-seconds 0.1";
const JOINS = "--joins 5 --stall-seconds 0.5 --settle-seconds 0.1";
/** At the tenth publish, to one of the members. */
const once10 =
  (altered: (frame: string) => readonly string[]): Fault =>
  (frame, { count, member }) =>
    count === 10 && member === 1 ? altered(frame) : [frame];

describe.each<Kind>(["tidemark", "river"])("the load of channels, on a server like %s", (kind) => {
  test("accepts publishes that arrive everywhere once and in order", async () => {
    const { exitCode, stdout } = await load(kind, right, { shape: PUBLISHES });
    expect(stdout).toMatch(/"published":[1-9].*"deliveries":[1-9].*"gaps":0,"refusals":0/);
    expect(exitCode).toBe(0);
  });

  test.each([
    ["one that a member never got", once10(() => [])],
    ["one that came twice", once10((frame) => [frame, frame])],
    ["another number in it", once10((frame) => [frame.replace(/"n":(\d+)/, '"n":9$1')])],
    ["the end held back", ((frame, { count }) => (count > 12 ? [] : [frame])) satisfies Fault],
  ])("finds %s", async (_what, fault) => {
    const { exitCode, stderr } = await load(kind, fault, { shape: PUBLISHES });
    expect(stderr).toMatch(/a gap, a repeat or another order|never arrived everywhere/);
    expect(exitCode).toBe(1);
  });

  test("counts a join when the last member has been told", async () => {
    const { exitCode, stdout } = await load(kind, right, { shape: JOINS });
    expect(JSON.parse(stdout)).toMatchObject({ joins: 5, members: MEMBERS, refusals: 0 });
    expect(exitCode).toBe(0);
  });

  test("finds a join that one member was not told of", async () => {
    const { exitCode, stderr } = await load(kind, (frame, { member }) => (member === 1 ? [] : [frame]), {
      shape: JOINS,
    });
    expect(stderr).toContain("a join was never seen by all");
    expect(exitCode).toBe(1);
  });

  test("finds a publish that was refused", async () => {
    const { exitCode, stderr } = await load(kind, right, { shape: PUBLISHES, status: 503 });
    expect(stderr).toContain("a publish was refused");
    expect(exitCode).toBe(1);
  });
});
