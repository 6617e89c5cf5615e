// Ways to come in as an operator sets them up: commands as docs/AUTH.md has them, real processes.
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pemOf } from "../support/key-set.js";
import { type Command, Workplace } from "./cli/command-line.js";
import { todoApp } from "./cli/todo.js";

const SECRET = "a secret that is long enough to sign with";

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
  place.write("app.ts", todoApp());
  place.write("secret.txt", `${SECRET}\nan older one, which is still accepted\n`);
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  place.write("public.pem", pemOf(publicKey));
  place.write("private.pem", pemOf(privateKey));
});
afterAll(() => place.close());

async function served(args: readonly string[], env = {}): Promise<{ readonly command: Command; readonly url: string }> {
  const command = place.start(
    ["serve", "app.ts", "--port", "0", ...(args.includes("--data") ? [] : ["--data", "todo.db"]), ...args],
    { env },
  );
  const [url] = await command.said(/http:\/\/[\d.:]+/);
  return { command, url: url ?? "" };
}

async function token(args: readonly string[], env = {}): Promise<string> {
  const { code, stdout, stderr } = await place.run(["token", ...args], { env });
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout.trim();
}

describe("tidemark token", () => {
  it("[AUTH-1] signs what `tidemark serve` accepts: by a secret in a file or in the environment, and by a private key", async () => {
    const { command, url } = await served(["--jwt-secret", "secret.txt", "--jwt-public-key", "public.pem"]);
    const older = { TIDEMARK_JWT_SECRET: "an older one, which is still accepted" };
    const tokens = [
      await token(["--sub", "ann", "--jwt-secret", "secret.txt"]),
      await token(["--sub", "ann"], older),
      await token(["--sub", "ann", "--jwt-private-key", "private.pem"]),
    ];
    for (const one of tokens) {
      const read = await place.run(["get", "todo/a", "--url", url], { env: { TIDEMARK_TOKEN: one } });
      // Let in, and told that there is none.
      expect(read).toMatchObject({ code: 3, stderr: expect.stringMatching(/not_found|denied/) });
    }
    const foreign = await token(["--sub", "ann"], { TIDEMARK_JWT_SECRET: "x".repeat(32) });
    const refused = await place.run(["get", "todo/a", "--url", url], { env: { TIDEMARK_TOKEN: foreign } });
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("(unauthenticated)") });
    const { stderr } = await command.end();
    for (const secret of [...tokens, foreign, SECRET]) expect(stderr).not.toContain(secret);
  });

  it("[AUTH-3] says what its flags say", async () => {
    const flags = ["--grant", "todo/*=open,call", "--role", "editor", "--space", "north", "--claims", '{"team":7}'];
    const named = ["--jwt-issuer", "us,them", "--jwt-audience", "notes"];
    const text = await token(["--sub", "ann", "--jwt-secret", "secret.txt", "--ttl", "60", ...flags, ...named]);
    const payload = JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString());
    expect(payload).toEqual({
      ...{ sub: "ann", roles: ["editor"], space: "north", team: 7, iss: "us", aud: "notes" },
      grants: [{ doc: "todo/*", may: ["open", "call"] }],
      ...{ iat: expect.any(Number), exp: payload.iat + 60, jti: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  it.each<[string, readonly string[], number, RegExp]>([
    ["nobody", ["--jwt-secret", "secret.txt"], 2, /required option '--sub <id>'/],
    ["no key", ["--sub", "ann"], 2, /nothing to sign with\nAdd --jwt-secret/],
    [
      "a public key",
      ["--sub", "ann", "--jwt-private-key", "public.pem"],
      1,
      /private key cannot be used \(auth_invalid\)/,
    ],
    ["a grant of nothing", ["--sub", "ann", "--grant", "todo/a"], 2, /type\/key=rights/],
    ["a grant of what is unknown", ["--sub", "ann", "--grant", "todo/*=rule"], 2, /must be one of open, call/],
    ["a claim with a flag of its own", ["--sub", "ann", "--claims", '{"exp":1}'], 2, /`exp` is not for --claims/],
    ["a year", ["--sub", "ann", "--ttl", "31536000"], 2, /from 1 to 86400/],
  ])("refuses %s", async (_what, args, code, says) => {
    expect(await place.run(["token", ...args])).toMatchObject({
      code,
      stdout: "",
      stderr: expect.stringMatching(says),
    });
  });
});

describe("tidemark key", () => {
  const env = (key: string) => ({ env: { TIDEMARK_TOKEN: key } });
  const made = async (args: readonly string[]): Promise<string> => {
    const { code, stdout } = await place.run(["key", ...args, "--data", "keys.db"]);
    expect(code).toBe(0);
    return stdout.trim();
  };

  it("[AUTH-7] makes the only way in there is, before a server and beside it; `list` never shows a key", async () => {
    const first = await made(["create", "backend", "--grant", "todo/*=open,call,create"]);
    const { command, url } = await served(["--data", "keys.db"]);
    const add = ["call", "todo/a", "add", '{"text":"milk"}', "--create", "--url", url];
    expect(await place.run(add, env(first))).toMatchObject({ code: 0 });
    const second = await made(["rotate", "backend", "--overlap", "3600"]);
    const count = ["call", "todo/a", "count", "--url", url];
    await expect.poll(async () => (await place.run(count, env(second))).code, { timeout: 8_000 }).toBe(0);
    expect(await place.run(count, env(first))).toMatchObject({ code: 0, stdout: "1\n" });
    const listed = await made(["list"]);
    expect(listed.match(/^backend {2}/gm)).toHaveLength(2);
    for (const key of [first, second]) {
      expect(listed).toContain(key.slice(4, 20));
      expect(listed).not.toContain(key.slice(21));
    }
    await made(["revoke", "backend"]);
    await expect.poll(async () => (await place.run(count, env(second))).code, { timeout: 8_000 }).toBe(3);
    expect(await made(["list"])).toBe("no keys");
    await command.end();
  }, 30_000);

  it.each<[string, readonly string[], number, RegExp]>([
    ["to do what it cannot", ["destroy", "a"], 2, /Allowed choices are create, list, revoke, rotate/],
    ["to make a key without a name", ["create", "--grant", "todo/*=open"], 2, /needs the name of a key/],
    ["to make a key that could do nothing", ["create", "idle"], 2, /could do nothing\nAdd --grant/],
    ["a name that is none", ["create", "a/b", "--grant", "todo/*=open"], 2, /1 to 64 of/],
    ["to rotate what is not there", ["rotate", "absent"], 1, /there is no key absent\nLook at/],
    ["a power that is none", ["create", "a", "--may", "everything"], 2, /tokens, revocations, or both/],
  ])("refuses %s", async (_what, args, code, says) => {
    const ended = await place.run(["key", ...args, "--data", "keys.db"]);
    expect(ended).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(says) });
  });
});
