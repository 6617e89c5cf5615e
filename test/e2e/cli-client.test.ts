import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Command, type Ended, Workplace } from "./cli/command-line.js";
import { todoApp } from "./cli/todo.js";

let place: Workplace;
let server: Command;
let url: string;

beforeAll(async () => {
  place = new Workplace();
  place.write("app.ts", todoApp());
  server = place.start(["dev", "app.ts", "--no-watch", "--port", "0", "--log", "silent"]);
  [url = ""] = await server.said(/http:\/\/[\d.:]+/);
});

afterAll(async () => {
  await place.close();
});

/** Runs a command against the server, as ann. */
const tidemark = (...args: string[]): Promise<Ended> =>
  place.run(args, { env: { TIDEMARK_URL: url, TIDEMARK_AS: "ann" } });
const start = (...args: string[]): Command => place.start(args, { env: { TIDEMARK_URL: url, TIDEMARK_AS: "ann" } });
const add = (key: string, text: string): Promise<Ended> =>
  tidemark("call", `todo/${key}`, "add", JSON.stringify({ text }), "--create", "--json");

describe.concurrent("call, get and list", { timeout: 60_000 }, () => {
  it("call sends a message, and says where it landed", async () => {
    const words = await tidemark("call", "todo/call", "add", '{"text":"buy milk"}', "--create");
    expect(words).toEqual({ code: 0, stdout: "applied as seq 2\n1\n", stderr: "" });
    const { code, stdout } = await add("call", "tea");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ result: 2, epoch: expect.any(Number), seq: 3 });
  });

  it("call asks a query, which takes no seq", async () => {
    await add("query", "one");
    expect(await tidemark("call", "todo/query", "count", "--json")).toEqual({
      code: 0,
      stdout: '{"result":1}\n',
      stderr: "",
    });
  });

  it("get prints a view, an older state, and with --raw what is stored, while the server runs", async () => {
    await add("get", "one");
    await add("get", "two");
    const view = await tidemark("get", "todo/get");
    expect(view.stdout).toBe(`todo/get at seq 3\n${JSON.stringify({ items: ["one", "two"] }, null, 2)}\n`);
    const older = await tidemark("get", "todo/get", "--seq", "2", "--json");
    expect(JSON.parse(older.stdout)).toMatchObject({ seq: 2, state: { items: ["one"] } });
    const raw = await tidemark("get", "todo/get", "--raw");
    expect(raw).toEqual(view);
  });

  it("list pages through keys", async () => {
    for (const key of ["page-a", "page-b"]) await add(key, "x");
    const first = await tidemark("list", "todo", "--after", "page", "--limit", "1");
    expect(first).toMatchObject({ code: 0, stdout: "page-a\n", stderr: "more: --after page-a\n" });
    const second = await tidemark("list", "todo", "--after", "page-a", "--limit", "1", "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({ keys: ["page-b"] });
  });

  it("reports an outcome nobody knows with exit code 4 [R8]", async () => {
    place.write("mortal.ts", todoApp());
    const mortal = place.start(["dev", "mortal.ts", "--no-watch", "--port", "0", "--data", "mortal.db"]);
    const [at = ""] = await mortal.said(/http:\/\/[\d.:]+/);
    const call = ["call", "todo/x", "die", "--create", "--as", "ann", "--url", at, "--deadline-ms", "6000"];
    const { code, stderr } = await place.run(call);
    expect(stderr).toMatch(/^unknown: .*\(deadline_exceeded\)\n.*Read the document/s);
    expect(code).toBe(4);
  });
});

describe.concurrent("what commands refuse", { timeout: 60_000 }, () => {
  const wrong: readonly [title: string, args: readonly string[], code: number, says: RegExp][] = [
    ["no command", [], 2, /Usage: tidemark/],
    ["an unknown command", ["cal"], 2, /unknown command 'cal'\n\(Did you mean call\?\)/],
    ["an unknown flag", ["get", "todo/a", "--jsn"], 2, /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    ["a missing argument", ["call", "todo/a"], 2, /missing required argument 'name'/],
    ["a malformed channel", ["publish", "a b", "say"], 2, /It must be 1 to 128 of A-Z a-z 0-9/],
    ["data that is not JSON", ["publish", "dogs", "say", "{"], 2, /the data/],
    ["a malformed id", ["get", "todo"], 2, /It must be type\/key, e\.g\. todo\/home/],
    ["a malformed key", ["tail", "todo/a b"], 2, /a key is 1 to 128 of A-Z a-z 0-9/],
    ["a malformed type", ["list", "to/do"], 2, /It must be a document type/],
    [
      "an input that is not JSON",
      ["call", "todo/a", "add", "{text: 1}"],
      2,
      /character 2 .* name in double quotes or "}"\n {2}\{text: 1\}\n {3}\^\n/,
    ],
    [
      "an input that ends too soon",
      ["call", "todo/a", "add", '{"a":[1,2'],
      2,
      /character 10 there should be "," or "\]"/,
    ],
    [
      "a creator's input that is not JSON",
      ["tail", "todo/a", "--create", "nope"],
      2,
      /--create is not JSON: at character 1/,
    ],
    [
      "a deadline that is no number",
      ["call", "todo/a", "add", "--deadline-ms", "soon"],
      2,
      /It must be a whole number from 1 to/,
    ],
    ["an address that is none", ["get", "todo/a", "--url", "localhost"], 2, /It must be an address such as http:/],
    ["a name with blanks", ["get", "todo/a", "--as", "a b"], 2, /It must be 1 to 128 of/],
    ["two identities", ["get", "todo/a", "--as", "ann", "--token", "x"], 2, /both say who you are/],
    ["--raw at a seq", ["get", "todo/a", "--raw", "--seq", "1"], 2, /--raw reads the newest state/],
    ["an unknown type", ["call", "nope/a", "add"], 3, /^refused: .*\(unknown_type\)\n.*documents/s],
    ["an unknown message", ["call", "todo/refused", "nope"], 3, /\(unknown_message\)/],
    [
      "an input off its schema",
      ["call", "todo/refused", "add", '{"text":1}'],
      3,
      /\(invalid_input\)\n {2}\/text: expected string, received number\n/,
    ],
    ["what the handler rejects", ["call", "todo/refused", "refuse"], 3, /\(rejected\)\n {2}reason: not_today\n/],
    ["an absent document", ["get", "todo/absent"], 3, /\(not_found\)\nCreate it: add --create/],
    ["a document that cannot be followed", ["tail", "todo/absent"], 3, /\(not_found\)/],
    ["a token that is refused", ["get", "todo/a", "--token", "nobody"], 3, /\(unauthenticated\)/],
    [
      "no server there",
      ["get", "todo/a", "--url", "http://127.0.0.1:1"],
      1,
      /no server answers at .*\n.*tidemark dev app.ts/,
    ],
    [
      "--raw without a file",
      ["get", "todo/a", "--raw", "--data", "none.db"],
      1,
      /there is no database .*none\.db .*\n.*--data/,
    ],
    ["--raw of another file", ["get", "todo/a", "--raw", "--data", "app.ts"], 1, /\(not_a_database\)/],
    ["--raw of an absent document", ["get", "todo/absent", "--raw"], 1, /holds no todo\/absent/],
  ];

  it.for(wrong)("%s", async ([, args, code, says]) => {
    if (code === 3) await add("refused", "x");
    const ended = await tidemark(...args);
    expect(ended.stderr).toMatch(says);
    expect(ended.stderr).not.toMatch(/^ {4}at /m);
    expect(ended.code).toBe(code);
    expect(ended.stdout).toBe("");
  });

  it("a command that is nobody", async () => {
    const ended = await place.run(["get", "todo/a", "--url", url]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("Add --as <id>") });
  });

  it("a server of another kind", async () => {
    const other = createServer((_, response) => response.writeHead(404).end("nothing here"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const ended = await tidemark("get", "todo/a", "--url", `http://127.0.0.1:${port}`);
    other.close();
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("is no Tidemark server") });
  });

  it("says the same as JSON with --json", async () => {
    await add("json", "x");
    const { stderr, code } = await tidemark("call", "todo/json", "refuse", "--json");
    expect(code).toBe(3);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: "rejected",
      reason: "not_today",
      outcome: "rejected",
    });
  });
});

describe("tail", { timeout: 60_000 }, () => {
  it("prints each change from now on, and ends after --count", async () => {
    const tail = start("tail", "todo/tail", "--create", "--count", "2");
    await tail.said(/following todo\/tail at seq 1/);
    for (const text of ["one", "two"]) await add("tail", text);
    expect((await tail.ended).code).toBe(0);
    expect(tail.lines).toMatchObject([
      { seq: 2, cause: "delta", patch: [{ op: "add", path: "/items/0", value: "one" }] },
      { seq: 3, cause: "delta", patch: [{ op: "add", path: "/items/1", value: "two" }] },
    ]);
  });

  it("prints the log from --after, transactions that change no state too, and what follows, to --until", async () => {
    await add("log", "one");
    const tail = start("tail", "todo/log", "--after", "0", "--events", "--until", "4");
    await tail.said(/"seq":2/);
    await tidemark("call", "todo/log", "cheer");
    await add("log", "two");
    expect((await tail.ended).code).toBe(0);
    expect(tail.lines.map(({ seq, events }) => [seq, events])).toEqual([
      [1, []],
      [2, [{ name: "added", data: { text: "one" } }]],
      [3, [{ name: "added", data: { text: "hooray" } }]],
      [4, [{ name: "added", data: { text: "two" } }]],
    ]);
  });

  it("[R4] goes on after the server was killed: nothing twice, nothing missing", async () => {
    const serve = (port: string): Command =>
      place.start(["dev", "app.ts", "--no-watch", "--port", port, "--data", "killed.db", "--log", "silent"]);
    const first = serve("0");
    const [at = "", port = ""] = await first.said(/http:\/\/[\d.]+:(\d+)/);
    const there = (...args: string[]): Command => place.start([...args, "--as", "ann", "--url", at]);
    const views = there("tail", "todo/x", "--create", "--until", "5");
    await views.said(/following/);
    const log = there("tail", "todo/x", "--after", "0", "--until", "5");
    for (const text of ["a", "b"]) await there("call", "todo/x", "add", JSON.stringify({ text })).ended;
    await Promise.all([views.said(/"seq":3/), log.said(/"seq":3/)]);
    await first.end("SIGKILL");
    await views.said(/the connection is lost/);
    const second = serve(port);
    await second.said(/http:/);
    for (const text of ["c", "d"]) await there("call", "todo/x", "add", JSON.stringify({ text })).ended;
    await Promise.all([views.ended, log.ended]);
    // What was missed may come in one piece.
    expect(views.lines.flatMap(({ patch }) => patch)).toEqual(
      ["a", "b", "c", "d"].map((value, index) => ({ op: "add", path: `/items/${index}`, value })),
    );
    expect(log.lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(views.stderr).toMatch(/is lost; trying again\nlive again at seq \d\n$/);
  });

  it("ends with 0 when interrupted", async () => {
    const tail = start("tail", "todo/interrupted", "--create");
    await tail.said(/following/);
    expect(await tail.end("SIGINT")).toMatchObject({ code: 0 });
  });

  it("ends quietly when its reader goes away", async () => {
    await add("reader", "one");
    const tail = start("tail", "todo/reader", "--after", "0");
    await tail.said(/"seq":2/);
    tail.process.stdout?.destroy();
    await add("reader", "two");
    expect(await tail.ended).toMatchObject({ code: 0 });
  });
});
