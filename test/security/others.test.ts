// Attacks with what belongs to somebody else: client ids, numbers of calls and subscriptions, positions. On a real server by
// real sockets; whoever is robbed goes on as before.
import { fileURLToPath } from "node:url";
import { CLOSE, type Json } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { AttackedServer, helloOf } from "../support/attacked-server.js";
import type { RawFrames } from "../support/raw-frames.js";

const APP = fileURLToPath(new URL("./apps/vault.ts", import.meta.url));
const SECRET = "the-secret-of-ann";
const ANN = "a".repeat(32);

let attacked: AttackedServer;
let rooms = 0;
let room = "";
let ann: RawFrames;

const born = (): Json => ({ born: Date.now() });
/** Somebody, under a client id that need not be theirs. */
async function enter(name: string, client: string, conn = 1): Promise<RawFrames> {
  const socket = await attacked.socket();
  await socket.say(helloOf(`user:${name}`, { client, conn }));
  await socket.hears("welcome");
  return socket;
}

beforeAll(async () => {
  attacked = await AttackedServer.start({ app: APP });
});
afterEach(async () => {
  // She is served on the socket that she had all the time.
  await ann.say(["c", 99, `vault/${room}`, "put", SECRET, born()]);
  expect((await ann.answer(99))[0]).toBe("ok");
  await attacked.after();
});
afterAll(() => attacked.stop());

async function annIsIn(): Promise<void> {
  rooms += 1;
  room = `room-${rooms}`;
  ann = await enter("ann", ANN.slice(0, 28) + rooms.toString(16).padStart(4, "0"));
  await ann.say(["open", { s: 1, doc: `vault/${room}`, create: true }]);
  await ann.hears("snap", 2);
}
const herClient = (): string => ANN.slice(0, 28) + rooms.toString(16).padStart(4, "0");

it("[S11] [HELLO-5] somebody else's client id, with a greater connection, ends no connection of theirs", async () => {
  await annIsIn();
  const mal = await enter("mal", herClient(), 1_000_000);
  await mal.settled();
  await ann.settled();
});

it("[S11] [REQ-5] somebody else's client id and number bring no answer of theirs, and spoil none", async () => {
  await annIsIn();
  await ann.say(["c", 1, `vault/${room}`, "put", SECRET, born()]);
  const hers = await ann.answer(1);
  const mal = await enter("mal", herClient());
  await mal.say(["c", 1, `vault/${room}`, "put", SECRET, born()]);
  expect(await mal.answer(1)).toMatchObject(["ok", 1, expect.anything(), `kept for mal: ${SECRET}`]);
  // Far ahead of what she has called: her next ones are hers.
  await mal.say(["c", 50, `vault/${room}`, "put", "x", { born: Date.now(), low: 50 }]);
  await mal.answer(50);
  await ann.say(["c", 2, `vault/${room}`, "put", SECRET, born()]);
  expect((await ann.answer(2))[0]).toBe("ok");
  // Hers is answered again as it was.
  const again = await enter("ann", herClient(), 2);
  await again.say(["c", 1, `vault/${room}`, "put", SECRET, born()]);
  expect(await again.answer(1)).toEqual(hers);
  expect(await ann.closed).toBe(CLOSE.replaced);
  ann = again;
});

it("[S11] the number of somebody else's subscription is nobody's", async () => {
  await annIsIn();
  const mal = await enter("mal", "b".repeat(32));
  await mal.say(["c", 1, 1, "put", "x", born()], ["close", 1], ["pres", 1], ["sig", 1, "x", null]);
  expect(await mal.answer(1)).toMatchObject(["no", 1, "not_found", expect.anything(), expect.anything()]);
  await mal.settled();
});

it("[S11] [R18] somebody else's position brings a reset to one's own view, and nothing of theirs", async () => {
  await annIsIn();
  const [opened] = ann.of("opened");
  const fields = Object(opened?.[1]);
  const snaps = ann.of("snap");
  const at: Json = snaps.map(([, , epoch = 0, seq = 0], index) => [epoch, seq, fields.tag[index]]);
  expect(JSON.stringify(ann.heard)).toContain(SECRET);
  const mal = await enter("mal", "c".repeat(32));
  await mal.say(["open", { s: 1, doc: `vault/${room}`, at }]);
  await mal.hears("opened");
  await mal.settled();
  expect(Object(mal.of("opened")[0]?.[1]).mode[1]).toBe("reset");
  expect(Object(mal.of("opened")[0]?.[1]).tag[1]).not.toBe(fields.tag[1]);
  expect(JSON.stringify(mal.heard)).not.toContain(SECRET);
});

it("[S11] [S10] a position that was one's own is worth nothing once the right is lost", async () => {
  await annIsIn();
  const mal = await enter("mal", "d".repeat(32));
  await mal.say(["open", { s: 1, doc: `vault/${room}` }]);
  await mal.hears("snap", 2);
  const tags = Object(mal.of("opened")[0]?.[1]).tag;
  const at: Json = mal.of("snap").map(([, , epoch = 0, seq = 0], index) => [epoch, seq, tags[index]]);
  await ann.say(["c", 1, `vault/${room}`, "expel", "mal", born()]);
  await mal.hears("ended");
  for (const held of [at, [[1, 1, ""]], [[0, 0, "!"]]]) {
    const back = await attacked.enter("mal");
    await back.say(["open", { s: 1, doc: `vault/${room}`, at: held }], ["open", { s: 2, doc: "vault/none", at: held }]);
    await back.hears("ended", 2);
    const [there, absent] = back.of("ended").map(([, ended]) => ({ ...Object(ended), s: 0 }));
    expect(there).toEqual(absent);
    expect(back.of("opened")).toEqual([]);
  }
});
