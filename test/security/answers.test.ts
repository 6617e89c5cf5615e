// What a server says, writes and listens to while it is attacked: caches, logs, ports, and text that means something to whoever
// reads it later. A real server process, real sockets.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CLOSE, type Json } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AttackedServer, helloOf } from "../support/attacked-server.js";
import { RawHttp } from "../support/raw-http.js";

const APP = fileURLToPath(new URL("./apps/ledger.ts", import.meta.url));
const AS_ANN = { authorization: "Bearer user:ann", "content-type": "application/json" };

let attacked: AttackedServer;
beforeAll(async () => {
  attacked = await AttackedServer.start({ app: APP, args: ["--log", "debug"] });
});
afterEach(() => attacked.after());
afterAll(() => attacked.stop());

const call = (n: number, target: Json, name: string, input: Json): Json => [
  "c",
  n,
  target,
  name,
  input,
  { born: Date.now() },
];

describe("caches on the way", () => {
  const frame = (open: string): string =>
    JSON.stringify([
      ["hello", { v: 1, client: "1".repeat(32), conn: 1, sdk: "x", caps: [] }],
      ["open", { s: 1, doc: open }],
    ]);
  const requests: readonly (readonly [method: string, path: string, body: string | undefined])[] = [
    ["POST", "/v1/docs/ledger/ann-9", undefined],
    ["GET", "/v1/docs/ledger/ann-9", undefined],
    ["GET", "/v1/docs/ledger/ann-9?seq=1", undefined],
    ["GET", "/v1/docs/ledger/ann-9/history", undefined],
    ["GET", "/v1/docs/ledger", undefined],
    ["GET", "/v1/docs/ledger/eve-1", undefined],
    ["GET", "/v1/docs/nothing/x", undefined],
    ["GET", "/v1/docs/ledger/a%20b", undefined],
    ["POST", "/v1/docs/ledger/ann-9/add", '{"by":1}'],
    ["POST", "/v1/docs/ledger/ann-9/add", "no json"],
    ["POST", "/v1/docs/ledger/ann-9/fail", undefined],
    ["POST", "/v1/batch", '{"calls":[{"doc":"ledger/ann-9","name":"total"}]}'],
    ["GET", "/v1/whoami", undefined],
    ["GET", "/v1/channels/x", undefined],
    ["POST", "/v1/poll", frame("ledger/ann-9")],
    ["POST", "/v1/stream", frame("ledger/ann-9")],
    ["GET", "/v1/socket", undefined],
    ["GET", "/v1/nothing", undefined],
    ["DELETE", "/v1/docs/ledger/ann-9", undefined],
  ];

  it.each(requests)("[S27] keep nothing of %s %s, and guess no other type of it", async (method, path, body) => {
    const stop = new AbortController();
    const init = { method, headers: AS_ANN, signal: stop.signal, ...(body === undefined ? {} : { body }) };
    const answer = await fetch(`${attacked.url}${path}`, init);
    expect(answer.headers.get("cache-control")).toMatch(/^no-store/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-type") ?? "").not.toMatch(/html|javascript/);
    stop.abort();
  });

  it("[S27] are not told that an answer to somebody is right for somebody else", async () => {
    const etag = (
      await fetch(`${attacked.url}/v1/docs/ledger/eve-1`, { headers: { authorization: "Bearer user:eve" } })
    ).headers.get("etag");
    const headers = { ...AS_ANN, "if-none-match": etag ?? "", "if-modified-since": new Date().toUTCString() };
    expect(etag).toBeTruthy();
    expect((await fetch(`${attacked.url}/v1/docs/ledger/eve-1`, { headers })).status).toBe(403);
  });
});

describe("the log", () => {
  /** Ends a line, forges one, and tells a terminal to hide it all. */
  const FORGED = '\r\n{"level":50,"msg":"forged"}\n\u001b[2J\u001b]0;forged\u0007\u2028\u0000\u202e';

  it("[S24] has one line of JSON for each entry, whatever names and tokens hold", async () => {
    const before = attacked.server.stderr().length;
    for (const token of [FORGED, `user:${FORGED}`]) {
      const socket = await attacked.socket();
      await socket.say(helloOf(token, { sdk: FORGED.slice(0, 60) }));
      await Promise.race([socket.hears("welcome"), socket.closed]);
    }
    const socket = await attacked.enter(FORGED);
    await socket.say(["open", { s: 1, doc: `ledger/${FORGED}` }], ["open", { s: 2, doc: FORGED }]);
    await socket.say(call(1, `ledger/${FORGED}`, "add", FORGED), call(2, "$", FORGED, FORGED));
    await socket.say(call(3, "ledger/x", FORGED, FORGED), ["ping", 1, [], { stats: { [FORGED]: 1 } }]);
    await socket.hears("ended", 2);
    await socket.answer(3);
    const owner = await attacked.owner("log");
    await owner.say(["c", 1, 1, "fail", null, { born: Date.now(), trace: FORGED.slice(0, 60) }]);
    expect(await owner.answer(1)).toMatchObject(["no", 1, "handler_failed", expect.anything(), expect.anything()]);
    const bad = await attacked.enter("mal");
    await bad.say([FORGED]);
    expect(await bad.closed).toBe(CLOSE.protocolError);
    const log = attacked.server.stderr().slice(before);
    expect(log).toContain("the application failed");
    for (const line of log.split("\n").filter((text) => text !== ""))
      expect(typeof JSON.parse(line).level).toBe("number");
    // Nothing that a terminal would obey.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(log).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u2028\u202e]/);
    expect(log).not.toContain('"msg":"forged"');
  });
});

describe("the database", () => {
  const SQL = [
    "x'; DROP TABLE docs; --",
    "ann-1' OR '1'='1",
    'ann-1" UNION SELECT * FROM receipts --',
    "ann-1); DELETE FROM segments; --",
    "%",
    "a_%",
    "ann-1\u0000",
  ];

  it.each(SQL)("[S25] takes %j for a name, whoever and whatever it names", async (name) => {
    // As a subject it is one, with documents and receipts like anybody's.
    const socket = await attacked.enter(name);
    await socket.say(["open", { s: 1, doc: `ledger/${name}` }], call(1, `ledger/${name}`, "add", { by: 1 }));
    await socket.say(
      call(2, "$", "create", { doc: `ledger/${name}` }),
      call(3, "$", "list", { type: "ledger", after: name }),
    );
    await socket.say(call(4, "$", "list", { type: name }), call(5, "$", "list", { type: "ledger", limit: 1e300 }));
    expect(Reflect.get(Object((await socket.hears("ended"))[0]?.[1]), "code")).toBe("invalid_key");
    expect((await socket.answer(1))[2]).toBe("invalid_key");
    expect((await socket.answer(2))[2]).toBe("invalid_key");
    expect((await socket.answer(3))[0]).toBe("ok");
    expect((await socket.answer(4))[2]).toBe("unknown_type");
    expect((await socket.answer(5))[0]).toBe("ok");
    const owner = await attacked.owner("sql");
    await owner.say(call(1, 1, "note", { name, value: name }));
    expect((await owner.answer(1))[0]).toBe("ok");
    const again = await attacked.owner("sql");
    expect(Reflect.get(Object((await again.hears("snap"))[0]?.[4]), "notes")).toMatchObject({ [name]: name });
  });
});

describe("the process", () => {
  it("[S28] listens on its one port, to nobody else", () => {
    const { pid, url } = attacked.server;
    const files = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
    const own = new Set(files.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
    const listening = ["tcp", "tcp6", "udp", "udp6"].flatMap((kind) =>
      readFileSync(`/proc/${pid}/net/${kind}`, "utf8")
        .split("\n")
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => own.has(fields[9] ?? "") && (fields[3] === "0A" || kind.startsWith("udp")))
        .map((fields) => fields[1] ?? ""),
    );
    const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, "0");
    expect(listening).toEqual([`0100007F:${port}`]);
  });

  it.each([
    ["TLS", Buffer.from("160301020001000001fc0303", "hex")],
    ["HTTP/2", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
    ["PostgreSQL", Buffer.from("0000000804d2162f", "hex")],
    ["a peer of a cluster", Buffer.from('[["hello",{"v":1,"peer":true}]]\n')],
    ["a frame without a handshake", Buffer.from("818412345678494b0c25", "hex")],
    ["a method without an end", Buffer.from("A".repeat(100_000))],
  ])("[S28] tells whoever speaks %s that it does not, and goes on", async (_what, bytes) => {
    const connection = new RawHttp(attacked.url);
    await connection.send(bytes);
    await connection.send("\r\n\r\n");
    const heard = await connection.closed;
    expect(heard === "" || /^HTTP\/1\.1 4\d\d /.test(heard)).toBe(true);
  });
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed since it was listed.
    return "";
  }
}
