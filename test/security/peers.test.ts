// Attacks by signals and presence on a real server, by real sockets. After each, a bystander is served as before.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Json, LIMITS } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

const APP = fileURLToPath(new URL("./apps/lounge.ts", import.meta.url));
const SOON = { timeout: 10_000, interval: 20 };

let folder: string;
let server: ServerProcess;
let sockets = 0;
const people = new Set<Person>();
let key = "";

/** One socket of somebody, and what they heard. */
class Person {
  readonly heard: Json[][] = [];
  readonly socket: WebSocket;
  closed: number | undefined;
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("close", (code) => {
      this.closed = code;
    });
    socket.on("message", (frame) => {
      const messages: Json[][] = JSON.parse(String(frame));
      for (const message of messages) this.#hear(message);
    });
  }

  static async named(name: string): Promise<Person> {
    sockets += 1;
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/socket`, "tidemark.v1.json");
    const person = new Person(socket);
    people.add(person);
    await once(socket, "open");
    const client = sockets.toString(16).padStart(32, "0");
    person.say(["hello", { v: 1, token: `user:${name}`, client, conn: 1, sdk: "attack/1", caps: [] }]);
    await person.hears("welcome");
    return person;
  }

  say(...messages: readonly Json[]): void {
    this.socket.send(JSON.stringify(messages));
  }

  of(type: string): Json[][] {
    return this.heard.filter(([first]) => first === type);
  }

  async hears(type: string, count = 1): Promise<Json[][]> {
    await vi.waitFor(() => expect(this.of(type).length).toBeGreaterThanOrEqual(count), SOON);
    return this.of(type);
  }

  /** Whatever was said before has been handled. */
  async settled(): Promise<void> {
    const before = this.of("pong").length;
    this.say(["ping", 1, []]);
    await this.hears("pong", before + 1);
  }

  async opens(presence?: Json, s = 1): Promise<this> {
    this.say(["open", { s, doc: `lounge/${key}`, ...(presence === undefined ? {} : { presence }) }]);
    await vi.waitFor(() => expect(this.of("snap").length + this.of("ended").length).toBeGreaterThan(0), SOON);
    return this;
  }

  /** A call is answered as ever. */
  async isServed(): Promise<void> {
    this.#calls += 1;
    this.say(["c", this.#calls, `lounge/${key}`, "nothing", null, { born: Date.now() }]);
    await this.hears("ok", this.#calls);
  }

  /** The list as it is told. */
  get present(): { readonly metas: Json[]; readonly count: number } {
    const peers = new Map<string, Json>();
    let count = 0;
    for (const [, , , change] of this.of("pres")) {
      const { all, join = [], leave = [], count: told } = change as unknown as Change;
      if (all !== undefined) peers.clear();
      for (const peer of leave) peers.delete(peer);
      for (const [peer, meta] of [...(all ?? []), ...join]) peers.set(peer, meta);
      count = told;
    }
    return { metas: [...peers.values()], count };
  }

  #hear(message: Json[]): void {
    this.heard.push(message);
    if (message[0] === "ping") this.say(["pong", message[1] ?? 0, []]);
  }
}

interface Change {
  readonly all?: readonly (readonly [string, Json])[];
  readonly join?: readonly (readonly [string, Json])[];
  readonly leave?: readonly string[];
  readonly count: number;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  server = await startServerProcess({ app: APP, data: join(folder, "test.db") });
});

afterAll(async () => {
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

let host: Person;
beforeEach(async () => {
  key = `room-${sockets}`;
  host = await Person.named("host");
  host.say(["open", { s: 1, doc: `lounge/${key}`, create: true, presence: { name: "Host" } }]);
  await host.hears("pres");
});

afterEach(async () => {
  await host.isServed();
  expect(server.process.exitCode).toBeNull();
  for (const { socket } of people) socket.terminate();
  people.clear();
});

describe("[S32] signals and presence", () => {
  it("[SIG-5] a flood of signals reaches nobody beyond its rate, and is said once in a while", async () => {
    const eve = await (await Person.named("eve")).opens();
    const wave = ["sig", 1, "wave", { to: "all" }];
    for (let frame = 0; frame < 20; frame++) eve.say(...Array.from({ length: 250 }, () => wave));
    await eve.settled();
    await host.settled();
    expect(host.of("sig").length).toBeGreaterThanOrEqual(LIMITS.signalsPerSecond);
    expect(host.of("sig").length).toBeLessThan(LIMITS.signalsPerSecond * 10);
    expect(eve.of("err").length).toBeLessThan(LIMITS.signalsPerSecond * 10);
    expect(eve.closed).toBeUndefined();
  });

  it("[SIG-4] [PRES-1] [R14] what is huge is refused where it came from, and kept nowhere", async () => {
    const eve = await (await Person.named("eve")).opens({ name: "Eve" });
    await vi.waitFor(() => expect(host.present.count).toBe(2), SOON);
    const huge = "x".repeat(900_000);
    for (let time = 0; time < 10; time++) {
      eve.say(["pres", 1, { name: huge }]);
      eve.say(["sig", 1, "wave", { to: huge }]);
    }
    await eve.hears("err", 20);
    const codes = new Set(eve.of("err").map(([, fault]) => (fault as { code: string }).code));
    expect(codes).toEqual(new Set(["too_large"]));
    await host.settled();
    expect([host.of("sig"), host.present.metas]).toEqual([[], [{ name: "Host" }, { name: "Eve" }]]);
  });

  it("[PRES-9] who shows something else over and over is told of no more often, and ends with what came last", async () => {
    const eve = await (await Person.named("eve")).opens({ name: "0" });
    await vi.waitFor(() => expect(host.present.count).toBe(2), SOON);
    const told = host.of("pres").length;
    const fromMs = performance.now();
    for (let index = 1; index <= 5_000; index++) eve.say(["pres", 1, { name: `${index}` }]);
    await vi.waitFor(() => expect(host.present.metas).toContainEqual({ name: "5000" }), SOON);
    const most = (performance.now() - fromMs) / LIMITS.presenceIntervalMs + 2;
    expect(host.of("pres").length - told).toBeLessThanOrEqual(most);
  });

  it("[PRES-2] who asks for the list over and over gets it no more often than others get news", async () => {
    const eve = await (await Person.named("eve")).opens(null);
    const fromMs = performance.now();
    for (let frame = 0; frame < 20; frame++) eve.say(...Array.from({ length: 250 }, () => ["pres", 1]));
    await eve.settled();
    await eve.hears("pres");
    const most = (performance.now() - fromMs) / LIMITS.presenceIntervalMs + 2;
    expect(eve.of("pres").length).toBeLessThanOrEqual(most);
  });

  it("[S12] [FRAME-6] the key __proto__ in what is shown ends the connection that said it", async () => {
    const eve = await (await Person.named("eve")).opens({ name: "Eve" });
    await vi.waitFor(() => expect(host.present.count).toBe(2), SOON);
    eve.socket.send('[["pres",1,{"__proto__":{"admin":"yes"},"name":"Eve"}]]');
    await vi.waitFor(() => expect(eve.closed).toBe(4500), SOON);
    const bob = await (await Person.named("bob")).opens({ constructor: "an ordinary key", toString: "too" });
    await vi.waitFor(() => expect(host.present.count).toBe(3), SOON);
    expect(host.present.metas).toContainEqual({ constructor: "an ordinary key", toString: "too" });
    expect(JSON.stringify(host.heard)).not.toContain("admin");
    expect(bob.closed).toBeUndefined();
  });

  it("[S9] [R18] a stranger is not there, sees nobody, is not heard, and cannot tell that there is something", async () => {
    const stranger = await Person.named("stranger");
    await stranger.opens({ name: "Stranger" });
    stranger.say(["pres", 1, { name: "Stranger" }], ["pres", 1], ["sig", 1, "wave", { to: "all" }]);
    stranger.say(["open", { s: 2, doc: "lounge/there-is-none", presence: { name: "Stranger" } }]);
    stranger.say(["pres", 2], ["sig", 2, "wave", { to: "all" }]);
    await stranger.hears("ended", 2);
    await stranger.settled();
    const [there, absent] = stranger.of("ended").map(([, ended]) => ({ ...(ended as object), s: 0 }));
    expect(there).toEqual(absent);
    expect(stranger.heard.map(([type]) => type)).toEqual(["welcome", "ended", "ended", "pong"]);
    const ann = await (await Person.named("ann")).opens({ name: "Ann" });
    await ann.hears("pres");
    expect([ann.present.count, host.of("sig")]).toEqual([2, []]);
  });

  it("[S10] [R18] [PRES-6] who loses the right is gone at once, and hears nothing more", async () => {
    const eve = await (await Person.named("eve")).opens({ name: "Eve" });
    await vi.waitFor(() => expect(host.present.count).toBe(2), SOON);
    host.say(["c", 1_000, `lounge/${key}`, "uninvite", "eve", { born: Date.now() }]);
    await eve.hears("ended");
    await vi.waitFor(() => expect(host.present.count).toBe(1), SOON);
    const heard = eve.heard.length;
    eve.say(["pres", 1, { name: "Eve again" }], ["sig", 1, "wave", { to: "all" }]);
    await (await Person.named("ann")).opens({ name: "Ann" });
    await vi.waitFor(() => expect(host.present.count).toBe(2), SOON);
    await eve.settled();
    expect(eve.heard.slice(heard).map(([type]) => type)).toEqual(["pong"]);
    expect([host.of("sig"), host.present.metas]).toEqual([[], [{ name: "Host" }, { name: "Ann" }]]);
    host.say(["c", 1_001, `lounge/${key}`, "nothing", null, { born: Date.now() }]);
  });

  it("[R18] [SIG-3] nobody learns from a peer who it is, or that it is the same person elsewhere", async () => {
    const ann = await (await Person.named("ann")).opens({ name: "A" });
    ann.say(["sig", 1, "wave", { to: "all" }]);
    await host.hears("sig");
    await vi.waitFor(() => expect(host.present.count).toBe(2), SOON);
    const here = JSON.stringify(host.heard);
    expect(here).not.toContain('"ann"');
    const [, , , , peer] = host.of("sig")[0] ?? [];
    host.say(["open", { s: 2, doc: `lounge/${key}-2`, create: true, presence: null }]);
    await host.hears("pres", 3);
    ann.say(["open", { s: 2, doc: `lounge/${key}-2`, presence: { name: "A" } }]);
    await host.hears("pres", 4);
    const elsewhere = JSON.stringify(host.of("pres").slice(3));
    expect(elsewhere).toContain('"A"');
    expect(elsewhere).not.toContain(String(peer));
  });
});
