// The load of other peers, tested like those in C: a small fake server commits one fault at a time, and the load must exit 1 and
// say so. What each peer's packages are is pinned, and names no registry.
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { Lane, LoadedDocument, type Tally, textOf } from "../../bench/peer-load/document.js";
import { isSpeakerName } from "../../bench/peer-load/speakers.js";
import { runPeerLoad } from "../../bench/peers-load.js";

const PEERS = fileURLToPath(new URL("../../bench/peers/", import.meta.url));

interface Faults {
  /** What a follower is sent for a change. */
  readonly deliver?: (text: string, where: { readonly n: number; readonly follower: number }) => readonly string[];
  readonly ack?: (n: number) => readonly number[];
}

let server: WebSocketServer | undefined;
afterEach(() => {
  for (const socket of server?.clients ?? []) socket.terminate();
  server?.close();
});

/** Speaks as `bench/peers/broadcast.mjs` does. */
async function fakeServer({ deliver = (text) => [text], ack = (n) => [n] }: Faults): Promise<number> {
  const followers: WebSocket[] = [];
  const listening = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server = listening;
  const say = (socket: WebSocket, ...message: readonly unknown[]): void => socket.send(JSON.stringify(message));
  listening.on("connection", (socket) => {
    socket.on("message", (frame) => {
      const [word, , n, text]: [string, number, number, string] = JSON.parse(String(frame));
      if (word === "join") {
        followers.push(socket);
        return say(socket, "joined");
      }
      followers.forEach((member, follower) => {
        for (const one of deliver(text, { n, follower })) say(member, "change", one);
      });
      for (const one of ack(n)) say(socket, "ack", one);
    });
  });
  await once(listening, "listening");
  return (listening.address() as AddressInfo).port;
}

async function load(faults: Faults): ReturnType<typeof runPeerLoad> {
  const target = { speaker: "broadcast", folder: "", port: await fakeServer(faults), serverPid: process.pid } as const;
  const shape = { documents: 1, followers: 3, outstanding: 4 };
  return runPeerLoad(shape, { ...target, seconds: 0.2, warmUpSeconds: 0.1, stallSeconds: 0.5 });
}

describe("the load of other peers", () => {
  test("accepts changes that arrive everywhere once and in order, and are answered", async () => {
    const { acks, deliveries, failures } = await load({});
    expect(acks).toBeGreaterThan(0);
    expect(deliveries).toBeGreaterThan(acks);
    expect(failures).toEqual([]);
  });

  /** At the tenth change, to one of the followers. */
  const once10 =
    (altered: (text: string) => readonly string[]): NonNullable<Faults["deliver"]> =>
    (text, { n, follower }) =>
      n === 10 && follower === 1 ? altered(text) : [text];

  test.each<[what: string, faults: Faults, why: RegExp]>([
    ["a change that a follower never got", { deliver: once10(() => []) }, /change 11 came after 9/],
    ["a change that came twice", { deliver: once10((text) => [text, text]) }, /change 10 came after 10/],
    ["a change of nobody", { deliver: once10(() => [textOf(7, 10)]) }, /a change of writer 7/],
    ["the end held back", { deliver: (text, { n }) => (n > 12 ? [] : [text]) }, /never arrived everywhere/],
    ["an answer that came twice", { ack: (n) => (n === 10 ? [n, n] : [n]) }, /an ack of 10/],
    ["an answer to nothing", { ack: (n) => (n === 10 ? [99_999, n] : [n]) }, /an ack of 99999/],
    ["answers that never come", { ack: (n) => (n > 12 ? [] : [n]) }, /never arrived everywhere/],
  ])("finds %s", async (_what, faults, why) => {
    await expect(load(faults)).rejects.toThrow(why);
  });

  test("changes of several writers are each in their own order", () => {
    const complaints: string[] = [];
    const none = { record: () => undefined };
    const tally: Tally = {
      isMeasuring: true,
      acks: 0,
      deliveries: 0,
      ackUs: none,
      deliveryUs: none,
      complain: (what) => void complaints.push(what),
    };
    const document = new LoadedDocument({ writers: 2, followers: 1 }, tally);
    expect(document.lanes[0]).toBeInstanceOf(Lane);
    for (const { text } of [document.lanes[0], document.lanes[1], document.lanes[1]].map(
      (lane) => lane?.begin(0) ?? { text: "" },
    )) {
      expect(document.deliver(0, Buffer.from(`{"some":"${text}"}`), 0)).toBe(true);
    }
    expect(document.deliver(0, Buffer.from("a word of something else"), 0)).toBe(false);
    expect(complaints).toEqual([]);
    expect(tally.deliveries).toBe(3);
    expect(document.isComplete).toBe(false);
    document.lanes[0]?.ack(0, 1);
    document.lanes[1]?.ack(0);
    document.lanes[1]?.ack(0);
    expect(document.isComplete).toBe(true);
    document.deliver(0, Buffer.from(textOf(1, 2)), 0);
    expect(complaints).toEqual(["change 2 came after 2"]);
  });
});

describe("the packages of a peer", () => {
  const folders = readdirSync(PEERS, { withFileTypes: true }).filter((entry) => entry.isDirectory());

  test.each(folders.map(({ name }) => name))("%s are pinned, and its lock file names no registry", (name) => {
    const read = (file: string): { readonly dependencies?: { readonly [name: string]: string } } =>
      JSON.parse(readFileSync(`${PEERS}${name}/${file}`, "utf8"));
    const versions = Object.values(read("package.json").dependencies ?? {});
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(readFileSync(`${PEERS}${name}/package-lock.json`, "utf8")).not.toContain(`"resolved"`);
    expect(name === "river" || (isSpeakerName(name) && existsSync(`${PEERS}${name}/server.mjs`))).toBe(true);
  });
});
