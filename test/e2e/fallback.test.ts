// The real client and a real server with a middlebox between them that spoils WebSockets, responses or answers.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectOptions, connect, type OpenDocument, type Tide } from "@tidemark/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Served, serve } from "../../src/serve.js";
import { Middlebox } from "../support/middlebox.js";
import { app } from "./apps/counter.js";

type App = typeof app;

const PING_MS = 1_000;

let folder: string;
let server: Served;
let box: Middlebox;
const tides: Tide<App>[] = [];

async function start(port = 0): Promise<void> {
  server = await serve(app, { port, data: join(folder, "counters.db"), pingIntervalMs: PING_MS });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-fallback-"));
  await start();
  box = await Middlebox.listen(() => server.url);
});

afterEach(async () => {
  for (const tide of tides.splice(0)) tide.close();
  await box.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function client(options: Partial<ConnectOptions> = {}): Tide<App> {
  const tide = connect<App>({ url: box.url, token: "user:ann", ...options });
  tides.push(tide);
  return tide;
}

/** Somebody whom nothing keeps from the server. */
const other = (): Tide<App> => client({ url: server.url, token: "user:bob" });

const counter = (tide: Tide<App>, key = "a"): OpenDocument<App, "counter"> =>
  tide.open("counter", key, { create: true });

/** Resolves once it holds; looks whenever anything happens. */
function until(doc: OpenDocument<App, "counter">, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      for (const stop of stops) stop();
      resolve();
    };
    const stops: (() => void)[] = [];
    stops.push(doc.subscribe(look), doc.onStatus(look));
    look();
  });
}

const carriedBy = (tide: Tide<App>, transport: Tide<App>["transport"]): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (tide.transport !== transport) return;
      stop();
      resolve();
    };
    const stop = tide.onStatus(look);
    look();
  });

/** Every event once and in order, and the state they lead to. */
function witness(doc: OpenDocument<App, "counter">): { readonly events: number[]; readonly values: number[] } {
  const seen = { events: [] as number[], values: [] as number[] };
  doc.on("added", ({ by }) => seen.events.push(by));
  doc.subscribe((state) => seen.values.push(state.value));
  return seen;
}

describe("over a streamed response", () => {
  it("[STREAM-1] [STREAM-2] [R3] follows several documents, and what it sends is applied once and shown", async () => {
    const tide = client({ transport: "http" });
    const doc = counter(tide);
    const seen = witness(doc);
    expect(await doc.send.add({ by: 2 })).toBe(2);
    expect(doc.state?.value).toBe(2);
    const second = counter(tide, "b");
    await until(second, () => second.status === "live");
    const bob = other().call("counter", "a");
    for (let by = 1; by <= 20; by++) await bob.add({ by });
    await until(doc, () => doc.state?.value === 212);
    expect(seen.events).toEqual([2, ...Array.from({ length: 20 }, (_, index) => index + 1)]);
    expect(tide.transport).toBe("stream");
    expect(tide.status).toBe("live");
    expect(tide.stats.resets.behind).toBe(0);
  });

  it("[STREAM-5] a call that changes nothing is answered at once, not with the next ping", async () => {
    await server.close();
    server = await serve(app, { port: 0, data: join(folder, "counters.db") });
    const doc = counter(client({ transport: "http" }));
    await doc.send.touch();
    const { seq } = await doc.send.touch().receipt;
    expect(doc.position?.seq).toBe(seq);
  });

  it("[STREAM-3] [R3] goes on where it was when its response is cut, and over a restart of the server", async () => {
    const doc = counter(client({ transport: "http" }));
    const seen = witness(doc);
    await doc.send.add({ by: 1 });
    const { port } = new URL(server.url);
    for (let round = 0; round < 3; round++) {
      box.cut();
      await other()
        .call("counter", "a")
        .add({ by: 10 + round });
    }
    await server.close();
    await start(Number(port));
    await other().call("counter", "a").add({ by: 100 });
    await until(doc, () => doc.state?.value === 134);
    expect(seen.events).toEqual([1, 10, 11, 12, 100]);
  });

  it("[STREAM-3] a token that is refused ends it, and an error of the registry says so", async () => {
    const tide = client({ transport: "http", token: "nobody" });
    const doc = counter(tide);
    await until(doc, () => doc.status === "ended");
    expect(doc.error?.code).toBe("unauthenticated");
    expect(tide.status).toBe("closed");
  });
});

describe("calls over HTTP", () => {
  it("[POST-1] [POST-3] [R6] [R8] are applied once and in order when answers are lost, and copies that come late do nothing", async () => {
    const tide = client({ transport: "http" });
    const doc = counter(tide);
    const slow = counter(tide, "b");
    const seen = witness(doc);
    await doc.send.add({ by: 1 });
    await slow.send.add({ by: 1 });
    box.fates.push("lost");
    const sent = [2, 3, 4, 5].map((by) => doc.send.add({ by }));
    await box.passed("/v1/calls", 3);
    box.fates.push("late");
    const late = slow.send.add({ by: 2 });
    expect(await Promise.all(sent)).toEqual([3, 6, 10, 15]);
    expect(await late).toBe(3);
    expect(await box.deliverLate()).toHaveLength(1);
    await slow.send.add({ by: 3 });
    expect([doc.state?.value, slow.state?.value]).toEqual([15, 6]);
    expect(seen.events).toEqual([1, 2, 3, 4, 5]);
  }, 20_000);
});

describe("where responses are held back until their end", () => {
  it("[POLL-1] [LINE-2] [R3] polls instead, with the same events and states", async () => {
    box.holdsBack = true;
    const tide = client({ transport: "http" });
    const doc = counter(tide);
    const seen = witness(doc);
    await doc.send.add({ by: 1 }, { deadlineMs: 60_000 });
    expect(tide.transport).toBe("poll");
    const bob = other().call("counter", "a");
    for (let by = 2; by <= 10; by++) await bob.add({ by });
    await until(doc, () => doc.state?.value === 55);
    expect(seen.events).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  }, 30_000);
});

describe("where WebSockets do not get through", () => {
  it("[LINE-1] [LINE-3] [R3] [R6] goes on over HTTP, says so, and comes back with nothing lost or doubled", async () => {
    box.upgrades = "refused";
    const tide = client({ codec: "msgpack" });
    const doc = counter(tide);
    const seen = witness(doc);
    await until(doc, () => doc.status === "live");
    expect(tide.transport).toBe("stream");
    await doc.send.add({ by: 1 });
    const told: unknown[] = [];
    tide.onStatus((status) => told.push([status, tide.transport]));
    box.upgrades = "pass";
    const sends: Promise<unknown>[] = [];
    const calling = setInterval(() => sends.push(doc.send.add({ by: 1 })), 50);
    await carriedBy(tide, "websocket");
    clearInterval(calling);
    await Promise.all(sends);
    expect(told.at(-1)).toEqual(["live", "websocket"]);
    await until(doc, () => doc.state?.value === sends.length + 1);
    expect(seen.events).toEqual(Array.from({ length: sends.length + 1 }, () => 1));
  }, 20_000);

  it("[LINE-1] a server that is only down is not taken for one that cannot be reached by WebSocket", async () => {
    const tide = client();
    const doc = counter(tide);
    await until(doc, () => doc.status === "live");
    const { port } = new URL(server.url);
    await server.close();
    await until(doc, () => doc.status === "offline");
    await start(Number(port));
    await until(doc, () => doc.status === "live");
    await carriedBy(tide, "websocket");
  }, 20_000);
});
