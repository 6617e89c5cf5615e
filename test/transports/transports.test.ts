// The same seeded work, followed by every way in at once, with connections cut and the server restarted in the midst: each
// reader has seen the same states and every event once, in order. More seeds: `npm run transports -- 50`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Tide } from "@tidemark/client";
import { expect, it } from "vitest";
import { startEdge } from "../../src/edge.js";
import { makeLogger } from "../../src/observability/logger.js";
import { systemRuntime } from "../../src/runtime/system-runtime.js";
import { type Served, serve } from "../../src/serve.js";
import { app } from "./app.js";
import { clientReader } from "./client-readers.js";
import { eventStreamReader, longPollReader } from "./http-readers.js";
import type { Read, Reader } from "./reader.js";
import { type Deed, deeds } from "./work.js";

const SEEDS = Number(process.env["TRANSPORT_SEEDS"] ?? 1);
const FROM = Number(process.env["TRANSPORT_FROM"] ?? 1);
const DOCS = ["page/x", "book/x"] as const;

const WAYS: Readonly<Record<string, (read: Read) => Reader | Promise<Reader>>> = {
  "json over a WebSocket": (read) => clientReader(read, { codec: "json", transport: "websocket" }),
  "msgpack over a WebSocket": (read) => clientReader(read, { codec: "msgpack", transport: "websocket" }),
  "a streamed POST": (read) => clientReader(read, { transport: "http" }),
  "polls of the client": (read) => clientReader(read, { transport: "http", holdsBack: true }),
  "server-sent events": eventStreamReader,
  "long polls": longPollReader,
};

/** Of those that an edge holds. */
const BY_EDGE = ["a streamed POST", "polls of the client", "server-sent events", "long polls"];

/** Does one deed; the seq it was applied as, and what it says. */
async function perform(
  tide: Tide<typeof app>,
  deed: Extract<Deed, { kind: "call" }>,
): Promise<readonly [number, string[]]> {
  const [type = "page", key = ""] = deed.doc.split("/");
  const call = tide.call(type as "page", key) as unknown as Record<
    string,
    (input: unknown) => { receipt: Promise<{ seq: number }> }
  >;
  const { seq } = (await call[deed.name]?.(deed.input).receipt) ?? { seq: 0 };
  return [seq, deed.name === "say" ? [`${seq} said ${JSON.stringify(deed.input)}`] : []];
}

it.each(Array.from({ length: SEEDS }, (_, index) => FROM + index))(
  "[STREAM-1] [POLL-1] [SSE-1] [SSE-2] [EDGE-1] [R3] [R4] every way in tells the same states and events, seed %i",
  async (seed) => {
    const folder = mkdtempSync(join(tmpdir(), "tidemark-transports-"));
    const data = join(folder, "test.db");
    let server: Served = await serve(app, { port: 0, data, pingIntervalMs: 1_000 });
    const port = Number(new URL(server.url).port);
    const edge = await startEdge({
      ...{ runtime: systemRuntime, logger: makeLogger("warn"), server: server.url },
      ...{ host: "127.0.0.1", port: 0, origins: [] },
    });
    const ways = Object.entries(WAYS).flatMap(([way, make]) => [
      { way, make, url: server.url },
      ...(BY_EDGE.includes(way) ? [{ way: `${way} by an edge`, make, url: edge.url }] : []),
    ]);
    const writer = connect<typeof app>({ url: server.url, token: "writer@" });
    const heads = new Map<string, number>();
    const events = new Map<string, string[]>(DOCS.map((doc) => [doc, []]));
    for (const doc of DOCS) await writer.service.create(doc === "page/x" ? "page" : "book", "x", true);
    const readers: { way: string; doc: string; group: string; reader: Reader }[] = [];
    for (const { way, make, url } of ways) {
      for (const doc of DOCS) {
        const group = doc === "book/x" ? `g${readers.length % 4 < 2 ? 1 : 2}` : "";
        const reader = await make({ url, token: `${way.replaceAll(" ", "-")}@${group}`, doc });
        readers.push({ way, doc, group, reader });
      }
    }
    await Promise.all(readers.map(({ reader }) => reader.sight.reached(1)));
    for (const deed of deeds(seed, readers.length)) {
      if (deed.kind === "cut") readers[deed.reader]?.reader.cut();
      else if (deed.kind === "restart") {
        await server.close();
        server = await serve(app, { port, data, pingIntervalMs: 1_000 });
      } else {
        const [seq, said] = await perform(writer, deed);
        heads.set(deed.doc, seq);
        events.get(deed.doc)?.push(...said);
      }
    }
    await Promise.all(readers.map(({ doc, reader }) => reader.sight.reached(heads.get(doc) ?? 0)));
    for (const { way, doc, group, reader } of readers) {
      const { sight } = reader;
      expect([way, doc, sight.problems]).toEqual([way, doc, []]);
      expect([way, doc, sight.events]).toEqual([way, doc, events.get(doc)]);
      // Whoever sees the same has seen the same at each seq that both have seen, and all have seen the last.
      const first = readers.find((other) => other.doc === doc && other.group === group)?.reader.sight;
      for (const [seq, state] of sight.states)
        expect([way, seq, first?.states.get(seq) ?? state]).toEqual([way, seq, state]);
      expect([way, sight.states.has(heads.get(doc) ?? 0)]).toEqual([way, true]);
    }
    for (const { reader } of readers) reader.close();
    writer.close();
    await edge.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  },
  60_000,
);
