// An edge and its server as processes of their own: what readers are told when either is killed, and what it refuses.
import { join } from "node:path";
import { connect, type Tide } from "@tidemark/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventReader } from "../support/event-reader.js";
import type { app } from "./apps/counter.js";
import { type Command, ROOT, Workplace } from "./cli/command-line.js";

const SECRET = "a secret of at least thirty-two bytes, for tests\n";

let place: Workplace;
let server: Command;
let serverUrl: string;
let edge: Command;
let url: string;
let token: string;
const tides: Tide<typeof app>[] = [];
const readers: EventReader[] = [];

async function serve(port = "0"): Promise<void> {
  const args = [join(ROOT, "test/e2e/apps/counter.ts"), "--port", port, "--ping-ms", "500"];
  server = place.start(["serve", ...args, "--jwt-secret", "secret.txt", "--connections-max", "100"]);
  [serverUrl = ""] = await server.said(/http:\/\/[\d.:]+/);
}

async function startEdge(port = "0"): Promise<void> {
  edge = place.start(["edge", "--server", serverUrl, "--port", port]);
  [, url = ""] = await edge.said(/at (http:\/\/[\d.:]+)/);
}

beforeEach(async () => {
  place = new Workplace();
  place.write("secret.txt", SECRET);
  await serve();
  await startEdge();
  const { stdout } = await place.run(["token", "--sub", "ann", "--jwt-secret", "secret.txt"]);
  token = stdout.trim();
});

afterEach(async () => {
  for (const tide of tides.splice(0)) tide.close();
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
  await place.close();
});

interface Saying {
  readonly method?: string;
  readonly body?: unknown;
  readonly as?: string | undefined;
  readonly headers?: Record<string, string>;
}

const ask = (path: string, { method = "GET", body, as = token, headers = {} }: Saying = {}): Promise<Response> =>
  fetch(`${url}/v1${path}`, {
    method,
    headers: {
      ...(as === "" ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

const post = (path: string, body?: unknown, saying: Saying = {}): Promise<Response> =>
  ask(path, { method: "POST", body, ...saying });

async function follow(path = "/docs/counter/a/stream", saying: Saying = {}): Promise<EventReader> {
  const response = await ask(path, saying);
  expect(response.status).toBe(200);
  const reader = new EventReader(response);
  readers.push(reader);
  return reader;
}

const refused = async (answer: Promise<Response>): Promise<unknown> => {
  const response = await answer;
  return [response.status, (await response.json()).code];
};

function client(): Tide<typeof app> {
  const tide = connect<typeof app>({ url, token, transport: "http" });
  tides.push(tide);
  return tide;
}

describe("an edge", () => {
  it("[EDGE-1] [R1] [R3] [R6] a client of it goes on when the edge, and then the server, was killed with -9", async () => {
    const doc = client().open("counter", "a", { create: true });
    const events: number[] = [];
    doc.on("added", ({ by }) => events.push(by));
    expect(await doc.send.add({ by: 1 })).toBe(1);
    const { port } = new URL(url);
    await edge.end("SIGKILL");
    const sent = doc.send.add({ by: 2 });
    await startEdge(port);
    expect(await sent).toBe(3);
    await server.end("SIGKILL");
    const late = doc.send.add({ by: 3 });
    await serve(new URL(serverUrl).port);
    expect(await late).toBe(6);
    expect(events).toEqual([1, 2, 3]);
    expect(doc.state?.value).toBe(6);
  }, 30_000);

  it("[EDGE-1] [SSE-2] [R3] a stream of events that was cut goes on at another edge", async () => {
    expect((await post("/docs/counter/a")).status).toBe(201);
    const first = await follow();
    const { id = "" } = await first.next("snapshot");
    await edge.end("SIGKILL");
    await first.ended;
    await startEdge();
    expect((await post("/docs/counter/a/add", { by: 5 })).status).toBe(200);
    const second = await follow(undefined, { headers: { "last-event-id": id } });
    const { data } = await second.next("patch");
    expect(data.events).toMatchObject([{ name: "added", data: { by: 5 } }]);
    expect(second.events.some(({ kind }) => kind === "snapshot")).toBe(false);
  }, 20_000);

  it("[EDGE-1] [SSE-2] [R1] [R3] a stream of events goes on at the same edge when the server was killed with -9", async () => {
    expect((await post("/docs/counter/a")).status).toBe(201);
    const first = await follow();
    await first.next("snapshot");
    expect((await post("/docs/counter/a/add", { by: 5 })).status).toBe(200);
    const { id = "" } = await first.next("patch");
    // Acknowledged, and perhaps not told any more.
    expect((await post("/docs/counter/a/add", { by: 6 })).status).toBe(200);
    await server.end("SIGKILL");
    await first.ended;
    await serve(new URL(serverUrl).port);
    expect((await post("/docs/counter/a/add", { by: 7 })).status).toBe(200);
    const second = await follow(undefined, { headers: { "last-event-id": id } });
    const { data } = await second.next("patch");
    expect(data.events.map((event: { data: unknown }) => event.data)).toEqual([{ by: 6 }, { by: 7 }]);
    expect(second.events.some(({ kind }) => kind === "snapshot")).toBe(false);
    const { stdout, stderr } = await edge.end("SIGTERM");
    expect(`${stdout}${stderr}`).not.toContain(token);
  }, 20_000);

  it("[EDGE-2] [R16] [R17] refuses what the server refuses, in its words", async () => {
    await post("/docs/counter/a");
    for (const as of ["nonsense", `${token}x`])
      for (const path of ["/docs/counter/a/stream", "/docs/counter/a?after=", "/docs/counter/a"])
        expect([path, await refused(ask(path, { as }))]).toEqual([path, [401, "unauthenticated"]]);
    expect(await refused(ask("/docs/counter/a/stream", { as: "" }))).toEqual([401, "unauthenticated"]);
    expect(await refused(ask("/docs/counter/absent/stream"))).toEqual([404, "not_found"]);
    expect(await refused(ask("/docs/counter/absent"))).toEqual([404, "not_found"]);
    expect(await refused(ask("/docs/counter/a?after=1"))).toEqual([400, "invalid_input"]);
    const hello = ["hello", { v: 1, client: "ab".repeat(16), conn: 1, sdk: "test/1", caps: [] }];
    expect(await refused(post("/stream", [hello], { as: "nonsense" }))).toEqual([401, "unauthenticated"]);
    expect(await refused(post("/stream", [["open", { s: 1, doc: "counter/a" }]]))).toEqual([400, "protocol_error"]);
  });

  it("[EDGE-2] [TICKET-1] makes tickets for tokens that the server knows, each good once at one document", async () => {
    await post("/docs/counter/a");
    const { ticket } = await (await post("/tickets", { doc: "counter/a" })).json();
    const reader = await follow(`/docs/counter/a/stream?ticket=${ticket}`, { as: "" });
    expect((await reader.next("snapshot")).data.seq).toBe(1);
    const again = ask(`/docs/counter/a/stream?ticket=${ticket}`, { as: "" });
    expect(await refused(again)).toEqual([401, "unauthenticated"]);
    expect(await refused(post("/tickets", { doc: "counter/a" }, { as: "nonsense" }))).toEqual([401, "unauthenticated"]);
    expect(await refused(post("/tickets", { doc: "counter" }))).toEqual([400, "invalid_input"]);
  });

  it("[EDGE-2] says that a server cannot be reached, and to come back", async () => {
    await post("/docs/counter/a");
    const reader = await follow();
    await server.end("SIGKILL");
    await reader.ended;
    expect(reader.last).toMatchObject({ kind: "end", data: { retry: "reconnect" } });
    expect(await refused(ask("/docs/counter/a/stream"))).toEqual([504, "connection_lost"]);
    expect(await refused(ask("/docs/counter/a"))).toEqual([503, "draining"]);
    expect(await refused(post("/docs/counter/a/add", { by: 1 }))).toEqual([503, "draining"]);
    expect(await refused(post("/tickets", { doc: "counter/a" }))).toEqual([503, "draining"]);
  });

  it("[EDGE-1] [CLOSE-4] sends its readers away when it is told to stop, and ends with 0", async () => {
    await post("/docs/counter/a");
    const reader = await follow();
    const { code } = await edge.end("SIGTERM");
    await reader.ended;
    expect(code).toBe(0);
    expect(reader.last?.data).toEqual({ code: "draining", retry: "reconnect" });
  });

  it("[EDGE-2] names of dev are not taken through it", async () => {
    const dev = place.start([
      "dev",
      join(ROOT, "test/e2e/apps/counter.ts"),
      "--port",
      "0",
      "--no-watch",
      "--data",
      "dev.db",
    ]);
    const [devUrl = ""] = await dev.said(/http:\/\/[\d.:]+/);
    await edge.end("SIGTERM");
    serverUrl = devUrl;
    await startEdge();
    expect((await fetch(`${devUrl}/v1/whoami`, { headers: { authorization: "Bearer dev:ann" } })).status).toBe(200);
    for (const path of ["/whoami", "/docs/counter/a/stream", "/docs/counter/a?after="])
      expect(await refused(ask(path, { as: "dev:ann" }))).toEqual([401, "unauthenticated"]);
  });

  it("refuses a wrong command line, and settings that are unsafe", async () => {
    const cases = [
      [["edge"], 2, /--server <url>/],
      [["edge", "--server", "nowhere"], 2, /must be an address such as/],
      [["edge", "--server", serverUrl, "--port", new URL(url).port], 1, /port \d+ on 127\.0\.0\.1 is in use/],
      [["edge", "--server", serverUrl, "--port", "0", "--host", "0.0.0.0"], 1, /in the clear/],
    ] as const;
    for (const [args, code, says] of cases) {
      const ended = await place.run(args);
      expect([args, ended.code, ended.stderr]).toEqual([args, code, expect.stringMatching(says)]);
    }
  });
});
