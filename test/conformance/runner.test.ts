// The command itself: what it says of wrong input, of servers and adapters that are not there, and of a run.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@tidemark/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientDialogues, serverDialogues } from "./dialogue/dialogue.js";
import { isObject } from "./dialogue/names.js";
import { OUR_ADAPTER } from "./our-adapter.js";
import { type Alter, Relay } from "./relay.js";
import { type OurServer, startOurServer } from "./server/our-server.js";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const SPEC = readFileSync(new URL("../../protocol/SPEC.md", import.meta.url), "utf8");

interface Run {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

function conformance(...args: readonly string[]): Promise<Run> {
  const argv = ["--conditions=source", "--import", "tsx", MAIN, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, (failure, out, error) => {
      resolve({ code: typeof failure?.code === "number" ? failure.code : 0, out, error });
    });
  });
}

it("has dialogues enough, each with a name of its own and rules that exist", () => {
  const server = serverDialogues();
  const client = clientDialogues();
  expect(server.length).toBeGreaterThanOrEqual(25);
  expect(client.length).toBeGreaterThanOrEqual(12);
  for (const dialogues of [server, client]) {
    const names = dialogues.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  }
  const rules = [...server, ...client].flatMap((dialogue) => dialogue.rules);
  expect(rules.filter((rule) => !SPEC.includes(`**${rule}**`))).toEqual([]);
});

it.concurrent.for([
  [["--url", "ws://127.0.0.1:1"], /^error: no server at ws:\/\/127\.0\.0\.1:1\/v1\/socket: .*ECONNREFUSED/],
  [["--url", "127.0.0.1:8787"], /It must be an address such as ws:\/\//],
  [["--only", "no such dialogue"], /error: no dialogue is named or about no such dialogue: --list/],
  [["--only", "hello-silence"], /error: everything that was chosen was left out/],
  [["--client", "true", "--url", "ws://x"], /cannot be used with option '--url/],
  [["--token", "nobody"], /error: the server at .* does not take the token "nobody": say with --token/],
  [["--client", "echo hello >&2; exit 3"], /^error: the adapter ended before it was ready \(with 3\): hello/],
] satisfies [string[], RegExp][])("says what is wrong with %j, and ends with 2", async ([args, message]) => {
  const { code, error } = await conformance(...args);
  expect(error).toMatch(message);
  expect(code).toBe(2);
});

it.concurrent("drives our own server when it is told no other", async () => {
  const { code, out, error } = await conformance("--only", "greeting", "--codec", "msgpack");
  expect(error).toBe("");
  expect(out).toMatch(/^driving our own server at ws:\/\/127\.0\.0\.1:\d+\nok {6}msgpack greeting\n1 held\n$/);
  expect(code).toBe(0);
});

it.concurrent("drives a client by its adapter, and says it in JSON", async () => {
  const { code, out } = await conformance("--client", OUR_ADAPTER, "--only", "HELLO-1", "--codec", "json", "--json");
  expect(
    out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { name: "greeting", file: "greeting", codec: "json", rules: ["HELLO-1", "FRAME-1"], outcome: "held" },
    { held: 1, skipped: 0, failed: 0 },
  ]);
  expect(code).toBe(0);
});

describe("a server that is wrong", () => {
  let server: OurServer;
  beforeAll(async () => {
    server = await startOurServer();
  });
  afterAll(() => server.close());

  const behind = async (alter: Alter, ...args: readonly string[]): Promise<Run> => {
    const relay = await Relay.listen(() => server.url, alter);
    try {
      return await conformance("--url", relay.url, ...args);
    } finally {
      await relay.close();
    }
  };

  it("ends a run with 1; it says step, rule and messages", async () => {
    const alter: Alter = () => ({ down: (message) => (message[0] === "welcome" ? [message, message] : [message]) });
    const { code, out } = await behind(alter, "--only", "greeting", "--codec", "json", "--patience", "2000");
    expect(out).toMatch(/FAILED {2}json {4}greeting\n +step \d+: \{"on":"a"/);
    expect(out).toMatch(/breaks HELLO-4 of protocol\/SPEC\.md\n +> \["hello"/);
    expect(out).toMatch(/1 FAILED, 0 held\n$/);
    expect(code).toBe(1);
  });

  it("is told which document types it lacks, and is not driven", async () => {
    const alter: Alter = () => ({
      up: ([type, about = null, ...rest]) => [[type, isObject(about) ? renamed(about) : about, ...rest]],
    });
    const { code, out, error } = await behind(alter, "--codec", "json");
    expect(error).toMatch(
      /^error: the server at .* does not serve board \(unknown_type\):\nprotocol\/dialogues\/README/,
    );
    expect(out).not.toMatch(/^ok|FAILED/m);
    expect(code).toBe(2);
  });

  it("is told that it says nothing", async () => {
    const alter: Alter = () => ({ down: () => [] });
    const { code, error } = await behind(alter, "--codec", "json", "--patience", "300");
    expect(error).toMatch(/^error: the server at .* does not speak Tidemark's version 1: /);
    expect(code).toBe(2);
  });
});

function renamed(about: JsonObject): JsonObject {
  const { doc } = about;
  return typeof doc === "string" ? { ...about, doc: doc.replace("board/", "plank/") } : about;
}
