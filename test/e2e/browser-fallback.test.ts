// A page in a real browser behind a proxy that eats upgrades: it follows and sends over HTTP, says so, and comes back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type Tide } from "@tidemark/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { startBrowser } from "../support/browser.js";
import { bundleFollower } from "../support/follower-page.js";
import { Middlebox } from "../support/middlebox.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import type { app } from "./apps/counter.js";

const APP = fileURLToPath(new URL("./apps/counter.ts", import.meta.url));

let browser: Browser;
let staticDir: string;
let folder: string;
let server: ServerProcess;
let box: Middlebox;
let writer: Tide<typeof app>;
let page: Page;

beforeAll(async () => {
  staticDir = await bundleFollower();
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  rmSync(staticDir, { recursive: true, force: true });
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-fallback-page-"));
  const args = ["--ping-ms", "500", "--static", staticDir];
  server = await startServerProcess({ app: APP, data: join(folder, "t.db"), args });
  box = await Middlebox.listen(() => server.url);
  writer = connect<typeof app>({ url: server.url, token: "user:bob" });
  await writer.service.create("counter", "c", true);
  page = await browser.newPage();
});

afterEach(async () => {
  await page.close();
  writer.close();
  await box.close();
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const add = (): Promise<number> => writer.call("counter", "c").add({});
const shows = (value: number): Promise<unknown> =>
  page.waitForFunction((wanted) => globalThis.follower?.counter.state?.value === wanted, value);
const isLiveOver = (transport: string): Promise<unknown> =>
  page.waitForFunction(
    (wanted) => globalThis.follower?.counter.status === "live" && globalThis.follower.tide.transport === wanted,
    transport,
  );
const seqs = (): Promise<number[]> => page.evaluate(() => globalThis.follower.record.seqs);

it("[LINE-1] [LINE-3] [R3] [R6] a page whose WebSockets are eaten is live over HTTP, says so, and comes back when they are not", async () => {
  box.upgrades = "refused";
  await page.goto(box.url);
  await isLiveOver("stream");
  expect(box.seen.filter((path) => path === "/v1/socket").length).toBeGreaterThanOrEqual(2);
  await add();
  await shows(1);
  expect(await page.evaluate(() => globalThis.follower.counter.send.add({}))).toBe(2);
  await page.evaluate(() => globalThis.follower.tide.service.whoami());
  await shows(2);
  box.upgrades = "pass";
  const calling = page.evaluate(async () => {
    const { tide, counter } = globalThis.follower;
    let calls = 0;
    for (; tide.transport !== "websocket"; calls++) await counter.send.add({});
    return calls;
  });
  await isLiveOver("websocket");
  const calls = await calling;
  await add();
  await shows(calls + 3);
  expect(await seqs()).toEqual(Array.from({ length: calls + 3 }, (_, index) => index + 2));
  expect(await page.evaluate(() => globalThis.follower.tide.status)).toBe("live");
}, 30_000);
