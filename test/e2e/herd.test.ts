// Small versions of the benchmarks of overload, with real processes and real clients and without a clock: everybody who
// was cut off comes back and holds the same, and what was refused is applied in the end, once and in order.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type OpenDocument, type Tide } from "@tidemark/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { counted } from "../support/figures.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import type { app } from "./apps/busy.js";

type App = typeof app;
type Mill = OpenDocument<App, "mill">;

const APP = fileURLToPath(new URL("./apps/busy.ts", import.meta.url));
const CLIENTS = 200;
const BALLAST = 20_000;
/** Of each of four writers. Together they are much more than a server takes at once. */
const CALLS = 200;
const PATIENT = { deadlineMs: 300_000 };
const WAIT = { timeout: 40_000, interval: 50 };

let folder: string;
let server: ServerProcess;
const tides: Tide<App>[] = [];

const start = (port = 0): Promise<ServerProcess> =>
  startServerProcess({ app: APP, data: join(folder, "test.db"), port, args: ["--figures-ms", "100"] });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  server = await start();
});

afterEach(async () => {
  for (const tide of tides.splice(0)) tide.close();
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function client(name: string): Tide<App> {
  const tide = connect<App>({ url: server.url, token: `user:${name}` });
  tides.push(tide);
  return tide;
}

const followed = (name: string): Mill => client(name).open("mill", "one", { create: { bytes: BALLAST } });

async function crash(): Promise<void> {
  await server.kill("SIGKILL");
  server = await start(Number(new URL(server.url).port));
}

/** Everybody is live where the writer is, and shows what it shows. */
async function allAtHead(writer: Mill, mills: readonly Mill[]): Promise<void> {
  await vi.waitFor(() => {
    expect(mills.filter(({ status }) => status === "live")).toHaveLength(mills.length);
    expect(new Set(mills.map(({ position }) => position?.seq))).toEqual(new Set([writer.position?.seq]));
  }, WAIT);
  for (const { state } of mills) expect(state).toEqual(writer.state);
}

it("[R20] [R4] a herd that was cut off by kill -9 is at head again, from where it was, while others write", async () => {
  const writer = followed("writer");
  await writer.send.count();
  const mills = Array.from({ length: CLIENTS }, (_, n) => followed(`c${n}`));
  await allAtHead(writer, mills);
  const sent = [writer.send.count(), writer.send.count()];
  await crash();
  for (let n = 0; n < 10; n += 1) sent.push(writer.send.count());
  expect(await Promise.all(sent)).toEqual(Array.from({ length: 12 }, (_, index) => index + 2));
  await allAtHead(writer, mills);
  await vi.waitFor(() => expect(counted(server.stderr(), "resumed")).toBeGreaterThanOrEqual(CLIENTS), WAIT);
  expect(counted(server.stderr(), "reset")).toBe(0);
  expect(counted(server.stderr(), "snapshotsAgain")).toBe(0);
});

it("[R20] [R15] a herd that has forgotten what it held shares a snapshot for each seq it comes at", async () => {
  const writer = followed("writer");
  await writer.send.count();
  await crash();
  const sent: Promise<number>[] = [];
  const mills: Mill[] = [];
  for (let n = 0; n < CLIENTS; n += 1) {
    mills.push(followed(`c${n}`));
    if (n % 50 === 0) sent.push(writer.send.count());
  }
  await Promise.all(sent);
  await allAtHead(writer, mills);
  await vi.waitFor(() => expect(counted(server.stderr(), "reset")).toBeGreaterThanOrEqual(CLIENTS), WAIT);
  expect(counted(server.stderr(), "snapshots")).toBeLessThanOrEqual(sent.length + 2);
  expect(counted(server.stderr(), "snapshotsAgain")).toBe(0);
});

it("[R15] [R5] [R6] what a busy server refuses is applied in the end, once and in order", async () => {
  const writers = Array.from({ length: 4 }, (_, n) => client(`w${n}`));
  const mills = writers.map((tide, n) => tide.open("mill", `m${n}`, { create: { bytes: 0 } }));
  await vi.waitFor(() => expect(mills.every(({ status }) => status === "live")).toBe(true), WAIT);
  // Calls of a client that is not known yet wait for its receipts, not for their turn.
  await Promise.all(mills.map((mill) => mill.send.count()));
  const answers = await Promise.all(
    mills.map((mill) => Promise.all(Array.from({ length: CALLS }, () => mill.send.turn(undefined, PATIENT)))),
  );
  for (const counts of answers) expect(counts).toEqual(Array.from({ length: CALLS }, (_, index) => index + 2));
  await vi.waitFor(() => expect(counted(server.stderr(), "refused")).toBeGreaterThan(0), WAIT);
});
