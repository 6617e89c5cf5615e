// What an edge holds for its readers: it ends with the right that it rests on, and is no more for a reader who does not read
// than a server would hold. Edges as processes, and their ends, are in test/e2e/edge.test.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@tidemark/client";
import { applyJsonPatch, type Json } from "@tidemark/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { type RunningEdge, startEdge } from "../../../src/edge.js";
import { makeLogger } from "../../../src/observability/logger.js";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import { serve } from "../../../src/serve.js";
import { EventReader, eventIn, type HeardEvent } from "../../support/event-reader.js";
import { claimsFor, signedBy } from "../../support/key-set.js";
import { keyIn, request, startSecured } from "../../support/secured-server.js";
import { app } from "../../transports/app.js";

const SECRET = "a secret of the application that nobody else knows of, never";
const ending: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function edgeOf(server: string): Promise<RunningEdge> {
  const edge = await startEdge({
    ...{ runtime: systemRuntime, logger: makeLogger("warn"), server },
    ...{ host: "127.0.0.1", port: 0, origins: [] },
  });
  ending.push(() => edge.close());
  return edge;
}

async function follow(url: string, token?: string): Promise<EventReader> {
  const reader = new EventReader(
    await fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }),
  );
  ending.push(() => reader.close());
  await reader.next("snapshot");
  return reader;
}

describe("what an edge holds", () => {
  it("[EDGE-2] [R17] [AUTH-6] ends with the token, at its revocation, and so does what a ticket made of it let in", async () => {
    const jwt = { secrets: [SECRET], leewayMs: 0 };
    const first = await startSecured({ jwt });
    await first.close({ keep: true });
    const all = { doc: "note/*", may: ["open", "create"] } as const;
    const root = keyIn(first.data, { name: "root", grants: [all], powers: ["tokens", "revocations"] });
    const server = await startSecured({ jwt, data: first.data });
    ending.push(() => server.close());
    const edge = await edgeOf(server.url);
    const path = "/v1/docs/note/a";
    expect((await request(edge, root, { path, method: "POST" })).status).toBe(201);

    const tokenOf = (claims: object): Promise<string> =>
      signedBy(SECRET, claimsFor("ann", { roles: ["reader"], ...claims }));
    const soon = await tokenOf({ exp: Math.floor(Date.now() / 1_000) + 2 });
    const lost = await tokenOf({ jti: "lost" });
    const ticketFor = async (): Promise<string> =>
      String((await request(edge, lost, { path: "/v1/tickets", method: "POST", body: { doc: "note/a" } })).body.ticket);
    const unused = await ticketFor();
    const streams = [
      await follow(`${edge.url}${path}/stream`, soon),
      await follow(`${edge.url}${path}/stream`, lost),
      await follow(`${edge.url}${path}/stream?ticket=${await ticketFor()}`),
    ];
    await request(edge, root, { path: "/v1/revocations", method: "POST", body: { jti: "lost" } });
    const ends = await Promise.all(streams.map((stream) => stream.next("end")));
    expect(ends.map(({ data }) => data)).toEqual([
      { code: "unauthenticated", retry: "reconnect" },
      { code: "revoked", retry: "never" },
      { code: "revoked", retry: "never" },
    ]);
    for (const stream of streams) await stream.ended;
    expect((await fetch(`${edge.url}${path}/stream?ticket=${unused}`)).status).toBe(401);
    expect((await request(edge, lost, { path: `${path}?after=` })).status).toBe(401);
  }, 15_000);

  it("[EDGE-1] [R14] is no backlog: who reads again after a while is told where everything stands, not all that was", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidemark-edge-"));
    ending.push(() => rmSync(folder, { recursive: true, force: true }));
    const server = await serve(app, { port: 0, data: join(folder, "test.db"), pingIntervalMs: 1_000 });
    ending.push(() => server.close());
    const edge = await edgeOf(server.url);
    const writer = connect<typeof app>({ url: server.url, token: "writer@" });
    ending.push(() => writer.close());
    await writer.service.create("page", "x", true);
    const response = await fetch(`${edge.url}/v1/docs/page/x/stream`, { headers: { authorization: "Bearer reader@" } });
    const body = response.body?.getReader();
    if (body === undefined) throw new Error("no body");
    ending.push(() => body.cancel());

    const written = 60_000_000;
    const timesEach = 500_000;
    for (let n = 0; n < written / timesEach; n += 1)
      await writer.call("page", "x").fill({ key: "text", word: String(n % 10), times: timesEach });
    const { seq } = await writer.call("page", "x").set({ key: "last", text: "here" }).receipt;

    const heard = await heardUntil(body, seq);
    expect(heard.bytes).toBeLessThan(written / 2);
    expect(heard.state).toEqual({ texts: { text: "9".repeat(timesEach), last: "here" }, secrets: {} });
  }, 30_000);
});

/** What a reader that comes back to its stream is told until it is there, and how much that was. */
async function heardUntil(
  body: ReadableStreamDefaultReader<Uint8Array>,
  seq: number,
): Promise<{ bytes: number; state: Json }> {
  const decoder = new TextDecoder();
  let [bytes, rest, state]: [number, string, Json] = [0, "", null];
  for (let next = await body.read(); !next.done; next = await body.read()) {
    bytes += next.value.byteLength;
    const blocks = `${rest}${decoder.decode(next.value, { stream: true })}`.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const event of blocks.flatMap(eventIn)) {
      state = folded(state, event);
      if (event.data.seq === seq) return { bytes, state };
    }
  }
  throw new Error(`ended before ${seq}`);
}

function folded(state: Json, { kind, data }: HeardEvent): Json {
  if (kind === "snapshot") return data.state;
  if (kind === "patch") return applyJsonPatch(state, data.patch);
  if (kind === "ping") return state;
  throw new Error(`${kind}: ${JSON.stringify(data)}`);
}
