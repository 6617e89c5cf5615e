// The command itself: what it says of wrong input, of servers and adapters that are not there, and of a run.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { clientDialogues, serverDialogues } from "./dialogue/dialogue.js";

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
  [["--only", "no such dialogue"], /error: no dialogue is named no such dialogue: --list/],
  [["--client", "echo hello >&2; exit 3"], /^error: the adapter ended before it was ready \(with 3\): hello/],
] satisfies [string[], RegExp][])("says what is wrong with %j", async ([args, message]) => {
  const { code, error } = await conformance(...args);
  expect(error).toMatch(message);
  expect(code).toBe(1);
});

it.concurrent("drives our own server when it is told no other", async () => {
  const { code, out, error } = await conformance("--only", "greeting", "--codec", "msgpack");
  expect(error).toBe("");
  expect(out).toMatch(/^driving our own server at ws:\/\/127\.0\.0\.1:\d+\nok {6}msgpack greeting\n1 held\n$/);
  expect(code).toBe(0);
});

it.concurrent("ends with 1 and says step, rule and messages when something does not hold", async () => {
  // Everybody is the same person, whose token is none.
  const { code, out } = await conformance("--only", "greeting", "--codec", "json", "--token", "nobody");
  expect(out).toMatch(/FAILED {2}json {4}greeting\n +step 3: \{"on":"a","hear":\["welcome"/);
  expect(out).toMatch(/came +\["err",\{"code":"unauthenticated"/);
  expect(out).toMatch(/about HELLO-1, HELLO-4, REQ-18 of protocol\/SPEC\.md\n +> \["hello"/);
  expect(out).toMatch(/1 FAILED, 0 held\n$/);
  expect(code).toBe(1);
});
