// Attacks on who somebody is once tokens are out: keys, connect tokens, what was withdrawn or has expired, and sockets that
// say nothing. Against a running server, over real sockets.
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { CLOSE, SOCKET_PATH } from "@tidemark/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Grant } from "../../src/document/grants.js";
import { openKeyFile } from "../../src/storage/sqlite/key-file.js";
import { claimsFor, signedBy } from "../support/key-set.js";
import { keyIn, knock, request, type SecuredServer, Stranger, startSecured } from "../support/secured-server.js";

const SECRET = "a secret of the application that nobody else knows of, never";
const ALL = { doc: "note/*", may: ["open", "call", "create", "history", "delete", "list"] } as const satisfies Grant;
const bySecret = (claims: object = {}): Promise<string> =>
  signedBy(SECRET, claimsFor("ann", { roles: ["reader"], ...claims }));

let server: SecuredServer;
let root: string;
beforeAll(async () => {
  server = await startSecured({ jwt: { secrets: [SECRET], leewayMs: 0 } });
  await server.close({ keep: true });
  root = keyIn(server.data, { name: "root", grants: [ALL], powers: ["tokens", "revocations"] });
  server = await startSecured({ jwt: { secrets: [SECRET], leewayMs: 0 }, data: server.data });
  const made = await request(server, root, { path: "/v1/docs/note/a", method: "POST" });
  expect(made.status).toBe(201);
});
afterAll(() => server.close());

const read = (token: string, key = "a") => request(server, token, { path: `/v1/docs/note/${key}` });

describe("an API key", () => {
  it("[AUTH-7] is a service by the name of its key", async () => {
    const heard = await knock(server.url, root);
    expect(heard.welcome).toMatchObject({ sub: "key:root" });
    expect((await read(root)).status).toBe(200);
  });

  const [, id = "", secret = ""] = ["", "0123456789abcdef", "A".repeat(43)];
  const forgeries: readonly [string, () => string][] = [
    ["with another secret", () => `${root.slice(0, -4)}${root.endsWith("AAAA") ? "BBBB" : "AAAA"}`],
    ["cut short", () => root.slice(0, -1)],
    ["with something behind", () => `${root}A`],
    ["of a number nobody has", () => `tmk_${id}_${secret}`],
    ["without a secret", () => root.slice(0, 21)],
    ["as it is stored", () => storedAs(server.data, "root")],
    ["with its number in capitals", () => root.replace(/^tmk_[0-9a-f]+/, (part) => part.toUpperCase())],
  ];
  for (const [what, forge] of forgeries) {
    it(`[S8] [AUTH-7] ${what} is turned away`, async () => {
      expect(await knock(server.url, forge())).toMatchObject({ error: { code: "unauthenticated" } });
      expect(await read(forge())).toMatchObject({ status: 401, code: "unauthenticated" });
    });
  }

  it("[S8] [AUTH-7] with the number of one and the secret of another is nobody's", async () => {
    const other = keyIn(server.data, { name: "other", grants: [ALL] });
    const crossed = `${root.slice(0, root.indexOf("_", 4))}${other.slice(other.indexOf("_", 4))}`;
    expect(await read(crossed)).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  it("[S4] [AUTH-7] is not what a signed token says it is", async () => {
    const token = await bySecret({ sub: "key:root", roles: ["service"] });
    expect(await knock(server.url, token)).toMatchObject({ error: { code: "unauthenticated" } });
  });

  it("[S37] [S10] [AUTH-7] [ACCESS-2] reaches what its grants say and nothing else, whatever services may", async () => {
    const narrow = keyIn(server.data, { name: "narrow", grants: [{ doc: "note/b*", may: ["open"] }] });
    await until(async () => (await read(narrow, "b")).status !== 401);
    const attempts: readonly [string, string, unknown?][] = [
      ["GET", "/v1/docs/note/a"],
      ["GET", "/v1/docs/note/absent"],
      ["GET", "/v1/docs/note/a/history"],
      ["GET", "/v1/docs/note"],
      ["POST", "/v1/docs/note/b2"],
      ["POST", "/v1/docs/note/c"],
      ["POST", "/v1/docs/note/a/write", "mine"],
      ["POST", "/v1/docs/note/a/shout", "mine"],
      ["DELETE", "/v1/docs/note/a"],
      ["POST", "/v1/connect-tokens", { sub: "ann" }],
      ["POST", "/v1/revocations", { sub: "ann" }],
    ];
    for (const [method, path, body] of attempts) {
      expect([path, await request(server, narrow, { method, path, body })]).toMatchObject([path, { code: "denied" }]);
    }
    const stranger = new Stranger(server.url);
    await stranger.hello(narrow);
    await stranger.say(["open", { s: 1, doc: "note/a" }], ["open", { s: 2, doc: "note/absent" }]);
    expect((await stranger.socket.first("ended"))[1]).toMatchObject({ s: 1, code: "denied" });
    stranger.socket.close();
  });

  it("[S6] [R17] [AUTH-6] [AUTH-7] withdrawn in the file of a running server ends what rests on it within 5 s", async () => {
    const doomed = keyIn(server.data, { name: "doomed", grants: [ALL] });
    await until(async () => (await read(doomed)).status === 200);
    const stranger = new Stranger(server.url);
    await stranger.hello(doomed);
    await stranger.say(["open", { s: 1, doc: "note/a" }]);
    await stranger.socket.first("snap");
    const file = openKeyFile(server.data, { create: false });
    const since = performance.now();
    file.remove(file.keys().flatMap(({ id: number, name }) => (name === "doomed" ? [number] : [])));
    file.close();
    expect(await stranger.socket.closed).toBe(CLOSE.revoked);
    expect(performance.now() - since).toBeLessThan(5_000);
    expect(await read(doomed)).toMatchObject({ status: 401, code: "unauthenticated" });
  });
});

describe("what was withdrawn", () => {
  const revoke = (what: object) => request(server, root, { path: "/v1/revocations", method: "POST", body: what });

  it("[S6] [R17] [AUTH-6] a subject's tokens end on live sockets and are refused everywhere, later ones are not", async () => {
    const token = await bySecret({ sub: "eve", iat: Math.floor(Date.now() / 1_000) - 5 });
    const stranger = new Stranger(server.url);
    await stranger.hello(token);
    await stranger.say(["open", { s: 1, doc: "note/a" }]);
    await stranger.socket.first("snap");
    expect((await revoke({ sub: "eve" })).status).toBe(204);
    expect(await stranger.socket.closed).toBe(CLOSE.revoked);
    expect(await knock(server.url, token)).toMatchObject({ error: { code: "revoked" }, closed: CLOSE.revoked });
    expect(await read(token)).toMatchObject({ status: 401, code: "revoked" });
    const now = Date.now();
    await until(async () => Date.now() > now);
    const later = await bySecret({ sub: "eve", iat: Date.now() / 1_000 });
    expect((await read(later)).status).toBe(200);
    expect((await read(await bySecret())).status).toBe(200);
  });

  it("[S6] [AUTH-6] a token of that number, also as a refreshed one", async () => {
    const [kept, lost] = [await bySecret({ jti: "kept" }), await bySecret({ jti: "lost" })];
    const stranger = new Stranger(server.url);
    await stranger.hello(kept);
    expect((await revoke({ jti: "lost" })).status).toBe(204);
    expect((await read(kept)).status).toBe(200);
    await stranger.say(["auth", { token: lost }]);
    expect(await stranger.socket.closed).toBe(CLOSE.revoked);
  });

  it("[S6] [R17] [AUTH-6] a request that waits is cut off when its sender's tokens are withdrawn", async () => {
    const token = await bySecret({ sub: "waiting", roles: ["reader"] });
    const waiting = request(server, token, { path: "/v1/docs/note/a?at-least=999999&wait=25" });
    // On connections of their own, one after the other: by then the first has long been taken on.
    for (let n = 0; n < 10; n += 1) expect((await read(token)).status).toBe(200);
    await revoke({ sub: "waiting" });
    expect(await waiting).toMatchObject({ status: 401, code: "revoked" });
  });

  it("[S6] [AUTH-6] stays withdrawn over a restart", async () => {
    const token = await bySecret({ jti: "for-ever" });
    await revoke({ jti: "for-ever" });
    await server.close({ keep: true });
    server = await startSecured({ jwt: { secrets: [SECRET], leewayMs: 0 }, data: server.data });
    expect(await read(token)).toMatchObject({ status: 401, code: "revoked" });
  });

  it.each([[{}], [{ sub: "a", jti: "b" }], [{ sub: 7 }], [{ sub: "" }], [{ sub: "a", all: true }], [[]]])(
    "refuses to revoke %j",
    async (body) => expect(await revoke(body)).toMatchObject({ status: 400, code: "invalid_input" }),
  );

  it("[S6] [R17] a token that expires ends its live socket, and its holder may refresh it in band before", async () => {
    const soon = (): Promise<string> => bySecret({ exp: Math.floor(Date.now() / 1_000) + 2 });
    const [left, stays] = [new Stranger(server.url), new Stranger(server.url)];
    await Promise.all([left.hello(await soon()), stays.hello(await soon())]);
    await left.say(["open", { s: 1, doc: "note/a" }]);
    await stays.say(["auth", { token: await bySecret() }], ["open", { s: 1, doc: "note/a" }]);
    expect(await left.socket.closed).toBe(CLOSE.unauthenticated);
    await stays.say(["ping", 7, []]);
    expect(await stays.socket.first("pong", 7)).toBeDefined();
    stays.socket.close();
  });
});

describe("a connect token", () => {
  const made = async (body: object, key = root): Promise<string> => {
    const { status, body: answer } = await request(server, key, { path: "/v1/connect-tokens", method: "POST", body });
    expect(status).toBe(201);
    return String(answer.token);
  };

  it("[AUTH-8] lets a page in as whom its backend says, once", async () => {
    const token = await made({ sub: "ann", roles: ["reader"] });
    expect(await knock(server.url, token)).toMatchObject({ welcome: { sub: "ann" } });
  });

  it("[S37] [AUTH-8] shown again is turned away, by however many at a time", async () => {
    const token = await made({ sub: "ann" });
    const heard = await Promise.all(Array.from({ length: 20 }, () => knock(server.url, token)));
    expect(heard.filter(({ welcome }) => welcome !== undefined)).toHaveLength(1);
    expect(await read(token)).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  it("[S37] [AUTH-8] shown too late is turned away", async () => {
    const token = await made({ sub: "ann", withinSeconds: 0.001 });
    await new Promise((resolve) => void setImmediate(resolve));
    expect(await knock(server.url, token)).toMatchObject({ error: { code: "unauthenticated" } });
  });

  it("[S37] [AUTH-8] makes no others, and neither do people", async () => {
    const stolen = await made({ sub: "ann", roles: ["service"] });
    for (const token of [stolen, await bySecret()]) {
      const attempt = await request(server, token, {
        path: "/v1/connect-tokens",
        method: "POST",
        body: { sub: "bob" },
      });
      expect(attempt).toMatchObject({ status: 403, code: "denied" });
    }
  });

  it("[S37] [AUTH-8] reaches no further than the key that asked for it", async () => {
    const grants: Grant[] = [{ doc: "note/b*", may: ["open"] }];
    const narrow = keyIn(server.data, { name: "minter", grants, powers: ["tokens"] });
    await until(async () => (await read(narrow, "b")).status !== 401);
    const token = await made({ sub: "ann", roles: ["reader", "service"] }, narrow);
    expect(await read(token)).toMatchObject({ status: 403, code: "denied" });
    const wider = await request(server, narrow, {
      ...{ path: "/v1/connect-tokens", method: "POST" },
      body: { sub: "ann", grants: [{ doc: "note/*", may: ["open"] }] },
    });
    expect(wider).toMatchObject({ status: 403, code: "denied" });
    const asKey = await request(server, root, {
      path: "/v1/connect-tokens",
      method: "POST",
      body: { sub: "key:root" },
    });
    expect(asKey).toMatchObject({ status: 400, code: "invalid_input" });
  });
});

describe("a socket that nobody is known by", () => {
  const DEADLINE_MS = 300;
  let hasty: SecuredServer;
  beforeAll(async () => {
    const authenticate = (): Promise<null> => new Promise(() => undefined);
    hasty = await startSecured({ authenticate, authDeadlineMs: DEADLINE_MS });
  });
  afterAll(() => hasty.close());

  it("[S2] [R16] [HELLO-2] that says nothing is closed in time", async () => {
    expect(await new Stranger(hasty.url).socket.closed).toBe(CLOSE.helloTimeout);
  });

  it("[S2] [R16] that is being asked about for too long is closed in time", async () => {
    const stranger = new Stranger(hasty.url);
    const heard = await stranger.hello("slow");
    expect(heard.closed).toBe(CLOSE.helloTimeout);
  });

  const trickles: readonly [string, (n: number) => Buffer][] = [
    ["a hello, byte by byte", (n) => Buffer.from([n === 0 ? 0x81 : 0xff])],
    ["empty fragments", (n) => Buffer.from([n === 0 ? 0x01 : 0x00, 0x80, 0, 0, 0, 0])],
    ["pings", () => Buffer.from([0x89, 0x80, 0, 0, 0, 0])],
  ];
  for (const [what, bytes] of trickles) {
    it(`[S2] [R16] that trickles ${what} is closed in time`, async () => {
      const tcp = await upgraded(hasty.url);
      let n = 0;
      const trickle = setInterval(() => tcp.write(bytes(n++)), 20);
      tcp.on("error", () => undefined).resume();
      await new Promise((resolve) => void tcp.once("close", resolve));
      clearInterval(trickle);
      expect(n * 20).toBeLessThan(5_000);
    });
  }
});

async function upgraded(url: string): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  const tcp = connectTcp(Number(port), hostname);
  await once(tcp, "connect");
  const lines = [
    ...[`GET ${SOCKET_PATH} HTTP/1.1`, `Host: ${host}`, "Connection: Upgrade", "Upgrade: websocket"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="],
    "Sec-WebSocket-Protocol: tidemark.v1.json",
  ];
  tcp.write(`${lines.join("\r\n")}\r\n\r\n`);
  await once(tcp, "data");
  return tcp;
}

/** The best that somebody has who stole the file: the hash in the form of a key. */
function storedAs(data: string, name: string): string {
  const file = openKeyFile(data, { create: false });
  const stored = file.keys().find((key) => key.name === name);
  file.close();
  return `tmk_${stored?.id ?? ""}_${Buffer.from(stored?.hash ?? []).toString("base64url")}`;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => void setImmediate(resolve));
}
