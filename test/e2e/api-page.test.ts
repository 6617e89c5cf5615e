// The page to try the API, in a real browser: it shows the application's messages, sends one, and asks nobody else.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startBrowser } from "../support/browser.js";
import { Workplace } from "./cli/command-line.js";
import { todoApp } from "./cli/todo.js";

let place: Workplace;
let browser: Browser;
let url: string;

beforeAll(async () => {
  place = new Workplace();
  place.write("app.ts", todoApp());
  [browser, [url = ""]] = await Promise.all([
    startBrowser(),
    place.start(["dev", "app.ts", "--port", "0", "--no-watch"]).said(/http:\/\/[\d.:]+/),
  ]);
});

afterAll(async () => {
  await browser.close();
  await place.close();
});

it("[HTTP-14] tries a call from the page, within the policy of all pages", async () => {
  const page = await browser.newPage();
  const asked: string[] = [];
  const blocked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) blocked.push(message.text());
  });
  page.on("pageerror", (error) => blocked.push(String(error)));
  await page.goto(`${url}/v1/docs-ui/`);
  await page.locator(".authorize").first().click();
  await page.locator(".auth-container input").fill("dev:ann");
  await page.locator(".auth-btn-wrapper .authorize").click();
  await page.locator(".auth-btn-wrapper .btn-done").click();
  const operation = page.locator(".opblock", { hasText: "Creates a todo" });
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".try-out__btn").click();
  await operation.locator('[data-param-name="key"] input').fill("home");
  await operation.locator("button.execute").click();
  await operation.locator(".live-responses-table .response-col_status", { hasText: "201" }).waitFor();
  expect(new Set(asked.map((address) => new URL(address).origin).filter((origin) => origin !== "null"))).toEqual(
    new Set([url]),
  );
  expect(blocked).toEqual([]);
});
