// Attacks on readers over plain HTTP, and by them: server-sent events, streamed lines, tickets. On a real server by real sockets.
import { fileURLToPath } from "node:url";
import type { Json } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AttackedServer } from "../support/attacked-server.js";
import { EventReader } from "../support/event-reader.js";
import { claimsFor, signedBy } from "../support/key-set.js";
import type { RawFrames } from "../support/raw-frames.js";
import { RawHttp } from "../support/raw-http.js";
import { keyIn, request, startSecured } from "../support/secured-server.js";

const APP = fileURLToPath(new URL("./apps/ledger.ts", import.meta.url));

let attacked: AttackedServer;
let readers: EventReader[] = [];
beforeAll(async () => {
  attacked = await AttackedServer.start({ app: APP, args: ["--connections-max", "20", "--log", "debug"] });
});
afterEach(async () => {
  for (const reader of readers) await reader.close().catch(() => undefined);
  readers = [];
  await attacked.after();
});
afterAll(() => attacked.stop());

const call = (n: number, target: Json, name: string, input: Json): Json => [
  "c",
  n,
  target,
  name,
  input,
  { born: Date.now() },
];
const asked = (path: string, as: string | undefined, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${attacked.url}${path}`, {
    headers: { ...(as === undefined ? {} : { authorization: `Bearer user:${as}` }), ...headers },
  });

async function reading(
  path: string,
  as: string | undefined,
  headers: Record<string, string> = {},
): Promise<EventReader> {
  const response = await asked(path, as, headers);
  expect(response.status).toBe(200);
  const reader = new EventReader(response);
  readers.push(reader);
  return reader;
}

async function noted(socket: RawFrames, n: number, name: string, value: Json): Promise<void> {
  await socket.say(call(n, 1, "note", { name, value }));
  expect((await socket.answer(n))[0]).toBe("ok");
}

describe("lines", () => {
  const FORGERIES = [
    "\n\nevent: forged\ndata: {}\n\n",
    "\r\rdata: {}\revent: forged\r\r",
    "\r\n\r\nid: 9.9\r\nevent: forged\r\ndata: {}\r\n\r\n",
    "\u2028\u2029\u0085\n\n:forged\n\n",
    "\u0000\ufeffevent: forged\n",
  ];

  it("[S23] of server-sent events cannot be ended by what others write, as a name or a value", async () => {
    const owner = await attacked.owner("sse");
    const reader = await reading("/v1/docs/ledger/sse-1/stream", "sse");
    await reader.next("snapshot");
    for (const [index, forgery] of FORGERIES.entries()) await noted(owner, index + 1, forgery, { [forgery]: forgery });
    await reader.at(1 + FORGERIES.length);
    // And as what a reader begins with.
    const later = await reading("/v1/docs/ledger/sse-1/stream", "sse");
    expect((await later.next("snapshot")).data.state.notes).toEqual(
      Object.fromEntries(FORGERIES.map((forgery) => [forgery, { [forgery]: forgery }])),
    );
    for (const { text, events } of [reader, later]) {
      for (const line of text.split(/\r\n|\r|\n/))
        expect(line).toMatch(/^(?:id: \d|event: (?:snapshot|patch|ping)$|data: \{|retry: \d|$)/);
      expect(events.map(({ kind }) => kind)).not.toContain("forged");
    }
  });

  it("[S23] of a stream of frames cannot be ended either", async () => {
    const owner = await attacked.owner("lines");
    for (const [index, forgery] of FORGERIES.entries()) await noted(owner, index + 1, forgery, forgery);
    const body = JSON.stringify([
      ["hello", { v: 1, client: "e".repeat(32), conn: 1, sdk: "x", caps: [] }],
      ["open", { s: 1, doc: "ledger/lines-1" }],
    ]);
    const headers = { authorization: "Bearer user:lines", "content-type": "application/json" };
    const text = await (await fetch(`${attacked.url}/v1/poll`, { method: "POST", headers, body })).text();
    const types = text
      .split("\n")
      .filter((line) => line !== "")
      .flatMap((line) => JSON.parse(line).map(([type]: [string]) => type));
    expect(types.slice(0, 3)).toEqual(["welcome", "opened", "snap"]);
  });

  it.each([
    "1.1\r\nX-Forged: 1",
    "1.1\u0000",
    "-1.0",
    "1e3.1",
    "99999999999999999999.1",
    "1.1.x\n\ndata: y",
    "__proto__.1",
  ])("[S23] a position %j that is none is refused, or is as good as none", async (last) => {
    const owner = await attacked.owner("last");
    const answer = await asked(`/v1/docs/ledger/last-1/stream?last=${encodeURIComponent(last)}`, "last");
    expect(answer.headers.get("x-forged")).toBeNull();
    if (answer.status === 200) {
      const reader = new EventReader(answer);
      readers.push(reader);
      await reader.next("snapshot");
    } else expect(answer.status).toBe(400);
    owner.tcp.destroy();
  });
});

describe("a stream of events", () => {
  it("[S27] is kept by nobody", async () => {
    await attacked.owner("cache");
    const answer = await asked("/v1/docs/ledger/cache-1/stream", "cache");
    readers.push(new EventReader(answer));
    expect(answer.headers.get("cache-control")).toMatch(/no-store/);
    expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("[S9] [S10] of somebody else's document is refused like one of nothing, byte by byte", async () => {
    await attacked.owner("hers");
    const heard = async (path: string, more: string): Promise<string> => {
      const connection = new RawHttp(attacked.url);
      await connection.send(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user:mal\r\n${more}Connection: close\r\n\r\n`,
      );
      return (await connection.closed).replace(/^date: .*$/im, "");
    };
    for (const [query, more] of [
      ["/stream", ""],
      ["/stream", "Last-Event-ID: 1.1\r\n"],
      ["/stream?last=1.1", ""],
      ["?after=1.1&wait=0", ""],
      ["?after=&wait=0", ""],
    ] as const) {
      const theirs = await heard(`/v1/docs/ledger/hers-1${query}`, more);
      expect(theirs).toBe(await heard(`/v1/docs/ledger/hers-9${query}`, more));
      expect(theirs).toContain('"denied"');
    }
  });

  it("[S21] [HELLO-7] counts among the connections of whoever it is for", async () => {
    await attacked.owner("many");
    const answers = await Promise.all(Array.from({ length: 40 }, () => asked("/v1/docs/ledger/many-1/stream", "many")));
    for (const answer of answers) if (answer.status === 200) readers.push(new EventReader(answer));
    expect(readers.length).toBeLessThan(20);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]));
    for (const answer of refused) expect(await answer.json()).toMatchObject({ code: "limit_reached" });
  });

  it("[S35] [R14] that nobody reads holds no more than a socket would", async () => {
    const owner = await attacked.owner("slow");
    const stopped = Array.from({ length: 15 }, () => new RawHttp(attacked.url));
    for (const connection of stopped) {
      connection.pause();
      await connection.send(
        "GET /v1/docs/ledger/slow-1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user:slow\r\n\r\n",
      );
    }
    await attacked.isServed();
    const before = attacked.residentBytes();
    for (let n = 1; n <= 60; n += 1) await noted(owner, n, "x", `${n}${"x".repeat(500_000)}`);
    // 15 readers of 30 MB each.
    expect(attacked.residentBytes() - before).toBeLessThan(250_000_000);
    for (const connection of stopped) connection.close();
  });
});

describe("a ticket", () => {
  const ticketFor = async (doc: string, as: string): Promise<string> => {
    const init = {
      method: "POST",
      headers: { authorization: `Bearer user:${as}`, "content-type": "application/json" },
    };
    const answer = await fetch(`${attacked.url}/v1/tickets`, { ...init, body: JSON.stringify({ doc }) });
    expect(answer.status).toBe(201);
    return (await answer.json()).ticket;
  };

  it("[S37] [TICKET-1] found in an address is worth nothing once it was shown, and nowhere else", async () => {
    await attacked.owner("tia");
    const spent = await ticketFor("ledger/tia-1", "tia");
    const reader = await reading(`/v1/docs/ledger/tia-1/stream?ticket=${spent}`, undefined);
    await reader.next("snapshot");
    expect((await asked(`/v1/docs/ledger/tia-1/stream?ticket=${spent}`, undefined)).status).toBe(401);
    for (const [path, headers] of [
      ["/v1/docs/ledger/tia-1", {}],
      ["/v1/docs/ledger/eve-1/stream", {}],
      ["/v1/whoami", {}],
      ["/v1/docs/ledger/tia-1/history", {}],
    ] as const) {
      const ticket = await ticketFor("ledger/tia-1", "tia");
      expect([path, (await asked(`${path}?ticket=${ticket}`, undefined, headers)).status]).toEqual([path, 401]);
      const bearer = await asked("/v1/whoami", undefined, { authorization: `Bearer ${ticket}` });
      expect(bearer.status).toBe(401);
    }
    expect(attacked.server.stderr()).not.toContain(spent);
  });

  it("[S37] [S10] brings nobody to a document that its asker may not read", async () => {
    const ticket = await ticketFor("ledger/eve-1", "mal");
    const answer = await asked(`/v1/docs/ledger/eve-1/stream?ticket=${ticket}`, undefined);
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: "denied" }]);
  });
});

describe("[R17] what a stream rests on", () => {
  const SECRET = "a secret of the application that nobody else knows of, never";
  const tokenOf = (claims: object): Promise<string> =>
    signedBy(SECRET, claimsFor("ann", { roles: ["reader"], ...claims }));

  it("[S6] [AUTH-6] ends with it: by its time, by a revocation, and by a ticket made from it", async () => {
    const jwt = { secrets: [SECRET], leewayMs: 0 };
    const first = await startSecured({ jwt });
    await first.close({ keep: true });
    const all = { doc: "note/*", may: ["open", "create"] } as const;
    const root = keyIn(first.data, { name: "root", grants: [all], powers: ["tokens", "revocations"] });
    const server = await startSecured({ jwt, data: first.data });
    expect((await request(server, root, { path: "/v1/docs/note/a", method: "POST" })).status).toBe(201);
    const open = async (path: string, token?: string): Promise<EventReader> => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const reader = new EventReader(await fetch(`${server.url}${path}`, { headers }));
      readers.push(reader);
      await reader.next("snapshot");
      return reader;
    };
    const soon = await tokenOf({ exp: Math.floor(Date.now() / 1_000) + 2 });
    const revoked = await tokenOf({ jti: "lost" });
    const { body } = await request(server, revoked, { path: "/v1/tickets", method: "POST", body: { doc: "note/a" } });
    const streams = [
      await open("/v1/docs/note/a/stream", soon),
      await open("/v1/docs/note/a/stream", revoked),
      await open(`/v1/docs/note/a/stream?ticket=${String(body.ticket)}`),
    ];
    await request(server, root, { path: "/v1/revocations", method: "POST", body: { jti: "lost" } });
    const ends = await Promise.all(streams.map((stream) => stream.next("end")));
    expect(ends.map(({ data }) => data.code)).toEqual(["unauthenticated", "revoked", "revoked"]);
    for (const stream of streams) await stream.ended;
    await server.close();
  });
});
