// Who is there, over real sockets and a real disk: channels of a server without an application, whose tokens were signed on
// the command line, and a document with members.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Channel, connect, type Position, type Tide } from "@tidemark/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import type { app } from "./apps/room.js";
import { type Command, Workplace } from "./cli/command-line.js";

type Chat = { say: string; typing: boolean };

describe("a channel of a server without an application", () => {
  let place: Workplace;
  let tides: Tide<never>[];
  beforeEach(() => {
    place = new Workplace();
    place.write("secret.txt", "a secret that is long enough to sign with\n");
    tides = [];
  });
  afterEach(async () => {
    for (const tide of tides) tide.close();
    await place.close();
  });

  async function served(port = "0"): Promise<{ readonly command: Command; readonly url: string }> {
    const command = place.start(["serve", "--port", port, "--data", "chat.db", "--jwt-secret", "secret.txt"]);
    const [url] = await command.said(/http:\/\/[\d.:]+/);
    return { command, url };
  }

  async function follow(url: string, name: string, { may, since }: { may: string; since?: Position }) {
    const grant = `channel/chat-*=${may}`;
    const { stdout } = await place.run(["token", "--sub", name, "--grant", grant, "--jwt-secret", "secret.txt"]);
    const tide = connect<never>({ url, token: stdout.trim() });
    tides.push(tide);
    const chat: Channel<Chat> = tide.channel("chat-dogs", {
      presence: { name },
      ...(since === undefined ? {} : { since }),
    });
    const [said, signals, present, gaps]: [unknown[], unknown[], string[], unknown[]] = [[], [], [], []];
    chat.onMessage(({ data }) => said.push(data));
    chat.onGap((gap) => gaps.push(gap));
    chat.onSignal(({ event, data }) => signals.push([event, data]));
    const shown = (meta: unknown): string => String(Reflect.get(Object(meta), "name"));
    chat.presence.watch({
      joined: ({ meta }) => present.push(`+${shown(meta)}`),
      left: ({ meta }) => present.push(`-${shown(meta)}`),
    });
    return { tide, chat, said, signals, present, gaps };
  }

  it("[CHANNEL-1] [CHANNEL-7] [PRES-2] [PRES-7] [R1] [R18] has messages, signals and company, each by its own grant", async () => {
    const first = await served();
    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const ann = await follow(first.url, "ann", { may: "open,publish,presence" });
    const bob = await follow(first.url, "bob", { may: "open,presence" });
    const eve = await follow(first.url, "eve", { may: "open" });
    await vi.waitFor(() => expect([ann, bob, eve].map(({ chat }) => chat.status)).toEqual(["live", "live", "live"]));
    await vi.waitFor(() => expect([ann.chat.presence.count, bob.chat.presence.count]).toEqual([2, 2]));
    ann.chat.signal("typing", true);
    await ann.chat.publish("say", "woof");
    await vi.waitFor(() => expect([bob.said, eve.said]).toEqual([["woof"], ["woof"]]));
    // A signal goes out before a message that comes behind it on the same way.
    expect([bob.signals, eve.signals]).toEqual([[["typing", true]], [["typing", true]]]);
    expect([eve.chat.presence.count, eve.present]).toEqual([0, []]);
    await expect(bob.chat.publish("say", "no")).rejects.toMatchObject({ code: "denied" });
    bob.tide.close();
    await vi.waitFor(() => expect(ann.present).toContain("-bob"));
    const since = bob.chat.position;
    if (since === undefined) throw new Error("it was live");

    await ann.chat.publish("say", "while he was away");
    await first.command.end("SIGKILL");
    const second = await served(new URL(first.url).port);
    await ann.chat.publish("say", "after the crash");
    const again = await follow(second.url, "bob", { may: "open,presence", since });
    await vi.waitFor(() => expect(again.said).toEqual(["while he was away", "after the crash"]));
    await vi.waitFor(() => expect(again.present.sort()).toEqual(["+ann", "+bob"]));
    expect([again.gaps, ann.gaps, ann.said]).toEqual([[], [], ["woof", "while he was away", "after the crash"]]);
    // The grant that eve lacks ends no process.
    expect(new Set(warned.mock.calls.map(([error]) => Reflect.get(Object(error), "code")))).toEqual(
      new Set(["denied"]),
    );
    vi.restoreAllMocks();
  });
});

describe("members", () => {
  const APP = fileURLToPath(new URL("./apps/room.ts", import.meta.url));
  let folder: string;
  let server: ServerProcess;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "tidemark-"));
    server = await startServerProcess({ app: APP, data: join(folder, "test.db") });
  });
  afterEach(async () => {
    if (server.process.exitCode === null && server.process.signalCode === null) await server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  it("[R1] are remembered by a server that was killed: who does not come back has left", async () => {
    const open = (name: string) => {
      const tide = connect<typeof app>({ url: server.url, token: `user:${name}` });
      return { tide, room: tide.open("room", "one", { create: true }) };
    };
    const [ann, bob] = [open("ann"), open("bob")];
    await vi.waitFor(() => expect(ann.room.state?.here).toEqual({ ann: true, bob: true }));
    await server.kill("SIGKILL");
    bob.tide.close();
    server = await startServerProcess({
      app: APP,
      data: join(folder, "test.db"),
      port: Number(new URL(server.url).port),
    });
    await vi.waitFor(() => expect(ann.room.state?.here).toEqual({ ann: true }), { timeout: 10_000 });
    expect(ann.room.state?.log.slice(-1)).toEqual(["-bob"]);
    expect(ann.room.state?.log.filter((line) => line === "+ann")).toHaveLength(1);
    ann.tide.close();
  });
});
