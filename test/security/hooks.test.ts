// Hooks of an application that fail because somebody makes them, on a real server by real sockets: the one who asked hears a
// code, nobody hears what was thrown, and a bystander is served.
import { fileURLToPath } from "node:url";
import { CLOSE, type Json } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AttackedServer, helloOf } from "../support/attacked-server.js";
import type { RawFrames } from "../support/raw-frames.js";
import { SECRET } from "./apps/hooks.js";

const APP = fileURLToPath(new URL("./apps/hooks.ts", import.meta.url));

let attacked: AttackedServer;
let documents = 0;
beforeAll(async () => {
  attacked = await AttackedServer.start({ app: APP });
});
afterEach(() => attacked.after());
afterAll(() => attacked.stop());

const call = (n: number, target: Json, name: string, input: Json): Json => [
  "c",
  n,
  target,
  name,
  input,
  { born: Date.now() },
];

/** Somebody who follows a document of their own. */
async function follower(name = "mal"): Promise<{ readonly socket: RawFrames; readonly doc: string }> {
  documents += 1;
  const doc = `hooked/${documents}`;
  const socket = await attacked.enter(name);
  await socket.say(["open", { s: 1, doc, create: true }]);
  return { socket, doc };
}

const codesOf = (socket: RawFrames): unknown[] =>
  socket.heard.flatMap(([type, a, b]) => {
    if (type === "ended" || type === "err") return [Reflect.get(Object(a), "code")];
    return type === "no" ? [b] : [];
  });

async function expectOnly(socket: RawFrames, code: string): Promise<void> {
  await expect.poll(() => codesOf(socket), { timeout: 5_000 }).toEqual([code]);
  expect(JSON.stringify(socket.heard)).not.toContain(SECRET);
}

describe("a hook that throws", () => {
  it.each([
    ["canOpen", "denied"],
    ["shared", "handler_failed"],
    ["of", "handler_failed"],
  ])("[S29] [R19] %s, when the state has it so: those who follow are ended", async (hook, code) => {
    const { socket, doc } = await follower();
    await socket.hears("snap", 2);
    await socket.say(call(1, doc, "break", hook));
    expect((await socket.answer(1))[0]).toBe("ok");
    await expectOnly(socket, code);
    const another = await attacked.enter("bob");
    await another.say(["open", { s: 1, doc }]);
    await expectOnly(another, code);
  });

  it("[S29] [R19] key, for one viewer: others of the same document follow on", async () => {
    const { socket, doc } = await follower();
    await socket.hears("snap", 2);
    const keyless = await attacked.enter("keyless");
    await keyless.say(["open", { s: 1, doc }]);
    await expectOnly(keyless, "handler_failed");
    await socket.say(call(1, doc, "write", "still here"));
    await socket.hears("d");
  });

  it("[S29] [R19] an audience: nobody gets the event, and the transaction stands", async () => {
    const { socket, doc } = await follower();
    await socket.hears("snap", 2);
    await socket.say(call(1, doc, "tell", "audience"));
    expect((await socket.answer(1))[0]).toBe("ok");
    expect(JSON.stringify(socket.heard)).not.toContain("told");
    await socket.say(call(2, doc, "tell", "all"));
    await socket.answer(2);
    expect(JSON.stringify(socket.of("d"))).toContain("told");
  });

  it.each([
    ["a check of an input", (doc: string) => call(1, doc, "write", "mine"), "handler_failed"],
    ["a check of a state", (doc: string) => call(1, doc, "write", "state"), "handler_failed"],
    ["a check of an event", (doc: string) => call(1, doc, "tell", "mine"), "handler_failed"],
    ["a check of a signal", () => ["sig", 1, "wave", "mine"] as Json, "handler_failed"],
    ["a check of what is shown", () => ["pres", 1, { text: "mine" }] as Json, "handler_failed"],
    [
      "a check of parameters",
      (doc: string) => ["open", { s: 2, doc, params: { text: "mine" } }] as Json,
      "handler_failed",
    ],
  ])("[S29] [R19] %s", async (_what, say, code) => {
    const { socket, doc } = await follower();
    await socket.hears("snap", 2);
    await socket.say(say(doc));
    await expectOnly(socket, code);
    await socket.settled();
  });

  it.each([
    "throws",
    "rejects",
    "rejects with nothing",
    "a number",
    "an empty name",
    "no name",
    "a name that is a list",
    "roles that are none",
    "grants of everything",
    "a throwing getter",
    "the name of an API key",
  ])("[S29] [R18] authenticate, or one that answers with what it must not: %s", async (way) => {
    const socket = await attacked.socket();
    await socket.say(helloOf(way));
    expect(await socket.closed).toBe(CLOSE.unauthenticated);
    expect(socket.heard.map(([type]) => type)).toEqual(["err"]);
    expect(JSON.stringify(socket.heard)).not.toContain(SECRET);
    const asked = await fetch(`${attacked.url}/v1/whoami`, { headers: { authorization: `Bearer ${way}` } });
    expect([asked.status, await asked.text()]).toEqual([401, expect.not.stringContaining(SECRET)]);
  });
});
