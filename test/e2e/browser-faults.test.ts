// What befalls a page in a real browser: its tab is hidden, it is frozen, its network is gone. It knows that it is not
// up to date, and is at head after it, with each event once.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type Tide } from "@tidemark/client";
import { jsonCodec } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { FaultRecord } from "../support/fault-record.js";
import { bundleFollower } from "../support/follower-page.js";
import { LifecycleBrowser, type LifecyclePage } from "../support/lifecycle-browser.js";
import { RawSocket } from "../support/raw-socket.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import type { app } from "./apps/counter.js";
import type { PageRecord } from "./pages/follower.js";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const APP = path("./apps/counter.ts");
const PING_MS = 500;
const FROZEN_HEARTBEATS = 6;
const WITHIN = { timeout: 15_000, interval: 20 };

let browser: LifecycleBrowser;
let staticDir: string;
let folder: string;
let server: ServerProcess;
let proxy: TcpProxy;
let writer: Tide<typeof app>;
let page: LifecyclePage;

beforeAll(async () => {
  staticDir = await bundleFollower();
  browser = await LifecycleBrowser.start();
});

afterAll(async () => {
  await browser.close();
  rmSync(staticDir, { recursive: true, force: true });
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-faults-"));
  const args = ["--ping-ms", String(PING_MS), "--static", staticDir];
  server = await startServerProcess({ app: APP, data: join(folder, "t.db"), args });
  proxy = await TcpProxy.listen(Number(new URL(server.url).port));
  writer = connect<typeof app>({ url: server.url, token: "user:bob" });
  await writer.service.create("counter", "c", true);
  page = await browser.open(proxy.url);
  await pageIs("live");
});

afterEach(async () => {
  await page.close();
  writer.close();
  await proxy.close();
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const status = (): Promise<string | undefined> => page.evaluate("globalThis.follower?.counter.status");
const value = (): Promise<number | undefined> => page.evaluate("globalThis.follower?.counter.state?.value");
const record = (): Promise<PageRecord> => page.evaluate("globalThis.follower.record");
const pageIs = (wanted: string): Promise<void> => vi.waitFor(async () => expect(await status()).toBe(wanted), WITHIN);
const pageIsNot = (unwanted: string): Promise<void> =>
  vi.waitFor(async () => expect(await status()).not.toBe(unwanted), WITHIN);

/** Adds one, so many times, and returns what the counter is then. */
async function add(times: number): Promise<number> {
  let now = 0;
  for (let n = 0; n < times; n += 1) now = await writer.call("counter", "c").add({});
  return now;
}

/** The page is live at the head, has heard each event once and in order, and its calls come through. */
async function isAtHead(expected: number): Promise<void> {
  await vi.waitFor(async () => expect([await value(), await status()]).toEqual([expected, "live"]), WITHIN);
  const { seqs } = await record();
  expect(seqs).toEqual(Array.from({ length: expected }, (_, index) => index + 2));
  expect(await page.evaluate("globalThis.follower.counter.query.double()")).toBe(2 * expected);
}

/** Waits for so many heartbeats of the server, as somebody else hears them. */
async function heartbeats(count: number): Promise<void> {
  const socket = new RawSocket(server.url, jsonCodec);
  await socket.say([
    `[["hello",{"v":1,"token":"user:metronome","client":"${"0".repeat(32)}","conn":1,"sdk":"test/1","caps":[]}]]`,
  ]);
  for (let beat = 0; beat < count; beat += 1) {
    const k = beat + 1;
    await socket.first("ping", k);
    await socket.say([`[["pong",${k},[]]]`]);
  }
  socket.close();
}

const swallow = (): void => proxy.swallow("up", "down");
const release = (): void => proxy.release();

interface Fault {
  readonly begin: () => unknown;
  readonly end: () => unknown;
}

const FAULTS: { readonly [name: string]: Fault } = {
  "offline with its socket open": { begin: () => page.setOffline(true), end: () => page.setOffline(false) },
  "a network that swallows everything": { begin: swallow, end: release },
  "a network that swallows everything under a hidden tab": {
    begin: async () => {
      await page.hide();
      swallow();
    },
    end: release,
  },
};

for (const [name, { begin, end }] of Object.entries(FAULTS)) {
  it(`[R13] [R20] ${name}: the page says that it is not live, and catches up afterwards`, async () => {
    await begin();
    const fault = new FaultRecord(`browser, ${name}`, PING_MS);
    const expected = await add(5);
    await pageIsNot("live");
    fault.noticed();
    await end();
    fault.ended();
    await isAtHead(expected);
    fault.healed();
  });
}

it("[R13] a hidden tab stays live over many heartbeats, follows, and its calls are answered", async () => {
  const fault = new FaultRecord("browser, hidden tab", PING_MS);
  await page.hide();
  await vi.waitFor(async () => expect(await page.evaluate("document.visibilityState")).toBe("hidden"), WITHIN);
  const before = (await record()).statuses.length;
  await heartbeats(FROZEN_HEARTBEATS);
  const expected = await add(5);
  await vi.waitFor(async () => expect(await value()).toBe(expected), WITHIN);
  expect(await page.evaluate("globalThis.follower.counter.send.add({ by: 1 })")).toBe(expected + 1);
  expect((await record()).statuses.slice(before)).toEqual([]);
  await page.show();
  fault.ended();
  await isAtHead(expected + 1);
  fault.healed();
});

it("[R13] [R20] a page that was frozen for six heartbeats knows it at once, and catches up", async () => {
  await page.freeze();
  const expected = await add(5);
  await heartbeats(FROZEN_HEARTBEATS);
  const fault = new FaultRecord("browser, frozen for six heartbeats (noticed: from the thaw on)", PING_MS);
  await page.thaw();
  fault.ended();
  await vi.waitFor(async () => {
    const { statuses } = await record();
    expect(statuses.map(({ status }) => status)).toContain("stale");
  }, WITHIN);
  fault.noticed();
  await isAtHead(expected);
  fault.healed();
});
