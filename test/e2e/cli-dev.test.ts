import { existsSync, readFileSync, rmSync } from "node:fs";
import { connect } from "@tidemark/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Command, Workplace } from "./cli/command-line.js";
import { todoApp } from "./cli/todo.js";

describe("dev", { timeout: 60_000 }, () => {
  let place: Workplace;
  let url: string;

  beforeEach(() => {
    place = new Workplace();
    place.write("app.ts", todoApp());
  });

  afterEach(() => place.close());

  async function dev(...args: string[]): Promise<Command> {
    const server = place.start(["dev", "app.ts", "--port", "0", "--log", "silent", ...args]);
    [url = ""] = await server.said(/http:\/\/[\d.:]+/);
    return server;
  }

  const as = (...args: string[]): Command => place.start([...args, "--as", "ann", "--url", url]);
  const answers = async (): Promise<boolean> => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok ?? false;

  it("prints a call that works as typed", async () => {
    const server = await dev();
    const [, example = ""] = await server.said(/npx tidemark (call .*)\n/);
    const args = example.split(" ").map((word) => word.replaceAll("'", ""));
    expect(args).toEqual(["call", "todo/first", "add", '{"text":"text"}', "--as", "me", "--create", "--url", url]);
    expect(await place.run(args)).toMatchObject({ code: 0, stdout: "applied as seq 2\n1\n" });
  });

  it("[CHANNEL-1] serves channels without an application, with a publication that works as typed", async () => {
    const server = place.start(["dev", "--port", "0", "--log", "silent"]);
    const [, example = ""] = await server.said(/npx tidemark (publish .*)\n/);
    const args = example.split(" ").map((word) => word.replaceAll("'", ""));
    expect(await place.run(args)).toMatchObject({ code: 0, stdout: "published on lobby as seq 2\n" });
    const past = await place.run([
      "call",
      "channel/lobby",
      "history",
      "--json",
      "--as",
      "me",
      "--url",
      args.at(-1) ?? "",
    ]);
    expect(JSON.parse(past.stdout).result.messages).toEqual([[2, expect.any(Number), "say", { text: "hello" }]]);
  });

  it("[R4] restarts when the application changes, and followers go on", async () => {
    const server = await dev();
    const tail = as("tail", "todo/x", "--create", "--until", "3");
    await tail.said(/following/);
    await as("call", "todo/x", "add", '{"text":"before"}').ended;
    place.write("app.ts", todoApp({ extra: "shout: message((ctx) => { ctx.state.items.push('HEY'); })," }));
    await server.said(/app\.ts changed/);
    await server.said(/serving again at http:/);
    expect(await as("call", "todo/x", "shout").ended).toMatchObject({ code: 0 });
    expect(await tail.ended).toMatchObject({ code: 0 });
    expect(tail.lines.map(({ seq }) => seq)).toEqual([2, 3]);
  });

  it("restarts for an imported file, and not for what only lies beside it", async () => {
    place.write("words.ts", "export const word: string = 'one';\n");
    place.write("app.ts", `import { word } from "./words.js";\n${todoApp({ extra: "say: message(() => word)," })}`);
    const server = await dev();
    place.write("notes.ts", "not part of it");
    await as("call", "todo/x", "say", "--create").ended;
    place.write("words.ts", "export const word: string = 'two';\n");
    await server.said(/words\.ts changed/);
    await server.said(/serving again/);
    expect(await as("call", "todo/x", "say", "--json").ended).toMatchObject({
      stdout: expect.stringContaining('"two"'),
    });
    expect(server.stderr).not.toContain("notes.ts");
  });

  it("says where a file does not compile, waits for the next change, and goes on", async () => {
    const server = await dev();
    const tail = as("tail", "todo/x", "--create", "--count", "1");
    await tail.said(/following/);
    place.write("app.ts", `${todoApp()}\nconst = 1;\n`);
    await server.said(/app\.ts:\d+:6: ERROR: .*\(app_invalid\)\n.*\nWaiting for a change/);
    expect(await answers()).toBe(false);
    place.write("app.ts", todoApp());
    await server.said(/serving again/);
    await as("call", "todo/x", "add", '{"text":"after"}').ended;
    expect(await tail.ended).toMatchObject({ code: 0 });
    expect(server.stderr).not.toMatch(/^ {4}at /m);
  });

  it("waits for a first version that can be served, and for a file that is missing", async () => {
    place.write("app.ts", `import "./part.js";\n${todoApp()}`);
    const server = place.start(["dev", "app.ts", "--port", "0"]);
    await server.said(/Cannot find module .*part.*\n.*\nWaiting for a change/);
    place.write("part.ts", "export const part = 1;\n");
    await server.said(/tidemark dev is serving app\.ts at http/);
  });

  it("starts a server again that was killed", async () => {
    const server = await dev();
    const { stdout } = await as("call", "todo/x", "pid", "--create", "--json").ended;
    process.kill(JSON.parse(stdout).result, "SIGKILL");
    await server.said(/the server was ended by SIGKILL; starting it again/);
    await server.said(/serving again/);
  });

  it("ends its server with it, however it ends", async () => {
    const server = await dev();
    await server.end("SIGKILL");
    await vi.waitFor(async () => expect(await answers()).toBe(false), 10_000);
    const next = await dev();
    expect(await next.end("SIGINT")).toMatchObject({ code: 0 });
    expect(await answers()).toBe(false);
  });

  it("ends its server with it, even one that has just begun to start", async () => {
    const server = place.start(["dev", "app.ts", "--port", "0"]);
    const { pid = 0 } = server.process;
    const children = (): string => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    await vi.waitFor(() => expect(children()).not.toBe(""), { timeout: 10_000, interval: 1 });
    const child = Number(children());
    await server.end("SIGKILL");
    await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow("ESRCH"), 20_000);
  });

  it("ends at once on a second signal, with a server that hangs", async () => {
    place.write("app.ts", todoApp({ extra: 'hang: message(() => { console.log("hanging"); for (;;); }),' }));
    const server = await dev();
    const { stdout } = await as("call", "todo/x", "pid", "--create", "--json").ended;
    as("call", "todo/x", "hang");
    await server.said(/hanging/);
    server.process.kill("SIGINT");
    expect(await server.end("SIGTERM")).toMatchObject({ code: 1 });
    await vi.waitFor(() => expect(() => process.kill(JSON.parse(stdout).result, 0)).toThrow("ESRCH"), 10_000);
  });

  it("--reset starts anew, and says what it removes", async () => {
    const first = await dev();
    await as("call", "todo/x", "add", '{"text":"old"}', "--create").ended;
    await first.end();
    const second = await dev("--reset");
    expect(second.stderr).toContain("removed ./tidemark.db and everything in it (--reset)");
    expect(await as("get", "todo/x").ended).toMatchObject({ code: 3, stderr: expect.stringContaining("not_found") });
    expect(await place.run(["dev", "app.ts", "--reset"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/another server is using .*\(database_locked\)/),
    });
    expect(await as("list", "todo").ended).toMatchObject({ code: 0 });
  });

  it("--reset removes nothing but databases", async () => {
    const letter = "Dear aunt, ".repeat(500);
    place.write("letter.txt", letter);
    expect(await place.run(["dev", "app.ts", "--reset", "--data", "letter.txt"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("not_a_database"),
    });
    expect(readFileSync(place.path("letter.txt"), "utf8")).toBe(letter);
    expect(existsSync(place.path("letter.txt.lock"))).toBe(false);
  });

  it("refuses what waiting would not mend", async () => {
    expect(await place.run(["dev", "absent.ts"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("there is no file"),
    });
    place.write("letter.txt", "Dear aunt, ".repeat(500));
    expect(await place.run(["dev", "app.ts", "--port", "0", "--data", "letter.txt"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("not_a_database"),
    });
    const server = await dev();
    const taken = await place.run(["dev", "app.ts", "--port", new URL(url).port, "--data", "other.db"]);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringMatching(/is in use \(port_in_use\)\n.*--port/) });
    expect(existsSync(place.path("other.db"))).toBe(false);
    await server.end();
  });

  it("--no-watch serves in one process", async () => {
    const server = await dev("--no-watch", "--json");
    expect(server.lines).toMatchObject([{ event: "serving", pid: server.process.pid }]);
    const tide = connect({ url, token: "dev:ann" });
    expect(await tide.service.whoami()).toMatchObject({ id: "ann" });
    tide.close();
    rmSync(place.path("app.ts"));
    expect(await server.end()).toMatchObject({ code: 0 });
  });
});
