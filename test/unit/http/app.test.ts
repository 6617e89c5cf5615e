import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "@tidemark/protocol";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { httpApp } from "../../../src/http/app.js";

let folder: string;
let ready: boolean;
let app: FastifyInstance;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-http-"));
  const root = join(folder, "page");
  for (const name of [root, join(root, "images"), join(root, ".git")]) mkdirSync(name);
  writeFileSync(join(folder, "secret.txt"), "secret");
  writeFileSync(join(root, "index.html"), "<!doctype html><title>a page</title>");
  writeFileSync(join(root, "page.js"), "export {};\n");
  writeFileSync(join(root, ".env"), "secret");
  writeFileSync(join(root, ".git", "config"), "secret");
  ready = true;
  app = await httpApp({ staticDir: root, ready: () => ready });
});

afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

const PROBLEM = "application/problem+json; charset=utf-8";
const problem = (status: number, title: string): object => ({
  type: "about:blank",
  title,
  status,
  detail: expect.any(String),
});

describe("health", () => {
  it("answers that it lives, and that nobody may keep the answer", async () => {
    const answer = await app.inject("/healthz");
    expect([answer.statusCode, answer.body]).toEqual([200, "ok\n"]);
    expect(answer.headers).toMatchObject({ "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  });

  it("[R20] is ready only while it may be sent work, sockets included", async () => {
    expect(await app.inject("/readyz")).toMatchObject({ statusCode: 200, body: "ready\n" });
    expect(await app.inject("/v1/socket")).toMatchObject({ statusCode: 426, headers: { upgrade: "websocket" } });
    ready = false;
    for (const url of ["/readyz", "/v1/socket"]) {
      const answer = await app.inject(url);
      expect(answer).toMatchObject({ statusCode: 503, headers: { "retry-after": "1" } });
      expect(answer.json()).toEqual(problem(503, "Service Unavailable"));
    }
    expect((await app.inject("/healthz")).statusCode).toBe(200);
  });
});

describe("static files", () => {
  it("serves the index and files by their kind, without a listing", async () => {
    expect((await app.inject("/")).body).toContain("a page");
    expect(await app.inject("/page.js")).toMatchObject({
      statusCode: 200,
      headers: { "content-type": expect.stringContaining("javascript") },
    });
    expect((await app.inject("/images/")).statusCode).toBe(404);
  });

  it("is asked again each time and answers 304 to who has the file", async () => {
    const first = await app.inject("/page.js");
    expect(first.headers).toMatchObject({ "cache-control": "no-cache", etag: expect.any(String) });
    const headers = { "if-none-match": String(first.headers.etag) };
    expect(await app.inject({ url: "/page.js", headers })).toMatchObject({ statusCode: 304, body: "" });
  });

  it("answers HEAD like GET, without the body", async () => {
    for (const url of ["/", "/page.js", "/healthz", "/readyz"]) {
      const [get, head] = [await app.inject(url), await app.inject({ method: "HEAD", url })];
      expect([head.statusCode, head.body]).toEqual([get.statusCode, ""]);
      expect(head.headers["content-length"]).toBe(get.headers["content-length"]);
    }
  });

  it.each([
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/images/..%2f..%2fsecret.txt",
    "/..%5csecret.txt",
    "//../secret.txt",
    "/page.js%00.html",
    "/.env",
    "/%2eenv",
    "/.git/config",
    "/%zz",
  ])("[R18] shows nothing outside the folder and no dotfile: %s", async (url) => {
    const answer = await app.inject(url);
    expect([400, 403, 404]).toContain(answer.statusCode);
    expect(answer.body).not.toContain("secret");
    expect(answer.headers["content-type"]).toBe(PROBLEM);
  });

  it("refuses a folder that is none", async () => {
    for (const name of ["nowhere", "secret.txt"]) {
      const refused = await httpApp({ staticDir: join(folder, name), ready: () => true }).catch((error) => error);
      expect(refused).toBeInstanceOf(OperatorError);
      expect(refused).toMatchObject({ code: "app_invalid", message: expect.stringContaining(name) });
    }
  });
});

describe("headers of every response", () => {
  it.each(["/", "/page.js", "/healthz", "/nothing", "/%zz"])("let a page do what is its own only: %s", async (url) => {
    const { headers } = await app.inject({ url, headers: { host: "chat.example:8787" } });
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
    const policy = String(headers["content-security-policy"]).split("; ");
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("connect-src 'self' ws://chat.example:8787 wss://chat.example:8787");
    expect(policy).toContain("frame-ancestors 'none'");
  });

  it.each(["a.example; script-src *", "a.example *", "[::1]:8787", "a.example,b.example"])(
    "take nothing from a host that could add to the policy: %s",
    async (host) => {
      const { headers } = await app.inject({ url: "/", headers: { host } });
      expect(String(headers["content-security-policy"])).toContain("connect-src 'self';");
    },
  );
});

describe("refusals", () => {
  it("are problem details", async () => {
    const answer = await app.inject("/nothing");
    expect(answer.headers).toMatchObject({ "content-type": PROBLEM, "cache-control": "no-store" });
    expect(answer.json()).toEqual(problem(404, "Not Found"));
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"] as const)("[R19] %s is not waited for", async (method) => {
    for (const url of ["/", "/healthz", "/nothing"]) {
      const answer = await app.inject({ method, url, payload: "x".repeat(100_000) });
      expect(answer).toMatchObject({ statusCode: 405, headers: { allow: "GET, HEAD", connection: "close" } });
      expect(answer.json()).toEqual(problem(405, "Method Not Allowed"));
    }
  });

  it("[R18] a failure inside says nothing of itself", async () => {
    const failing = await httpApp({ staticDir: undefined, ready: () => expect.fail("a secret") });
    const answer = await failing.inject("/readyz");
    expect(answer.json()).toEqual(problem(500, "Internal Server Error"));
    expect(answer.body).not.toContain("secret");
  });
});

it("[R19] has a deadline for headers, for a request and for an idle connection", () => {
  const { headersTimeout, requestTimeout, keepAliveTimeout } = app.server;
  expect({ headersTimeout, requestTimeout, keepAliveTimeout }).toEqual({
    headersTimeout: 11_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
  });
});

it("[R19] bytes that are no HTTP end their connection only", async () => {
  const { port } = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
  const answer = await new Promise<string>((resolve, reject) => {
    let received = "";
    const socket = connect(Number(port), "127.0.0.1", () => socket.write("nonsense\r\n\r\n"));
    socket.on("data", (bytes) => {
      received += bytes.toString();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect((await app.inject("/healthz")).statusCode).toBe(200);
});
