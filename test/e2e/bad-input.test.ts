import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Change, connect, type OpenDocument, type Tide, TidemarkError } from "@tidemark/client";
import {
  type App,
  CLOSE,
  type ClientMessage,
  CODECS,
  type Codec,
  type Contract,
  ERRORS,
  type ErrorCode,
  type Hello,
  LIMITS,
} from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Frame, RawSocket } from "../support/raw-socket.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import { HOSTILE, SECRET } from "./apps/faulty.js";

type Anything = App<{ readonly [type: string]: Contract }>;

const APP = fileURLToPath(new URL("./apps/faulty.ts", import.meta.url));

let folder: string;
let server: ServerProcess;
/** Rejects when the server's process ends: no case is left to wait for its deadline. */
let died: Promise<never>;
let caller: Tide<Anything>;
/** What bad input is sent to. */
let victim: OpenDocument<Anything, string>;
/** Those that must not notice: another document on the same connection, and one on a connection of its own. */
let bystanders: Bystander[];

class Bystander {
  readonly tide: Tide<Anything>;
  readonly document: OpenDocument<Anything, string>;
  readonly changes: Change[] = [];
  readonly statuses: string[] = [];

  constructor(tide: Tide<Anything>, key: string) {
    this.tide = tide;
    this.document = tide.open("faulty", key, { create: true });
  }

  async begin(): Promise<void> {
    await add(this.document);
    this.document.subscribe((_, change) => this.changes.push(change));
    this.document.onStatus((status) => this.statuses.push(status));
    this.tide.onStatus((status) => this.statuses.push(status));
    this.changes.length = 0;
  }

  /** It gets the next delta, and nothing came between. */
  async expectUndisturbed(): Promise<void> {
    const seq = this.document.position?.seq ?? expect.fail("it follows nothing");
    await add(this.document);
    expect(this.changes.splice(0)).toMatchObject([{ cause: "delta", at: { seq: seq + 1 } }]);
    expect(this.statuses).toEqual([]);
  }
}

const add = (document: OpenDocument<Anything, string>): Promise<unknown> =>
  (document.send.add ?? expect.fail("no such message"))({ by: 1 });
const call = (key: string, name: string, input?: unknown, type = "faulty"): Promise<unknown> =>
  (caller.call(type, key)[name] ?? expect.fail("no such message"))(input);
const connectAs = (token: string, codec: "json" | "msgpack" = "json"): Tide<Anything> =>
  connect<Anything>({ url: server.url, token, codec });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  server = await startServerProcess({ app: APP, data: join(folder, "test.db") });
  died = once(server.process, "exit").then(() => Promise.reject(new Error(`the server died: ${server.stderr()}`)));
  died.catch(() => undefined);
  caller = connectAs("user:bob", "msgpack");
  victim = caller.open("faulty", "victim", { create: true });
  await add(victim);
  for (const key of ["rule", "closed"]) await caller.service.create("faulty", key, true);
  bystanders = [new Bystander(caller, "neighbour"), new Bystander(connectAs("user:ann"), "elsewhere")];
  for (const bystander of bystanders) await bystander.begin();
});

afterEach(async () => {
  for (const bystander of bystanders) await Promise.race([bystander.expectUndisturbed(), died]);
});

afterAll(async () => {
  for (const { tide } of bystanders) tide.close();
  expect(server.process.exitCode).toBeNull();
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A registered refusal: certainly not applied, with a hint, and without a word of what the application threw. */
function expectRefusal(error: unknown, code: ErrorCode): void {
  if (!(error instanceof TidemarkError)) throw new Error(`no TidemarkError: ${String(error)}`);
  const { retry, fault, hint } = ERRORS[code];
  expect(error).toMatchObject({ code, outcome: "rejected", retry, fault, hint });
  expect(JSON.stringify([error.message, error.data, error.reason])).not.toContain(SECRET);
}

/** What is done takes no seq of the victim's and leaves nothing in it: the next transaction follows on the last one. */
async function expectUntouched(done: () => Promise<void>): Promise<void> {
  const { head } = await Promise.race([victim.probe(), died]);
  const { state } = victim;
  await done();
  expect(await Promise.race([victim.probe(), died])).toMatchObject({ head, seq: head });
  expect(victim.state).toBe(state);
  // What the server holds in memory, not what it told its followers.
  expect((await caller.service.get("faulty", "victim")).state).toEqual(state);
  expect(await add(victim)).toBe(head + 1);
  expect(victim.position?.seq).toBe(head + 1);
}

async function refusalOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    (result) => expect.fail(`it was taken: ${JSON.stringify(result)}`),
    (error: unknown) => error,
  );
}

/** [what, its code, how]. */
type Case = readonly [string, ErrorCode, () => Promise<unknown>];

const cyclic: { self?: object } = {};
cyclic.self = cyclic;

const addresses: readonly Case[] = [
  ["a call to an unknown type", "unknown_type", () => call("a", "add", { by: 1 }, "nothing")],
  ["a call of an unknown message", "unknown_message", () => call("victim", "nothing")],
  ["a call of a reserved name", "unknown_message", () => call("victim", "$create")],
  ["a call of a name every object has", "unknown_message", () => call("victim", "hasOwnProperty")],
  ["a call of __proto__", "unknown_message", () => call("victim", "__proto__")],
  ["a call to a malformed key", "invalid_key", () => call("a b", "add", { by: 1 })],
  ["a call to a key that climbs", "invalid_key", () => call("..", "add", { by: 1 })],
  ["a call to a key of 129", "invalid_key", () => call("k".repeat(129), "add", { by: 1 })],
  ["a call to a malformed type", "invalid_key", () => call("a", "add", { by: 1 }, "1 OR 1=1")],
  ["a call to an absent document", "not_found", () => call("absent", "add", { by: 1 })],
  ["create of a malformed key", "invalid_key", () => caller.service.create("faulty", "a/b", true)],
  ["create of an unknown type", "unknown_type", () => caller.service.create("nothing", "a", true)],
  ["create of what exists", "already_exists", () => caller.service.create("faulty", "victim", true)],
  ["get of an absent document", "not_found", () => caller.service.get("faulty", "absent")],
  ["list of an unknown type", "unknown_type", () => caller.service.list("nothing")],
];

const inputs: readonly Case[] = [
  ["a text for a number", "invalid_input", () => call("victim", "add", { by: "1" })],
  ["a fraction for an integer", "invalid_input", () => call("victim", "add", { by: 0.5 })],
  ["nothing", "invalid_input", () => call("victim", "add")],
  ["an array", "invalid_input", () => call("victim", "add", [1])],
  ["an input where none is asked for", "invalid_input", () => call("victim", "throwNothing", { x: 1 })],
  ["a Date", "invalid_input", () => call("victim", "add", { by: new Date(0) })],
  ["a Map", "invalid_input", () => call("victim", "add", new Map([["by", 1]]))],
  ["NaN", "invalid_input", () => call("victim", "add", { by: Number.NaN })],
  ["a cycle", "invalid_input", () => call("victim", "add", cyclic)],
  ["the key __proto__", "invalid_input", () => call("victim", "add", JSON.parse('{"by":1,"__proto__":{"by":2}}'))],
  ["2 MiB", "too_large", () => call("victim", "add", { by: 1, more: "x".repeat(2_097_152) })],
];

const handlers: readonly Case[] = [
  ["throws after it wrote and emitted", "handler_failed", () => call("victim", "throwAfterWriting")],
  ["throws undefined", "handler_failed", () => call("victim", "throwNothing")],
  ["overflows the stack", "handler_failed", () => call("victim", "overflowStack")],
  ["returns a promise", "handler_failed", () => call("victim", "returnPromise")],
  ["returns a promise that rejects", "handler_failed", () => call("victim", "rejectLater")],
  ["stores the key __proto__", "invalid_state", () => call("victim", "storeKey")],
  ["stores what its schema does not allow", "invalid_state", () => call("victim", "storeMisfit")],
  ["stores 2 MiB", "invalid_state", () => call("victim", "storeMuch", { text: "x", times: 2_097_152 })],
  [
    "stores what takes 3 MiB as JSON",
    "too_large",
    () => call("victim", "storeMuch", { text: "\u0001", times: 524_288 }),
  ],
  ["emits what its schema does not allow", "invalid_state", () => call("victim", "emitMisfit")],
  ["emits an event nobody declared", "invalid_state", () => call("victim", "emitUndeclared")],
  ["returns more than a receipt may hold", "too_large", () => call("victim", "answerMuch", { bytes: 65_536 })],
  ["refuses", "rejected", () => call("victim", "refuse", {})],
  ["refuses with data", "rejected", () => call("victim", "refuse", { data: { days: [1], why: { weather: "rain" } } })],
  ["refuses with data that is none", "invalid_state", () => call("victim", "refuseWithDate")],
  ["has a rule that throws", "denied", () => call("victim", "forbidden", {})],
  ["is a query that throws", "handler_failed", () => call("victim", "askThrows")],
  ["is a query that returns a promise that rejects", "handler_failed", () => call("victim", "askPromise")],
  ["is a query that returns a Date", "invalid_state", () => call("victim", "askDate")],
  ["is a query that writes", "handler_failed", () => call("victim", "askWrites")],
];

const rules: readonly Case[] = [
  ["canCreate", "denied", () => caller.service.create("faulty", "rule-throws", true)],
  ["canOpen, for a reader", "denied", () => caller.service.get("faulty", "closed")],
  ["canOpen, for a writer", "denied", () => call("closed", "add", { by: 1 })],
  ["canDelete", "denied", () => caller.service.delete("faulty", "victim")],
  ["canHistory", "denied", () => caller.service.history("faulty", "victim")],
  ["canList", "denied", () => caller.service.list("faulty")],
  ["init", "handler_failed", () => caller.service.create("faulty", "init-throws", true)],
  ["init, by its state", "invalid_state", () => caller.service.create("faulty", "init-misfit", true)],
];

const stored = Object.keys(HOSTILE).flatMap((what): Case[] => [
  [`stores: ${what}`, "invalid_state", () => call("victim", "store", { what })],
  // No result is a result.
  ...(what === "undefined"
    ? []
    : [[`returns: ${what}`, "invalid_state", () => call("victim", "answer", { what })] satisfies Case]),
]);

describe.each([
  ["[R19] [ID-1] an address", addresses],
  ["[R19] [REQ-15] an input", inputs],
  ["[S29] [R19] [REQ-15] a handler", handlers],
  ["[R19] [FRAME-10] [REQ-15] a handler", stored],
  ["[S29] [R19] [R18] a failing rule", rules],
])("%s", (_, cases) => {
  it.each(cases)("%s: %s", async (_what, code, does) => {
    await expectUntouched(async () => expectRefusal(await refusalOf(Promise.race([does(), died])), code));
  });
});

const [json = expect.fail(), msgpack = expect.fail()] = CODECS;
const frame = (codec: Codec, ...messages: readonly ClientMessage[]): Frame =>
  codec.join(messages.map((message) => codec.encode(message)));
const hello = (changed: Partial<Hello> = {}): ClientMessage => [
  "hello",
  { v: 1, client: randomBytes(16).toString("hex"), conn: 1, sdk: "test/1", caps: [], token: "user:eve", ...changed },
];
const greeted = (...frames: readonly Frame[]): readonly Frame[] => [frame(json, hello()), ...frames];
const nestedArrays = (levels: number): string => `[${"[".repeat(levels)}${"]".repeat(levels)}]`;
const born = 1;
const opening = (s: number, doc: string): ClientMessage => ["open", { s, doc }];
const calling = (target: string | number, name: string): string =>
  JSON.stringify([["c", 1, target, name, null, { born }]]);

/** [what, its code, the close code, codec, frames]. */
const breaches: readonly (readonly [string, ErrorCode, number, Codec, readonly Frame[]])[] = [
  ["[FRAME-4] no JSON", "protocol_error", CLOSE.protocolError, json, greeted("nonsense")],
  ["[FRAME-4] JSON cut short", "protocol_error", CLOSE.protocolError, json, greeted('[["ping",1,')],
  ["[FRAME-4] JSON that is no list", "protocol_error", CLOSE.protocolError, json, greeted("{}")],
  ["[S16] [FRAME-4] msgpack cut short", "protocol_error", CLOSE.protocolError, msgpack, [Buffer.from([0x92, 0xa1])]],
  [
    "[S16] [FRAME-4] msgpack that lies about length",
    "protocol_error",
    CLOSE.protocolError,
    msgpack,
    [Buffer.from("dd7fffffff", "hex")],
  ],
  [
    "[S16] [FRAME-5] a msgpack extension",
    "protocol_error",
    CLOSE.protocolError,
    msgpack,
    [Buffer.from("d6ff00000000", "hex")],
  ],
  ["[FRAME-1] bytes for text", "protocol_error", CLOSE.protocolError, json, [Buffer.from("[]")]],
  ["[FRAME-1] text for bytes", "protocol_error", CLOSE.protocolError, msgpack, ["[]"]],
  [
    "[S12] [FRAME-6] the key __proto__",
    "protocol_error",
    CLOSE.protocolError,
    json,
    greeted('[["ping",1,[],{"__proto__":{}}]]'),
  ],
  [
    "[S12] [FRAME-6] __proto__ in disguise",
    "protocol_error",
    CLOSE.protocolError,
    json,
    greeted('[["ping",1,[],{"\\u005f_proto__":{}}]]'),
  ],
  ["[FRAME-7] a number that overflows", "protocol_error", CLOSE.protocolError, json, greeted('[["ping",1e999,[]]]')],
  ["[S19] [FRAME-3] a byte too many", "too_large", CLOSE.tooLarge, json, greeted(" ".repeat(LIMITS.frameBytesMax + 1))],
  ["[S15] [FRAME-3] 70 levels", "too_large", CLOSE.tooLarge, json, greeted(nestedArrays(70))],
  ["[S15] [FRAME-3] 500,000 levels", "too_large", CLOSE.tooLarge, json, greeted(nestedArrays(500_000))],
  ["[S15] [FRAME-3] 500,000 levels of msgpack", "too_large", CLOSE.tooLarge, msgpack, [Buffer.alloc(500_000, 0x91)]],
  ["[FRAME-8] an unknown message", "protocol_error", CLOSE.protocolError, json, greeted('[["jump",1]]')],
  ["[FRAME-8] a message of another shape", "protocol_error", CLOSE.protocolError, json, greeted('[["c","1"]]')],
  ["[FRAME-8] an empty message", "protocol_error", CLOSE.protocolError, json, greeted("[[]]")],
  ["[HELLO-1] a call before hello", "protocol_error", CLOSE.protocolError, json, [calling("faulty/victim", "add")]],
  ["[HELLO-1] hello twice in a frame", "protocol_error", CLOSE.protocolError, json, [frame(json, hello(), hello())]],
  ["[HELLO-3] another version", "unsupported_version", CLOSE.unsupportedVersion, json, [frame(json, hello({ v: 2 }))]],
  ["[HELLO-3] no token", "unauthenticated", CLOSE.unauthenticated, json, [frame(json, hello({ token: "" }))]],
  [
    "[HELLO-3] a token that makes authenticate throw",
    "unauthenticated",
    CLOSE.unauthenticated,
    json,
    [frame(json, hello({ token: "x" }))],
  ],
];

describe("[R19] [ERR-3] a frame", () => {
  it.each(breaches)("%s: %s", async (_what, code, closeCode, codec, frames) => {
    const socket = new RawSocket(server.url, codec);
    const [first = "", ...then] = frames;
    await expectUntouched(async () => {
      await socket.say([first]);
      if (then.length > 0) await Promise.race([socket.first("welcome"), died]);
      await socket.say(then);
      expect(await Promise.race([socket.closed, died])).toBe(closeCode);
    });
    const { retry, fault } = ERRORS[code];
    expect(socket.of("err")).toMatchObject([["err", { code, retry, fault, message: expect.stringMatching(/\w/) }]]);
    expect(JSON.stringify(socket.of("err"))).not.toContain(SECRET);
  });

  it.each([
    ["[OPEN-2] an s that does not rise", [opening(2, "faulty/elsewhere"), opening(1, "faulty/victim")]],
    ["[OPEN-2] a document opened twice", [opening(1, "faulty/victim"), opening(2, "faulty/victim")]],
    ["[HELLO-1] a second hello", [hello()]],
  ] as const)("%s: protocol_error", async (_what, messages) => {
    const socket = new RawSocket(server.url, json);
    await socket.say(greeted());
    await socket.first("welcome");
    await socket.say([frame(json, ...messages)]);
    expect(await Promise.race([socket.closed, died])).toBe(CLOSE.protocolError);
    expect(socket.of("err")).toMatchObject([["err", { code: "protocol_error" }]]);
  });

  it.each([
    ["past what is read at all", greeted(), " ".repeat(2 * LIMITS.frameBytesMax + 1), 1009],
    ["past what is read of strangers", [], " ".repeat(LIMITS.helloBytesMax + 1), CLOSE.tooLarge],
    ["that is not UTF-8", [], Buffer.from([0xc3, 0x28]), CLOSE.protocolError],
  ] as const)("%s ends its connection only", async (_what, before, bytes, closeCode) => {
    const socket = new RawSocket(server.url, json);
    await socket.say(before);
    if (before.length > 0) await socket.first("welcome");
    await socket.sayText(bytes);
    expect(await Promise.race([socket.closed, died])).toBe(closeCode);
  });
});

describe("[R19] [OPEN-1] what is wrong with one stream or call ends that alone", () => {
  it.each([
    ["a malformed id", "faulty/a b", "invalid_key"],
    ["an id that climbs", "faulty/..", "invalid_key"],
    ["no id at all", "", "invalid_key"],
    ["an unknown type", "nothing/a", "unknown_type"],
    ["an absent document", "faulty/absent", "not_found"],
    ["a document whose canOpen throws", "faulty/closed", "denied"],
  ] as const)("open of %s", async (_what, doc, code) => {
    const socket = new RawSocket(server.url, json);
    await socket.say(greeted());
    await socket.first("welcome");
    await socket.say([frame(json, opening(1, doc), opening(2, "faulty/elsewhere"))]);
    expect(await Promise.race([socket.first("ended"), died])).toMatchObject([
      "ended",
      { s: 1, code, retry: ERRORS[code].retry },
    ]);
    await socket.first("snap");
    socket.close();
  });

  it.each([
    ["a subscription that is none", 7, "add", "not_found"],
    ["a malformed id", "faulty", "add", "invalid_key"],
    ["the service, by a name it does not have", "$", "drop", "unknown_message"],
    ["the service, without a document", "$", "get", "invalid_key"],
    ["a name of 128 dollars", "faulty/victim", "$".repeat(128), "unknown_message"],
  ] as const)("a call to %s", async (_what, target, name, code) => {
    const socket = new RawSocket(server.url, json);
    await socket.say(greeted());
    await socket.first("welcome");
    await socket.say([calling(target, name)]);
    const { retry, fault } = ERRORS[code];
    expect(await Promise.race([socket.first("no", 1), died])).toMatchObject([
      "no",
      1,
      code,
      expect.any(String),
      { retry, fault },
    ]);
    await socket.say([frame(json, ["ping", 5, []])]);
    await socket.first("pong", 5);
    socket.close();
  });
});
