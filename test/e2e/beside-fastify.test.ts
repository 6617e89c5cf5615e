// The example of an application with a login of its own, in a real browser and with a crowd of followers.
import { createServer } from "node:net";
import { type ServerClient, server } from "@tidemark/client/http";
import { type App, CLOSE, type Json } from "@tidemark/protocol";
import type { FastifyInstance } from "fastify";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { CHANNEL, wall } from "../../examples/beside-fastify/app.js";
import { type PageFile, pageFiles } from "../../examples/beside-fastify/page-files.js";
import { startBrowser } from "../support/browser.js";
import { Stranger } from "../support/secured-server.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { type Command, Workplace } from "./cli/command-line.js";

const CROWD = 1_000;
/** How many come in together. */
const AT_ONCE = 100;
/** Nobody who posts waits longer for a service that is away. */
const DEADLINE_MS = 2_000;

let browser: Browser;
let files: readonly PageFile[];
let place: Workplace;
let service: Command;
let proxy: TcpProxy;
let tide: ServerClient<App>;
let app: FastifyInstance;
let address: string;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  browser = await startBrowser();
  files = await pageFiles();
});
afterAll(() => browser.close());

beforeEach(async () => {
  place = new Workplace();
  const powers = ["--grant", `channel/${CHANNEL}=open,publish`, "--may", "tokens,revocations"];
  const { stdout: key } = await place.run(["key", "create", "wall", ...powers]);
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  service = place.start(["serve", "--port", "0", "--origins", address]);
  const [url = ""] = await service.said(/http:\/\/[\d.:]+/);
  proxy = await TcpProxy.listen(Number(new URL(url).port));
  tide = server({ url, key: key.trim() });
  const hasty = server({ url, key: key.trim(), deadlineMs: DEADLINE_MS });
  app = await wall({ tide: hasty, tideUrl: proxy.url, pageFiles: files });
  await app.listen({ host: "127.0.0.1", port });
});

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
  await app.close();
  await proxy.close();
  await place.close();
});

/** Origins are told before the application listens. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const taken = createServer().listen(0, "127.0.0.1", () => {
      const at = taken.address();
      taken.close(() => resolve(typeof at === "object" && at !== null ? at.port : 0));
    });
  });
}

/** A browser of their own, logged in and following. */
async function visitor(name: string, password: string): Promise<Page> {
  const context = await browser.newContext();
  contexts.push(context);
  const page = await context.newPage();
  await page.goto(address);
  await page.fill("[name=name]", name);
  await page.fill("[name=password]", password);
  await page.click("#login button");
  await live(page);
  return page;
}

const live = (page: Page): Promise<unknown> => page.waitForSelector('#status[data-status="live"]');
const texts = (page: Page): Promise<string[]> => page.locator("#posts li").allTextContents();
const shows = (page: Page, text: string): Promise<unknown> => page.waitForSelector(`#posts li:has-text("${text}")`);

async function write(page: Page, text: string): Promise<void> {
  await page.fill("[name=text]", text);
  await page.click("#write button[type=submit]");
}

/** As scripts do: logged in as ann by a cookie. */
async function ann(): Promise<(path: string, body?: object) => Promise<Response>> {
  let cookie = "";
  const post = (path: string, body: object = {}): Promise<Response> =>
    fetch(`${address}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", cookie },
      body: JSON.stringify(body),
    });
  const answer = await post("/login", { name: "ann", password: "woof" });
  cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
  return post;
}

it("[R3] what somebody posts to the application is on the pages of the others at once", async () => {
  const [one, other] = [await visitor("ann", "woof"), await visitor("bob", "meow")];
  await write(one, "a walk at five");
  await shows(other, "ann: a walk at five");
  await write(other, "coming");
  await shows(one, "bob: coming");
  expect(await texts(one)).toEqual(["ann: a walk at five", "bob: coming"]);
  await other.reload();
  await shows(other, "bob: coming");
  expect(await texts(other)).toEqual(await texts(one));
});

it("[R4] a page whose network was away shows what it missed, once and in order", async () => {
  const page = await visitor("bob", "meow");
  const post = await ann();
  proxy.hold();
  await page.waitForSelector('#status:not([data-status="live"])');
  for (let index = 1; index <= 3; index += 1) {
    expect(await (await post("/posts", { text: `missed ${index}` })).json()).toMatchObject({ told: "yes" });
  }
  proxy.release();
  await shows(page, "missed 3");
  expect(await texts(page)).toEqual(["ann: missed 1", "ann: missed 2", "ann: missed 3"]);
});

it("[R16] only who is logged in posts, reads or gets a token; who has logged out follows no longer", async () => {
  const post = await ann();
  const nobody = (path: string): Promise<Response> =>
    fetch(`${address}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: '{"text":"x"}',
    });
  for (const path of ["/posts", "/tide-token"]) expect((await nobody(path)).status).toBe(401);
  expect((await fetch(`${address}/posts`)).status).toBe(401);
  for (const [name, password] of [
    ["ann", "meow"],
    ["eve", ""],
    ["eve", "woof"],
  ]) {
    expect((await post("/login", { name, password })).status).toBe(401);
  }
  const { url, token }: { url: string; token: string } = await (await post("/tide-token")).json();
  const follower = new Stranger(url);
  await follower.hello(token);
  expect((await post("/logout")).status).toBe(204);
  expect(await follower.socket.closed).toBe(CLOSE.revoked);
  expect((await post("/tide-token")).status).toBe(401);
});

it("[R8] the application goes on while the service is away, and does not pretend", async () => {
  const post = await ann();
  await service.end("SIGKILL");
  const answer = await post("/posts", { text: "anybody there?" });
  expect([answer.status, await answer.json()]).toEqual([
    201,
    { id: 1, by: "ann", text: "anybody there?", told: expect.stringMatching(/^(no|perhaps)$/) },
  ]);
});

it(`[R3] ${CROWD.toLocaleString("en")} followers of one channel all have what one POST published`, async () => {
  const crowd: Stranger[] = [];
  while (crowd.length < CROWD) {
    const names = Array.from({ length: AT_ONCE }, (_, index) => `fan-${crowd.length + index}`);
    crowd.push(...(await Promise.all(names.map(follower))));
  }
  const post = await ann();
  const { id }: { id: number } = await (await post("/posts", { text: "hello, all" })).json();
  const heard = await Promise.all(crowd.map(({ socket }) => socket.first("d")));
  const said = heard.map((message) => JSON.stringify(message));
  const event: Json = { id, by: "ann", text: "hello, all" };
  expect(said.filter((text) => text.includes(JSON.stringify(event)))).toHaveLength(CROWD);
  // To each once.
  await vi.waitFor(() => expect(crowd.every(({ socket }) => socket.of("d").length === 1)).toBe(true));
  for (const { socket } of crowd) socket.close();
});

/** At a socket of their own, past the application. */
async function follower(sub: string): Promise<Stranger> {
  const grants = [{ doc: `channel/${CHANNEL}`, may: ["open"] }] as const;
  const token = await tide.token({ sub, grants, withinSeconds: 60 });
  const stranger = new Stranger(proxy.url);
  await stranger.hello(token);
  await stranger.say(["open", { s: 1, doc: `channel/${CHANNEL}` }]);
  await stranger.socket.first("snap");
  return stranger;
}
