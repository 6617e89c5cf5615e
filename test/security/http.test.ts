// Attacks over HTTP on a real server, by real sockets. After each, a bystander is served as before.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LIMITS } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RawHttp } from "../support/raw-http.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

const APP = fileURLToPath(new URL("./apps/ledger.ts", import.meta.url));
const SECRET = "user:ann";

let folder: string;
let server: ServerProcess;
let died: Promise<never>;
let total = 0;
const connections = new Set<RawHttp>();

interface Said {
  readonly method?: string;
  readonly as?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

interface Heard {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: { readonly [name: string]: unknown };
}

async function ask(path: string, { method = "GET", as = SECRET, headers = {}, body }: Said = {}): Promise<Heard> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${as}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: text === "" ? {} : JSON.parse(text),
  };
}

const post = (path: string, body?: unknown, said: Said = {}): Promise<Heard> =>
  ask(path, { method: "POST", ...(body === undefined ? {} : { body }), ...said });

function raw(): RawHttp {
  const connection = new RawHttp(server.url);
  connections.add(connection);
  return connection;
}

const head = (path: string, lines: readonly string[] = [], as = SECRET): string =>
  [
    `POST ${path} HTTP/1.1`,
    "Host: x",
    `Authorization: Bearer ${as}`,
    "Content-Type: application/json",
    ...lines,
    "",
    "",
  ].join("\r\n");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  const args = ["--http-rate", "100", "--log", "debug"];
  server = await startServerProcess({ app: APP, data: join(folder, "test.db"), args });
  died = once(server.process, "exit").then(() => Promise.reject(new Error(`the server died: ${server.stderr()}`)));
  died.catch(() => undefined);
  await post("/v1/docs/ledger/eve-1", undefined, { as: "user:eve" });
  await post("/v1/docs/ledger/ann-1");
});

afterEach(async () => {
  for (const connection of connections) connection.close();
  connections.clear();
  const as = "user:eve";
  total += 1;
  const added = post("/v1/docs/ledger/eve-1/add", { by: 1 }, { as });
  expect(await Promise.race([added, died])).toMatchObject({ status: 200, body: { result: total } });
});

afterAll(async () => {
  await server.kill("SIGTERM");
  rmSync(folder, { recursive: true });
});

describe("bodies", () => {
  it("[S31] a body that announces a gigabyte is refused before it comes", async () => {
    const attack = raw();
    await attack.send(head("/v1/docs/ledger/ann-1/add", [`Content-Length: ${2 ** 30}`]));
    const { status, body } = await attack.answer();
    expect([status, JSON.parse(body)]).toMatchObject([413, { code: "too_large" }]);
    await attack.closed;
  });

  it("[S31] a body without an end is refused where the limit is", async () => {
    const attack = raw();
    await attack.send(head("/v1/docs/ledger/ann-1/add", ["Transfer-Encoding: chunked"]));
    const chunk = `10000\r\n${"x".repeat(0x1_00_00)}\r\n`;
    for (let chunks = 0; chunks < 64; chunks += 1) await attack.send(chunk);
    // The answer may be lost when a connection is closed that still sends.
    expect(["HTTP/1.1 413", ""]).toContain((await attack.closed).slice(0, 12));
    expect((await ask("/v1/docs/ledger/ann-1")).body.seq).toBe(1);
  });

  it("[S3] without a token not a byte of a body is awaited", async () => {
    const attack = raw();
    await attack.send(head("/v1/docs/ledger/ann-1/add", [`Content-Length: ${LIMITS.inputBytesMax}`], "forged"));
    expect(await attack.answer()).toMatchObject({ status: 401 });
    await attack.closed;
  });

  it("[S3] bodies that never come hold up their sender only, and no more than its share", async () => {
    const share = LIMITS.httpBodyBytesPerPrincipalMax / LIMITS.inputBytesMax;
    const slow = Array.from({ length: share + 5 }, () => raw());
    const lines = [`Content-Length: ${LIMITS.inputBytesMax}`];
    for (const attack of slow) await attack.send(`${head("/v1/docs/ledger/mal-1/add", lines, "user:mal")}{`);
    const refused = await Promise.all(slow.slice(share).map((attack) => attack.answer()));
    for (const { status, body } of refused) {
      expect([status, JSON.parse(body)]).toMatchObject([429, { code: "limit_reached" }]);
    }
    expect(slow.slice(0, share).map(({ received }) => received)).toEqual(Array(share).fill(""));
    expect((await ask("/v1/docs/ledger/ann-1")).status).toBe(200);
  });

  it.each([
    ["Content-Length: 5", "Content-Length: 6"],
    ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked, identity"],
    ["Transfer-Encoding: xchunked"],
    ["Content-Length: -1"],
    ["Content-Length: 0x10"],
  ])("[S30] lengths that two servers would read differently smuggle nothing: %s %s", async (...lines) => {
    const before = (await ask("/v1/docs/ledger/ann-1")).body.seq;
    const attack = raw();
    const smuggled = `${head("/v1/docs/ledger/ann-1/add", ["Content-Length: 10"])}{"by":1000}`;
    await attack.send(`${head("/v1/docs/ledger/ann-1/missing", lines)}0\r\n\r\n${smuggled}`);
    const all = await attack.closed;
    expect(all).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask("/v1/docs/ledger/ann-1")).body.seq).toBe(before);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "",
  ])("[S1] what a page can send without asking is not read: %s", async (type) => {
    const body = '{"by":1000}';
    expect(await post("/v1/docs/ledger/ann-1/add", body, { headers: { "content-type": type } })).toMatchObject({
      status: 415,
    });
  });
});

describe("slowness", () => {
  it("[S3] headers that trickle keep nobody else waiting", async () => {
    const slow = Array.from({ length: 200 }, () => raw());
    await Promise.all(slow.map((attack) => attack.send("POST /v1/docs/ledger/ann-1/add HTTP/1.1\r\nX-A: ")));
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(slow.map((attack) => attack.send("x")));
      expect((await ask("/v1/docs/ledger/ann-1")).status).toBe(200);
    }
  });

  it("[S35] who asks for much and reads nothing takes its own share and no other's", async () => {
    const as = "user:fay";
    await post("/v1/docs/ledger/fay-1", undefined, { as });
    for (const name of ["a", "b", "c"]) {
      const value = "x".repeat(900_000);
      expect(await post("/v1/docs/ledger/fay-1/note", { name, value }, { as })).toMatchObject({ status: 200 });
    }
    const attack = raw();
    attack.pause();
    const request = `GET /v1/docs/ledger/fay-1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${as}\r\n\r\n`;
    await attack.send(request.repeat(400));
    const before = residentBytes();
    for (let time = 0; time < 20; time += 1) expect((await ask("/v1/docs/ledger/ann-1")).status).toBe(200);
    // 400 answers would be more than a gigabyte.
    expect(residentBytes() - before).toBeLessThan(400_000_000);
    // When it has gone, answers that still waited for their turn on its connection hold nothing any more.
    const all = { calls: Array.from({ length: 100 }, () => ({ doc: "ledger/fay-1", name: "total" })) };
    attack.close();
    await expect.poll(async () => (await post("/v1/batch", all, { as })).status, { timeout: 5_000 }).toBe(200);
    expect((await ask("/v1/docs/ledger/fay-1", { as })).status).toBe(200);
  });

  it("[S31] headers larger than any need to be are refused", async () => {
    const attack = raw();
    await attack.send(`GET /v1/whoami HTTP/1.1\r\nHost: x\r\nX-A: ${"x".repeat(40_000)}\r\n\r\n`);
    expect(await attack.closed).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe("replays", () => {
  const key = { headers: { "idempotency-key": "0192f0c4-1234-4000-8000-0123456789ab" } };

  it("[S26] fifty copies at once are applied once, and answered alike", async () => {
    const before = (await post("/v1/docs/ledger/ann-1/total")).body.result;
    const copies = await Promise.all(
      Array.from({ length: 50 }, () => post("/v1/docs/ledger/ann-1/add", { by: 7 }, key)),
    );
    expect(new Set(copies.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    expect((await post("/v1/docs/ledger/ann-1/total")).body.result).toBe(Number(before) + 7);
  });

  it("[S26] the same key with another body is refused, and says nothing of the first", async () => {
    const answer = await post("/v1/docs/ledger/ann-1/add", { by: 8 }, key);
    expect(answer).toMatchObject({ status: 422, body: { code: "id_reused", outcome: "rejected" } });
    expect(answer.body).not.toHaveProperty("data");
    expect(answer.body).not.toHaveProperty("result");
  });

  it("[S26] somebody else's key brings nobody their answer", async () => {
    const answer = await post("/v1/docs/ledger/ann-1/add", { by: 7 }, { ...key, as: "user:mal" });
    expect(answer).toMatchObject({ status: 403, body: { code: "denied" } });
  });

  it("[S26] a key whose time is made up is applied never, or once", async () => {
    for (const uuid of ["00000000-0000-7000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"]) {
      const answers = [];
      for (let time = 0; time < 2; time += 1) {
        const said = { headers: { "idempotency-key": uuid } };
        answers.push((await post("/v1/docs/ledger/ann-1/add", { by: 1 }, said)).body.code);
      }
      expect(answers).toEqual([answers[0], answers[0]]);
      expect(["expired", "invalid_input"]).toContain(answers[0]);
    }
  });
});

describe("other people's documents", () => {
  it("[S9] look like absent ones, byte by byte", async () => {
    const requests = (id: string): string[] => {
      const doc = `/v1/docs/ledger/${id}`;
      const get = (path: string, line: string) =>
        `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user:mal\r\n${line}Connection: close\r\n\r\n`;
      const call = (path: string, body: string) =>
        `${head(path, [`Content-Length: ${body.length}`, "Connection: close"], "user:mal")}${body}`;
      return [
        get(doc, ""),
        get(doc, "If-None-Match: *\r\n"),
        get(`${doc}?at-least=1&wait=0`, ""),
        get(`${doc}?seq=1`, ""),
        get(`${doc}/history`, ""),
        call(doc, ""),
        call(`${doc}/add`, '{"by":1}'),
        call(`${doc}/add`, '{"by":"wrong"}'),
        call(`${doc}/total`, "null"),
        get(doc, "").replace("GET", "DELETE"),
        call(
          "/v1/batch",
          JSON.stringify({ calls: [{ doc: `ledger/${id}`, name: "add", input: { by: 1 }, ifSeq: 3 }] }),
        ),
      ];
    };
    const seen = (id: string) =>
      Promise.all(
        requests(id).map(async (request) => {
          const connection = raw();
          await connection.send(request);
          return (await connection.closed).replace(/^date: .*$/im, "");
        }),
      );
    const [theirs, absent] = [await seen("ann-1"), await seen("ann-9")];
    expect(theirs).toEqual(absent);
    for (const answer of theirs) expect(answer).toContain('"denied"');
  });
});

describe("names that mean something elsewhere", () => {
  const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];

  it.each(NAMES)("[S12] %s is a type, a key, a message, a parameter like any other", async (name) => {
    for (const [path, status] of [
      [`/v1/docs/${name}/x`, 404],
      [`/v1/docs/${name}`, 404],
      [`/v1/docs/ledger/${name}`, 403],
      [`/v1/docs/ledger/ann-1?${name}=1`, 400],
      [`/v1/docs/ledger/ann-1?params={"${name}":1}`, 400],
    ] as const) {
      expect([path, (await ask(path)).status]).toEqual([path, status]);
    }
    expect((await post(`/v1/docs/ledger/ann-1/${name}`)).body.code).toBe("unknown_message");
    expect((await ask("/v1/docs/ledger/ann-1", { headers: { [name]: "1" } })).status).toBe(200);
  });

  it.each(NAMES)("[S12] %s in an input pollutes nothing", async (name) => {
    const input = `{"name":"n","value":{"${name}":{"polluted":true}}}`;
    const answer = await post("/v1/docs/ledger/ann-1/note", input);
    expect(answer.status).toBe(name === "__proto__" ? 400 : 200);
    const asName = await post("/v1/docs/ledger/ann-1/note", { name, value: { polluted: true } });
    expect(asName.status).toBe(name === "__proto__" ? 500 : 200);
    const { state } = (await ask("/v1/docs/ledger/eve-1", { as: "user:eve" })).body;
    expect(state).toEqual({ owner: "eve", total, notes: {} });
    expect((await ask("/v1/whoami")).body).not.toHaveProperty("polluted");
  });

  it.each([
    "x'; DROP TABLE docs; --",
    "ann-1' OR '1'='1",
    'ann-1" UNION SELECT * FROM receipts --',
    "%",
    "_",
    "ann-1\u0000",
    "../../etc/passwd",
    "..",
    "ann-1/../eve-1",
  ])("[S25] SQL and paths in ids are no ids: %s", async (id) => {
    const answer = await ask(`/v1/docs/ledger/${encodeURIComponent(id)}`);
    expect([400, 403, 404]).toContain(answer.status);
    const after = await ask(`/v1/docs/ledger?after=${encodeURIComponent(id)}`);
    expect(after.status).toBe(200);
    expect((await ask("/v1/docs/ledger/ann-1")).status).toBe(200);
  });
});

describe("the log", () => {
  it("[S24] [S7] is one JSON object a line, whatever is sent, without tokens and inputs", async () => {
    const forged = '\n{"level":50,"msg":"forged"}\n';
    const path = encodeURIComponent(forged);
    await ask(`/v1/docs/ledger/${path}`);
    await ask(`/v1/docs/${path}/x`);
    await post(`/v1/docs/ledger/ann-1/${path}`);
    await post("/v1/docs/ledger/ann-1/fail", forged);
    await post("/v1/docs/ledger/ann-1/fail", undefined, { headers: { "idempotency-key": "secret-key-of-ann" } });
    await ask("/v1/whoami", { as: "forged-token" });
    await ask(`/v1/whoami?token=${SECRET}`);
    await ask("/v1/whoami", { headers: { "x-forwarded-for": "1.2.3.4", "user-agent": "forged-agent" } });
    const lines = server
      .stderr()
      .split("\n")
      .filter((line) => line !== "");
    for (const line of lines) expect(typeof JSON.parse(line).level).toBe("number");
    expect(server.stderr()).toContain("the application failed");
    for (const word of [SECRET, "forged", "secret-key-of-ann"]) expect(server.stderr()).not.toContain(word);
  });
});

describe("floods", () => {
  it("[S21] of new documents are cut off at the rate of their sender; others create as before", async () => {
    const as = "user:flo";
    const flood = await Promise.all(
      Array.from({ length: 1_500 }, (_, n) => post(`/v1/docs/ledger/flo-${n}`, undefined, { as })),
    );
    const refused = flood.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(100);
    for (const { headers, body } of refused) {
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
      expect(["rate_limited", "limit_reached"]).toContain(body.code);
    }
    expect((await post(`/v1/docs/ledger/ann-${total}`)).status).toBe(201);
  });

  it("[S21] of batches count each call", async () => {
    const as = "user:gus";
    const calls = Array.from({ length: 100 }, (_, n) => ({ doc: `ledger/gus-${n}`, create: true }));
    const statuses = [];
    for (let time = 0; time < 20; time += 1) statuses.push((await post("/v1/batch", { calls }, { as })).status);
    expect(statuses).toContain(429);
  });

  it("[S21] of forged tokens reach nobody's documents", async () => {
    const forged = await Promise.all(
      Array.from({ length: 500 }, (_, n) => ask("/v1/docs/ledger/ann-1", { as: `x${n}` })),
    );
    expect(new Set(forged.map(({ status }) => status))).toEqual(new Set([401]));
  });
});

function residentBytes(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
}
