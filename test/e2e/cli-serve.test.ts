import { existsSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "@tidemark/client";
import Database from "better-sqlite3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checksum } from "../../src/storage/sqlite/checksum.js";
import { type Command, Workplace } from "./cli/command-line.js";
import { todoApp } from "./cli/todo.js";

describe("serve", () => {
  let place: Workplace;

  beforeEach(() => {
    place = new Workplace();
    place.write("app.ts", todoApp({ authenticate: true }));
  });

  afterEach(() => place.close());

  it("prints its address as JSON with --json, and ends with 0 on SIGTERM", async () => {
    const server = place.start(["serve", "app.ts", "--port", "0", "--json"]);
    await server.said(/serving/);
    expect(server.lines).toEqual([
      {
        event: "serving",
        url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        app: "app.ts",
        data: "./tidemark.db",
        pid: server.process.pid,
      },
    ]);
    expect(await server.end("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
  });

  it("takes its settings from the environment; flags go first", async () => {
    const env = { TIDEMARK_PORT: "1", TIDEMARK_DATA: "env.db", TIDEMARK_HOST: "::1" };
    const server = place.start(["serve", "app.ts", "--port", "0"], { env });
    await server.said(/http:\/\/\[::1\]:\d{2,}/);
    expect(existsSync(place.path("env.db"))).toBe(true);
    await server.end();
  });

  it("[R1] answers what is in flight before it stops", async () => {
    const server = place.start(["serve", "app.ts", "--port", "0"]);
    const [url = ""] = await server.said(/http:\/\/[\d.:]+/);
    const tide = connect({ url, token: "user:ann" });
    const todo: { readonly stop?: () => Promise<unknown> } = Reflect.apply(tide.call, tide, ["todo", "x"]);
    await Reflect.apply(tide.service.create, tide.service, ["todo", "x", true]);
    // The handler itself makes the server stop, so that the signal comes before its own commit.
    expect(await todo.stop?.()).toBe("the last word");
    tide.close();
    expect(await server.ended).toMatchObject({ code: 0 });
  });
});

describe.concurrent("what serve refuses", { timeout: 60_000 }, () => {
  let place: Workplace;
  let running: Command;
  let stranger: ReturnType<typeof createServer>;

  beforeAll(async () => {
    place = new Workplace();
    place.write("app.ts", todoApp({ authenticate: true }));
    place.write("open.ts", todoApp());
    place.write("broken.ts", "export const app = {\n  documents: {,\n};\n");
    place.write("throws.ts", '\n\nthrow new TypeError("no luck");\n');
    place.write("nothing.ts", "export const apple = 1;\n");
    place.write("other.ts", "export const app = { documents: {} };\n");
    place.write("imports.ts", 'import "not-installed";\n');
    place.write(
      "definition.ts",
      'import { defineApp } from "tidemark";\nexport const app = defineApp({ documents: { a: 1 } } as never);\n',
    );
    place.write("text.db", "This is a letter to my aunt, and no database at all. ".repeat(100));
    running = place.start(["serve", "app.ts", "--port", "0", "--data", "used.db"]);
    stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    await running.said(/http:/);
    for (const name of ["newer.db", "damaged.db", "empty-key.db"]) {
      const server = place.start(["serve", "app.ts", "--port", "0", "--data", name]);
      await server.said(/http:/);
      await server.end();
    }
    makeNewer(place.path("newer.db"));
    makeDamaged(place.path("damaged.db"));
  });

  afterAll(async () => {
    stranger.close();
    await place.close();
  });

  const refused: readonly [title: string, args: readonly string[], code: number, says: RegExp][] = [
    [
      "a port that is no number",
      ["app.ts", "--port", "http"],
      2,
      /'--port <port>' argument 'http' is invalid\. It must be a whole number from 0 to 65535/,
    ],
    ["a port out of range", ["app.ts", "--port", "65536"], 2, /from 0 to 65535/],
    ["a negative port", ["app.ts", "--port", "-1"], 2, /from 0 to 65535|argument missing/],
    [
      "an unknown flag",
      ["app.ts", "--prot", "1"],
      2,
      /unknown option '--prot'\n\(Did you mean --port\?\)\n+See: tidemark serve --help/,
    ],
    ["too many edges", ["app.ts", "--edges", "65"], 2, /--edges.*whole number from 0 to 64/s],
    ["a flag of later versions", ["app.ts", "--nodes", "2"], 2, /unknown option '--nodes'/],
    [
      "a secret on the command line",
      ["app.ts", "--jwt-secret", "my-secret"],
      1,
      /^error: the file of --jwt-secret cannot be read \(ENOENT\) \(auth_invalid\)\n(?!.*my-secret).*takes the name of a file/,
    ],
    [
      "a key set for everybody",
      ["app.ts", "--jwks", "https://a.example/keys"],
      1,
      /without an issuer and an audience.*\(auth_invalid\)\n.*--jwt-issuer/,
    ],
    ["an audience without a key", ["app.ts", "--jwt-audience", "notes"], 1, /no key is given.*\(auth_invalid\)/],
    ["an unknown log level", ["app.ts", "--log", "loud"], 2, /Allowed choices are silent, error, warn, info, debug/],
    [
      "an origin with a path",
      ["app.ts", "--origins", "https://a.example/x"],
      2,
      /"https:\/\/a\.example\/x" is no origin/,
    ],
    [
      "no way to come in",
      ["--port", "0"],
      1,
      /nobody could come in: there is no way to say who one is \(auth_invalid\)/,
    ],
    ["an absent application", ["absent.ts"], 1, /there is no file .*absent\.ts \(app_invalid\)\nGive the path/],
    [
      "an application that does not compile",
      ["broken.ts"],
      1,
      /broken\.ts:2:14: ERROR: .*\(app_invalid\)\nMend the file/s,
    ],
    ["an application that throws", ["throws.ts"], 1, /does not load: no luck \(\/.*throws\.ts:3:\d+\) \(app_invalid\)/],
    [
      "an application that exports nothing",
      ["nothing.ts"],
      1,
      /nothing\.ts exports no application \(app_invalid\)\nExport it by name: `export const app/,
    ],
    ["an export that is no application", ["other.ts"], 1, /other\.ts is refused: .*defineApp.*\(app_invalid\)/],
    [
      "a definition that cannot work",
      ["definition.ts"],
      1,
      /definition\.ts is refused: .*documents\.a.*\(app_invalid\)/,
    ],
    ["an import that is not installed", ["imports.ts"], 1, /'not-installed'.*\(app_invalid\)\nRun `npm install/s],
    ["an application that lets nobody in", ["open.ts"], 1, /nobody could come in.*\(auth_invalid\)\n.*tidemark dev/],
    [
      "a file that is no database",
      ["app.ts", "--data", "text.db"],
      1,
      /text\.db is not a Tidemark database.*\(not_a_database\)\n.*--data/,
    ],
    [
      "a database of a newer format",
      ["app.ts", "--data", "newer.db"],
      1,
      /newer\.db has format 99.*\(newer_format\)\n/,
    ],
    [
      "a damaged database",
      ["app.ts", "--data", "damaged.db"],
      1,
      /damaged\.db is damaged.*\(database_damaged\)\n.*backup/,
    ],
    [
      "a database in use",
      ["app.ts", "--data", "used.db"],
      1,
      /another server is using .*used\.db \(database_locked\)\n.*--data/,
    ],
    [
      "a database nowhere",
      ["app.ts", "--data", "no/where.db"],
      1,
      /where\.db cannot be used.*\(storage_failed\)\n.*directory exists/,
    ],
  ];

  it.for(refused)("%s", async ([, args, code, says]) => {
    // A port of its own unless the case is about ports, so that nothing else can be what is refused.
    const port = args.includes("--port") ? [] : ["--port", "0"];
    const ended = await place.run(["serve", ...args, ...port]);
    expect(ended.stderr).toMatch(says);
    expect(ended.stderr).not.toMatch(/^ {4}at /m);
    expect(ended.code).toBe(code);
    expect(ended.stdout).toBe("");
  });

  it("leaves no database behind where nobody could come in", async () => {
    await place.run(["serve", "open.ts", "--port", "0", "--data", "fresh.db"]);
    expect(existsSync(place.path("fresh.db"))).toBe(false);
  });

  it("a port in use, without touching the file", async () => {
    const { port } = stranger.address() as AddressInfo;
    const ended = await place.run(["serve", "app.ts", "--port", String(port), "--data", "untouched.db"]);
    expect(ended.stderr).toMatch(new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use \\(port_in_use\\)\n.*--port`));
    expect(ended.code).toBe(1);
    expect(existsSync(place.path("untouched.db"))).toBe(false);
  });

  it("a wrong value in the environment, by its name", async () => {
    const ended = await place.run(["serve", "app.ts"], { env: { TIDEMARK_PORT: "many" } });
    expect(ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'many' from env 'TIDEMARK_PORT' is invalid"),
    });
  });

  it("leaves a file that is no database as it was", async () => {
    const before = readFileSync(place.path("text.db"));
    await place.run(["serve", "app.ts", "--port", "0", "--data", "text.db"]);
    expect(readFileSync(place.path("text.db"))).toEqual(before);
    expect(existsSync(place.path("text.db.lock"))).toBe(false);
  });

  it("dev tokens, which only dev takes", async () => {
    const [url = ""] = await running.said(/http:\/\/[\d.:]+/);
    const ended = await place.run(["get", "todo/a", "--as", "ann", "--url", url]);
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringMatching(/\(unauthenticated\)\n.*tidemark dev/) });
  });
});

function makeNewer(file: string): void {
  const db = new Database(file);
  db.prepare("UPDATE meta SET value = ?, crc = ? WHERE key = 'format'").run(99, checksum("format", 99));
  db.close();
}

/** A file that begins like a database and then is none. */
function makeDamaged(file: string): void {
  truncateSync(file, 8_192);
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(8_000, 0x5a), 0, 8_000, 150);
}
