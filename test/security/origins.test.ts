// Pages of other sites, with all that a browser would let them send, on a real server by real sockets.
import { fileURLToPath } from "node:url";
import { CLOSE } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AttackedServer, helloOf } from "../support/attacked-server.js";
import { ask } from "../support/raw-frames.js";

const APP = fileURLToPath(new URL("./apps/ledger.ts", import.meta.url));
const FRIEND = "https://friend.example:8443";

let attacked: AttackedServer;
let own: string;
beforeAll(async () => {
  attacked = await AttackedServer.start({ app: APP, args: ["--origins", FRIEND] });
  own = attacked.url;
});
afterEach(() => attacked.after());
afterAll(() => attacked.stop());

const STRANGERS: readonly (readonly [what: string, lines: () => readonly string[]])[] = [
  ["another site", () => ["Origin: https://evil.example"]],
  ["a page without an origin, as sandboxed ones are", () => ["Origin: null"]],
  ["nowhere", () => ["Origin: "]],
  ["anywhere", () => ["Origin: *"]],
  ["the friend by another port", () => ["Origin: https://friend.example"]],
  ["the friend without TLS", () => ["Origin: http://friend.example:8443"]],
  ["the friend in capitals", () => ["Origin: https://FRIEND.example:8443"]],
  ["a name that begins like the friend's", () => [`Origin: ${FRIEND}.evil.example`]],
  ["a name that ends like the friend's", () => ["Origin: https://not-friend.example:8443"]],
  ["a name below the friend's", () => ["Origin: https://www.friend.example:8443"]],
  ["the friend as somebody's password", () => ["Origin: https://friend.example:8443@evil.example"]],
  ["a name that begins like ours", () => [`Origin: ${own}.evil.example`]],
  ["ours by another port", () => ["Origin: http://127.0.0.1:1"]],
  ["two places, one of them the friend's", () => [`Origin: ${FRIEND}`, "Origin: https://evil.example"]],
  ["a list with the friend", () => [`Origin: ${FRIEND} https://evil.example`]],
  [
    "a site that says a proxy called us by its name",
    () => ["Origin: https://evil.example", "X-Forwarded-Host: evil.example"],
  ],
];

describe("a page of", () => {
  it.each(STRANGERS)("[S1] %s gets no socket, and its cookies are nothing", async (_what, lines) => {
    const headers = [...lines(), "Cookie: token=user:ann; session=user:ann"];
    const { answer, tcp } = await ask(own, { headers });
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(answer.toLowerCase()).not.toMatch(/set-cookie|upgrade:|sec-websocket-accept/);
    tcp.destroy();
  });

  it.each([
    ["GET", "/v1/whoami"],
    ["GET", "/v1/docs/ledger/eve-1"],
    ["POST", "/v1/docs/ledger/eve-1/add"],
    ["POST", "/v1/batch"],
    ["POST", "/v1/calls"],
    ["POST", "/v1/stream"],
    ["POST", "/v1/poll"],
    ["DELETE", "/v1/docs/ledger/eve-1"],
    ["OPTIONS", "/v1/docs/ledger/eve-1/add"],
  ])("[S1] another site may not ask by HTTP, even with a token it has: %s %s", async (method, path) => {
    const answer = await fetch(`${own}${path}`, {
      method,
      headers: {
        ...{ origin: "https://evil.example", authorization: "Bearer user:eve", "content-type": "application/json" },
        ...{ "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
      },
      ...(method === "POST" ? { body: "{}" } : {}),
    });
    expect(answer.status).toBe(403);
    for (const name of ["access-control-allow-origin", "access-control-allow-credentials", "set-cookie"])
      expect(answer.headers.get(name)).toBeNull();
  });

  it("[S1] a site that may come is told so by name, and never with cookies", async () => {
    for (const origin of [FRIEND, own]) {
      const { answer, tcp } = await ask(own, { headers: [`Origin: ${origin}`] });
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      tcp.destroy();
    }
    const answer = await fetch(`${own}/v1/whoami`, { headers: { origin: FRIEND, authorization: "Bearer user:eve" } });
    expect(answer.headers.get("access-control-allow-origin")).toBe(FRIEND);
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    expect(answer.headers.get("vary")).toContain("Origin");
  });
});

describe("a socket", () => {
  it.each([
    ["a cookie", { headers: ["Cookie: token=user:ann"] }],
    ["a token in its address", { path: "/v1/socket?token=user:ann&access_token=user:ann" }],
    ["a token in its headers", { headers: ["Authorization: Bearer user:ann"] }],
  ])("[S1] [S7] with %s is nobody's until a token is said in it", async (_what, asking) => {
    const socket = await attacked.socket(asking);
    await socket.say(helloOf(undefined));
    expect(await socket.closed).toBe(CLOSE.unauthenticated);
    expect(socket.of("welcome")).toEqual([]);
  });

  it.each([
    ["POST", ["Upgrade: websocket"]],
    ["another version", ["Sec-WebSocket-Version: 8"]],
    ["no key", ["Sec-WebSocket-Key: "]],
    ["a key that is too short", ["Sec-WebSocket-Key: AAAA"]],
    ["another protocol", ["Sec-WebSocket-Protocol: graphql-ws"]],
    ["another upgrade", ["Upgrade: h2c"]],
  ] as const)("[S1] is not made by a handshake that is none: %s", async (what, headers) => {
    const { answer, tcp } = await ask(own, what === "POST" ? { path: "/v1/docs/ledger/eve-1" } : { headers });
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    tcp.destroy();
  });
});
