// Attacks by quantity over sockets, each message of which is right by itself, on a real server that serves a bystander
// meanwhile and after each.
import { fileURLToPath } from "node:url";
import { CLOSE, type Json, LIMITS } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AttackedServer, helloOf } from "../support/attacked-server.js";
import { frame, type RawFrames, TEXT } from "../support/raw-frames.js";

const APP = fileURLToPath(new URL("./apps/plaza.ts", import.meta.url));
const MB = 1_000_000;

let attacked: AttackedServer;
beforeAll(async () => {
  attacked = await AttackedServer.start({ app: APP, args: ["--connections-max", "200", "--figures-ms", "1000"] });
});
afterEach(() => attacked.after());
afterAll(() => attacked.stop());

const born = (): Json => ({ born: Date.now() });
const call = (n: number, target: Json, name: string, input: Json = null): Json => ["c", n, target, name, input, born()];
const list = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));
/** A frame of so many messages, ready to be sent. */
const packed = (count: number, make: (index: number) => Json): Buffer => frame(TEXT, JSON.stringify(list(count, make)));

/** A board with so much in it. */
async function boardOf(key: string, bytes: number): Promise<void> {
  const owner = await attacked.enter(`owner-of-${key}`);
  await owner.say(call(1, "$", "create", { doc: `board/${key}` }), call(2, `board/${key}`, "write", "x".repeat(bytes)));
  expect((await owner.answer(2))[0]).toBe("ok");
  owner.tcp.destroy();
}

/** The last of these to come: an answer, or the end with this code. */
const ending = (socket: RawFrames, heard: Promise<unknown>): Promise<unknown> =>
  Promise.race([
    heard.then(
      () => "heard",
      () => socket.closed,
    ),
    socket.closed,
  ]);

const codeOf = (message: Json[] | undefined): unknown => Reflect.get(Object(message?.[1]), "code");

describe("a flood", () => {
  it("[S21] [HEAD-6] of pings on many subscriptions ends its connection before it keeps others waiting", async () => {
    const socket = await attacked.enter("mal");
    await socket.send(packed(900, (s) => ["open", { s, doc: `board/ping-${s}`, create: true }]));
    await socket.hears("snap", 900);
    const pings = packed(50_000, () => ["ping", 1, [1, 1, 1]]);
    await socket.send(pings);
    expect(await socket.closed).toBe(CLOSE.overloaded);
    // Each answer is a whole round of heads.
    expect(socket.of("pong").length).toBeLessThan((LIMITS.headsBurst / 900) * 20);
  });

  it("[S21] [HEAD-6] of plain pings ends its connection too", async () => {
    const socket = await attacked.enter("mal");
    for (let n = 0; n < 4; n += 1) await socket.send(packed(30_000, () => ["ping", 1, []]));
    expect(await socket.closed).toBe(CLOSE.overloaded);
    expect(socket.of("pong").length).toBeLessThan(2 * LIMITS.headsBurst);
  });

  it("[S21] [VIEW-4] of views with parameters of a megabyte is refused, and nothing is kept of it", async () => {
    const before = attacked.residentBytes();
    const socket = await attacked.enter("mal");
    for (let s = 1; s <= 60; s += 1) {
      const params = { about: `${s}${"x".repeat(900_000)}` };
      await socket.say(["open", { s, doc: "board/params", create: true, params }]);
    }
    await socket.hears("ended", 60);
    expect(new Set(socket.of("ended").map(codeOf))).toEqual(new Set(["too_large"]));
    expect(attacked.residentBytes() - before).toBeLessThan(200 * MB);
    await socket.say(["open", { s: 61, doc: "board/params", create: true, params: { about: "x".repeat(4_000) } }]);
    await socket.hears("snap");
  });

  it("[S21] [OPEN-1] of openings is refused past their number, each by itself", async () => {
    const socket = await attacked.enter("mal");
    const count = LIMITS.subscriptionsMax + 500;
    await socket.send(packed(count, (s) => ["open", { s, doc: `board/open-${s}`, create: true }]));
    await socket.hears("snap", LIMITS.subscriptionsMax);
    await socket.hears("ended", 500);
    expect(new Set(socket.of("ended").map(codeOf))).toEqual(new Set(["limit_reached"]));
    expect(socket.of("opened")).toHaveLength(LIMITS.subscriptionsMax);
  });

  it("[S21] [VIEW-7] of views of one document is refused past their number", async () => {
    const socket = await attacked.enter("mal");
    await socket.send(packed(100, (s) => ["open", { s, doc: "board/views", create: true, params: { about: `${s}` } }]));
    await socket.hears("ended", 100 - LIMITS.viewsPerConnectionMax);
    await socket.hears("snap");
    expect(new Set(socket.of("ended").map(codeOf))).toEqual(new Set(["limit_reached"]));
  });

  it("[S21] of calls beyond those that may be under way ends its connection, and no other of the same person", async () => {
    const other = await attacked.enter("mal");
    const socket = await attacked.enter("mal");
    await socket.send(packed(LIMITS.inFlightMax * 4, (n) => call(n + 1, "board/calls", "write", "x")));
    expect(await socket.closed).toBe(CLOSE.overloaded);
    await other.settled();
  });

  it("[S21] [R14] [OPEN-10] of names that do not exist is cut off, and fills no memory", async () => {
    const before = attacked.residentBytes();
    const opening = await attacked.enter("ida");
    const frames = list(15, (f) => packed(1_000, (s) => ["open", { s: f * 1_000 + s, doc: `board/none-${f}-${s}` }]));
    for (const [index, bytes] of frames.entries()) {
      await opening.send(bytes);
      await opening.hears("ended", (index + 1) * 1_000);
    }
    expect(new Set(opening.of("ended").map(codeOf))).toEqual(new Set(["not_found", "rate_limited"]));
    expect(opening.of("ended").filter((one) => codeOf(one) === "not_found").length).toBeLessThan(13_000);
    // By calls of the same person, over a connection of their own: nothing is left for them.
    const calling = await attacked.enter("ida");
    await calling.send(packed(200, (n) => call(n + 1, `board/nothing-${n}`, "write", "x")));
    expect(await calling.closed).toBe(CLOSE.overloaded);
    expect(calling.of("no").map(([, , code]) => code)).toContain("rate_limited");
    // Of whom it was is all that counts.
    const stranger = await attacked.enter("jon");
    await stranger.say(["open", { s: 1, doc: "board/jon", create: true }]);
    await stranger.hears("snap");
    expect(attacked.residentBytes() - before).toBeLessThan(200 * MB);
  });

  it("[S21] [OPEN-10] of new documents is cut off at the same rate", async () => {
    const socket = await attacked.enter("kim");
    let n = 0;
    for (let f = 0; f < 100 && socket.tcp.writable; f += 1) {
      await socket.send(packed(250, () => call(++n, "$", "create", { doc: `board/new-${n}` })));
      await ending(socket, socket.answer(n));
    }
    expect(await socket.closed).toBe(CLOSE.overloaded);
    expect(socket.of("ok").length).toBeGreaterThanOrEqual(LIMITS.documentLoadsBurst);
    expect(socket.of("ok").length).toBeLessThan(LIMITS.documentLoadsBurst + 20 * LIMITS.documentLoadsPerSecond);
  });

  it("[S21] [HELLO-7] of connections of one person is refused past their number, and others come in", async () => {
    const open = await Promise.all(list(200, () => attacked.enter("lou")));
    const more = await attacked.socket();
    await more.say(helloOf("user:lou"));
    expect(await more.closed).toBe(CLOSE.overloaded);
    expect(more.of("err").map(codeOf)).toEqual(["limit_reached"]);
    await attacked.enter("mia");
    open[0]?.tcp.destroy();
    await expect
      .poll(async () => {
        const again = await attacked.socket();
        await again.say(helloOf("user:lou"));
        return ending(again, again.hears("welcome"));
      })
      .toBe("heard");
  });

  it("[S21] of hellos: the first counts, each further one ends its connection", async () => {
    const socket = await attacked.socket();
    const hello = helloOf("user:mal");
    await socket.send(packed(50, () => hello));
    expect(await socket.closed).toBe(CLOSE.protocolError);
  });

  it("[S21] [HELLO-5] of connections that take each other's place leaves one", async () => {
    const named = (conn: number): Json => helloOf("user:mal", { client: "f".repeat(32), conn });
    const sockets = await Promise.all(list(100, () => attacked.socket()));
    await Promise.all(sockets.map((socket, conn) => socket.say(named(conn + 1))));
    await Promise.all(sockets.map((socket) => ending(socket, socket.hears("welcome"))));
    const [last] = sockets.slice(-1);
    await last?.settled();
    for (const socket of sockets.slice(0, -1)) expect(await socket.closed).toBe(CLOSE.replaced);
  });

  it("[S21] of tokens to refresh with is checked one at a time", async () => {
    const socket = await attacked.enter("mal");
    const tokens = packed(20_000, () => ["auth", { token: "user:mal" }]);
    for (let n = 0; n < 10; n += 1) await socket.send(tokens);
    await socket.settled();
    expect(socket.of("err")).toEqual([]);
  });
});

describe("who asks for much and reads nothing", () => {
  it("[S35] [R14] by looking back, from many connections, has a few looked up at a time", async () => {
    const owner = await attacked.enter("owner-of-past");
    await owner.say(call(1, "$", "create", { doc: "board/past" }));
    for (let n = 2; n < 8; n += 1) {
      await owner.say(call(n, "board/past", "write", `${n}`.repeat(900_000)));
      expect((await owner.answer(n))[0]).toBe("ok");
    }
    const before = attacked.residentBytes();
    const pages = packed(LIMITS.inFlightMax, (n) =>
      call(n + 1, "$", "history", { doc: "board/past", after: 1 + (n % 6) }),
    );
    const states = packed(LIMITS.inFlightMax, (n) => call(n + 1, "$", "get", { doc: "board/past", seq: 2 + (n % 6) }));
    for (const frames of [pages, states, pages, states]) {
      const socket = await attacked.enter("mal");
      socket.tcp.pause();
      await socket.send(frames);
    }
    for (let n = 0; n < 20; n += 1) await attacked.isServed();
    expect(attacked.residentBytes() - before).toBeLessThan(500 * MB);
  });

  it("[S35] [R14] over a socket, by queries, is ended with no more than its share held", async () => {
    await boardOf("large", 900_000);
    const before = attacked.residentBytes();
    const socket = await attacked.enter("mal");
    socket.tcp.pause();
    await socket.send(packed(LIMITS.inFlightMax, (n) => call(n + 1, "$", "get", { doc: "board/large" })));
    for (let n = 0; n < 10; n += 1) await attacked.isServed();
    expect(attacked.residentBytes() - before).toBeLessThan(150 * MB);
    socket.tcp.resume();
    await socket.closed;
    expect(socket.of("ok").length).toBeLessThan(LIMITS.inFlightMax);
  });

  it("[S35] [R14] [OPEN-9] by opening and closing over and over, is ended before it keeps others waiting", async () => {
    await boardOf("again", 900_000);
    const before = attacked.residentBytes();
    const socket = await attacked.enter("mal");
    socket.tcp.pause();
    for (let f = 0; f < 10; f += 1) {
      const messages = packed(4_000, (n) => {
        const s = f * 2_000 + (n >> 1);
        return n % 2 === 0 ? ["open", { s, doc: "board/again" }] : ["close", s];
      });
      await socket.send(messages);
      await attacked.isServed();
    }
    expect(attacked.residentBytes() - before).toBeLessThan(150 * MB);
    socket.tcp.resume();
    expect(await socket.closed).toBe(CLOSE.overloaded);
  });

  it("[S35] [S2] is one of fifty that stopped reading, while a follower of the same document gets every change", async () => {
    const [follower, ...stopped] = await Promise.all(list(51, (n) => attacked.enter(`reader-${n}`)));
    if (follower === undefined) return expect.fail("nobody came");
    for (const socket of [follower, ...stopped]) {
      await socket.say(["open", { s: 1, doc: "board/news", create: true }]);
      await socket.hears("snap");
    }
    for (const { tcp } of stopped) tcp.pause();
    const before = attacked.residentBytes();
    for (let n = 1; n <= 40; n += 1) {
      await follower.say(call(n, 1, "write", `${n}${"x".repeat(500_000)}`));
      expect((await follower.answer(n))[0]).toBe("ok");
    }
    expect(follower.of("d")).toHaveLength(40);
    // 51 readers of 20 MB each would be a gigabyte.
    expect(attacked.residentBytes() - before).toBeLessThan(500 * MB);
  });
});
