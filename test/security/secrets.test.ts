// Tokens and keys stay where they belong: a real server is shown all kinds of them, good and bad, over sockets and HTTP, and
// everything it then has said or written is searched for them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Workplace } from "../e2e/cli/command-line.js";
import { todoApp } from "../e2e/cli/todo.js";
import { claimsFor, forged, signedBy } from "../support/key-set.js";
import { knock, request, Stranger } from "../support/secured-server.js";

const SECRET = "the-secret-that-signs-everything-in-this-test";

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
  place.write("app.ts", todoApp({ authenticate: true }));
});
afterAll(() => place.close());

it("[S7] [S8] [AUTH-4] [AUTH-7] no token, key or secret is in what a server prints, answers or stores", async () => {
  const create = ["key", "create", "ops", "--grant", "todo/*=open,call,create", "--may", "tokens,revocations"];
  const key = (await place.run(create)).stdout.trim();
  const command = place.start(["serve", "app.ts", "--port", "0", "--log", "debug"], {
    env: { TIDEMARK_JWT_SECRET: SECRET },
  });
  const url = (await command.said(/http:\/\/[\d.:]+/))[0] ?? "";
  const ask = (token: string, path: string, body?: unknown) =>
    request({ url }, token, { path, ...(body === undefined ? {} : { method: "POST", body }) });

  const connect = String((await ask(key, "/v1/connect-tokens", { sub: "ann" })).body.token);
  const tokens = [
    ...[key, connect, `${key}x`, "tmc_unknown-connect-token-of-somebody", "user:somebody-by-the-applications-way"],
    await signedBy(SECRET, claimsFor("ann", { jti: "revoked-one" })),
    await signedBy(SECRET, claimsFor("bob", { exp: 1 })),
    await signedBy(SECRET, claimsFor("bob", { grants: [{ doc: "*", may: [] }] })),
    forged({ alg: "none" }, claimsFor("eve")),
    ...["nonsense-that-nobody-knows", "line\\nbreak-of-a-log"],
  ];
  expect((await ask(key, "/v1/revocations", { jti: "revoked-one" })).status).toBe(204);
  const heard: unknown[] = [];
  for (const token of tokens) {
    heard.push(
      await knock(url, token),
      await ask(token, "/v1/docs/todo/a"),
      await ask(token, "/v1/docs/todo/a/add", 7),
    );
    const stranger = new Stranger(url);
    await stranger.hello(key);
    await stranger.say(["auth", { token }]);
    heard.push(await Promise.race([stranger.socket.closed, ping(stranger)]), stranger.socket.of("err"));
    stranger.socket.close();
  }
  const { stdout, stderr } = await command.end();

  const files = readdirSync(place.folder).filter((name) => name.startsWith("tidemark.db"));
  const stored = files.map((name) => readFileSync(join(place.folder, name), "latin1"));
  expect(files.length).toBeGreaterThan(0);
  const said = [stdout, stderr, JSON.stringify(heard), ...stored].join("\n");
  expect(said).toContain("tokens were refused");
  for (const token of [...tokens, SECRET]) expect(said).not.toContain(token);
  // Nor the part of each that is the secret.
  for (const part of [key.slice(21), connect.slice(4), ...tokens.slice(5, 8).map((token) => token.split(".")[2] ?? "")])
    expect(said).not.toContain(part);
}, 30_000);

async function ping(stranger: Stranger): Promise<unknown> {
  await stranger.say(["ping", 1, []]);
  return stranger.socket.first("pong", 1);
}
