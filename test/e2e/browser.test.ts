import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type Tide } from "@tidemark/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { App } from "../../examples/irc-log/app.js";
import { bundlePage } from "../../examples/irc-log/bundle.js";
import { startBrowser } from "../support/browser.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import { TcpProxy } from "../support/tcp-proxy.js";

const APP = fileURLToPath(new URL("../../examples/irc-log/app.ts", import.meta.url));
const IMPORTER = "browser-test";

let browser: Browser;
let staticDir: string;
let folder: string;
let server: ServerProcess;
let proxy: TcpProxy;
let page: Page;
let writer: Tide<App>;

beforeAll(async () => {
  staticDir = await bundlePage();
  browser = await startBrowser();
});

afterAll(() => browser.close());

async function startServer(port: number): Promise<void> {
  const data = join(folder, "irc.db");
  const env = { IRC_LOG_IMPORTER: IMPORTER };
  server = await startServerProcess({ app: APP, data, port, args: ["--static", staticDir], env });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-browser-"));
  await startServer(0);
  proxy = await TcpProxy.listen(Number(new URL(server.url).port));
  writer = connect<App>({ url: server.url, token: IMPORTER });
  await writer.service.create("room", "ubuntu", { topic: "A test" });
  await say("the first line");
  page = await browser.newPage();
  await page.goto(proxy.url);
  await page.fill("#name", "ann");
  await page.click("#enter button");
  await shows("the first line");
});

afterEach(async () => {
  await page.close();
  writer.close();
  await proxy.close();
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const say = (text: string): Promise<unknown> => writer.call("room", "ubuntu").log({ kind: "say", nick: "bob", text });
const shows = (text: string): Promise<unknown> => page.waitForSelector(`#lines li:has-text("${text}")`);
const status = (name: string): Promise<unknown> => page.waitForSelector(`#liveness[data-status="${name}"]`);
const texts = (): Promise<string[]> => page.locator("#lines li span").allTextContents();

it("[R3] [R4] follows a channel live, and what a visitor says reaches others once it is durable", async () => {
  await say("a line by somebody else");
  await shows("a line by somebody else");
  await page.fill("#text", "said on the page");
  await page.click("#speak button");
  await shows("said on the page");
  const { state } = await writer.service.get("room", "ubuntu");
  expect(state.present).toEqual({ ann: 1, bob: 2 });
  await page.waitForFunction(() => document.getElementById("position")?.textContent === "4");
});

it("[R3] [R20] shows every line that was missed while its network was cut, once and in order", async () => {
  await status("live");
  proxy.hold();
  await page.waitForSelector('#liveness:not([data-status="live"])');
  for (let line = 1; line <= 5; line += 1) await say(`missed ${line}`);
  proxy.release();
  await shows("missed 5");
  await status("live");
  expect((await texts()).slice(-5)).toEqual([1, 2, 3, 4, 5].map((line) => `missed ${line}`));
});

it("[R13] [R20] notices that it is offline although its socket stays open, and heals", async () => {
  await status("live");
  await page.context().setOffline(true);
  await page.waitForSelector('#liveness:not([data-status="live"])');
  await say("said while offline");
  await page.context().setOffline(false);
  await shows("said while offline");
  await status("live");
  expect((await texts()).filter((text) => text === "said while offline")).toHaveLength(1);
});

it("[R1] [R20] goes on after the server was killed with -9 and started again", async () => {
  await status("live");
  const port = Number(new URL(server.url).port);
  await server.kill("SIGKILL");
  await page.waitForSelector('#liveness:not([data-status="live"])');
  await startServer(port);
  await say("after the restart");
  await shows("after the restart");
  await status("live");
  expect(await texts()).toEqual(["the first line", "after the restart"]);
});
