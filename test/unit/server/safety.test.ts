// Each risk is refused by its name, with a reason, and taken when it is meant.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "@tidemark/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RISKS, requireSafe, type SafetySettings } from "../../../src/server-safety.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-safety-"));
  mkdirSync(join(folder, "public", "inner"), { recursive: true });
  symlinkSync(join(folder, "public"), join(folder, "link"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const safe: SafetySettings = {
  host: "127.0.0.1",
  data: "./tidemark.db",
  origins: [],
  devTokens: false,
  staticDir: undefined,
};
const tls = { cert: "/etc/tide/cert.pem", key: "/etc/tide/key.pem" };

function objection(settings: Partial<SafetySettings>): OperatorError | undefined {
  try {
    requireSafe({ ...safe, ...settings });
    return undefined;
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
}

describe("[S34] [SAFE-1] a server refuses", () => {
  const refused: readonly (readonly [risk: string, settings: () => Partial<SafetySettings>, names: string])[] = [
    ["plain-http", () => ({ host: "0.0.0.0" }), "0.0.0.0"],
    ["plain-http", () => ({ host: "::" }), "::"],
    ["plain-http", () => ({ host: "192.168.1.5" }), "192.168.1.5"],
    ["any-proxy", () => ({ trustProxy: ["10.0.0.7", "0.0.0.0/0"] }), "0.0.0.0/0"],
    ["any-proxy", () => ({ trustProxy: ["::/0"] }), "::/0"],
    ["shown-files", () => ({ staticDir: join(folder, "public"), data: join(folder, "public", "a.db") }), "a.db"],
    ["shown-files", () => ({ staticDir: join(folder, "link"), data: join(folder, "public", "inner", "b.db") }), "b.db"],
    ["shown-files", () => ({ staticDir: "/etc/tide", tls }), "key.pem"],
  ];

  it.each(refused)("%s", (risk, settings, named) => {
    const error = objection(settings());
    expect(error).toMatchObject({ code: "unsafe_settings" });
    expect(error?.message).toContain(named);
    expect(error?.hint).toContain(`--allow-unsafe ${risk}`);
    expect(objection({ ...settings(), allow: RISKS.filter((one) => one === risk) })).toBeUndefined();
    expect(objection({ ...settings(), allow: RISKS.filter((one) => one !== risk) })).toBeDefined();
  });
});

it("[S34] [SAFE-1] a server for development refuses pages from everywhere, and that cannot be meant", () => {
  const error = objection({ devTokens: true, origins: ["*"], allow: RISKS });
  expect(error).toMatchObject({ code: "unsafe_settings", hint: "Name the origins of your pages with --origins." });
});

describe("[SAFE-1] a server starts", () => {
  it.each<readonly [string, () => Partial<SafetySettings>]>([
    ["on this machine", () => ({})],
    ["on this machine by any of its names", () => ({ host: "localhost" })],
    ["on this machine, IPv6", () => ({ host: "::1" })],
    ["for others with TLS", () => ({ host: "0.0.0.0", tls })],
    ["for others behind a proxy", () => ({ host: "0.0.0.0", trustProxy: ["10.0.0.0/8"] })],
    ["for all pages, when they bring tokens of their own", () => ({ origins: ["*"] })],
    ["with a folder beside its files", () => ({ staticDir: join(folder, "public"), data: join(folder, "public.db") })],
    [
      "with a folder inside that of its files",
      () => ({ staticDir: join(folder, "public"), data: join(folder, "a.db") }),
    ],
  ])("%s", (_what, settings) => {
    expect(objection(settings())).toBeUndefined();
  });
});
