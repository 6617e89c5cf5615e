// A server and its edges as processes: one port, sockets at either edge, and what is told when one of them, or the owner, is
// killed.
import { execFileSync } from "node:child_process";
import { get, type RequestOptions } from "node:https";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { connect, type Tide } from "@tidemark/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeCertificate, writeCertificate } from "../support/certificates.js";
import type { app } from "./apps/counter.js";
import type { app as roomApp } from "./apps/room.js";
import { type Command, ROOT, Workplace } from "./cli/command-line.js";

const SECRET = "a secret of at least thirty-two bytes, for tests\n";

let place: Workplace;
let server: Command;
let url: string;
const closes: (() => void)[] = [];

async function serve(application: string, { port = "0", flags = [] as readonly string[] } = {}): Promise<void> {
  const args = [join(ROOT, `test/e2e/apps/${application}.ts`), "--port", port, "--ping-ms", "500", "--edges", "2"];
  server = place.start(["serve", ...args, "--jwt-secret", "secret.txt", ...flags]);
  [url = ""] = await server.said(/https?:\/\/[\d.:]+/);
}

async function tokenOf(sub: string): Promise<string> {
  const { stdout } = await place.run(["token", "--sub", sub, "--jwt-secret", "secret.txt"]);
  return stdout.trim();
}

/** Processes of the server's edges. */
function edges(): number[] {
  const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(server.process.pid)], { encoding: "utf8" });
  return children.split("\n").flatMap((line) => (line.includes("edge-process") ? [Number.parseInt(line, 10)] : []));
}

function client(token: string): Tide<typeof app> {
  const tide = connect<typeof app>({ url, token });
  closes.push(() => tide.close());
  return tide;
}

beforeEach(() => {
  place = new Workplace();
  place.write("secret.txt", SECRET);
});

afterEach(async () => {
  for (const close of closes.splice(0)) close();
  await place.close();
});

describe("a server with edges", () => {
  it("[EDGE-3] [R1] [R3] [R6] its clients go on when an edge, and then the owner, was killed with -9", async () => {
    await serve("counter");
    const token = await tokenOf("ann");
    const docs = Array.from({ length: 6 }, () => client(token).open("counter", "a", { create: true }));
    const events = docs.map((doc) => {
      const seen: number[] = [];
      doc.on("added", ({ by }) => seen.push(by));
      return seen;
    });
    const [first] = docs;
    if (first === undefined) throw new Error("no client");
    await vi.waitFor(() => expect(docs.map(({ status }) => status)).toEqual(docs.map(() => "live")), 10_000);
    expect(await first.send.add({ by: 1 })).toBe(1);
    await vi.waitFor(() => expect(events).toEqual(docs.map(() => [1])), 10_000);
    for (const [nth, pid] of edges().entries()) {
      process.kill(pid, "SIGKILL");
      await server.said(/an edge has ended/, nth + 1);
      expect(await first.send.add({ by: 10 })).toBe(11 + 10 * nth);
      await vi.waitFor(
        () => expect(docs.map((doc) => doc.state?.value)).toEqual(docs.map(() => 11 + 10 * nth)),
        10_000,
      );
    }
    await vi.waitFor(() => expect(edges()).toHaveLength(2), 10_000);
    const before = edges();
    await server.end("SIGKILL");
    const late = first.send.add({ by: 100 });
    await vi.waitFor(() => expect(before.filter(isAlive)).toEqual([]), 10_000);
    await serve("counter", { port: new URL(url).port });
    expect(await late).toBe(121);
    await vi.waitFor(() => expect(events).toEqual(docs.map(() => [1, 10, 10, 100])), 10_000);
    const left = edges();
    expect((await server.end("SIGTERM")).code).toBe(0);
    expect(left.filter(isAlive)).toEqual([]);
  }, 40_000);

  it("[EDGE-3] [PRES-2] [SIG-2] those at one edge are present at the other, and hear each other", async () => {
    await serve("room");
    const tides = await Promise.all(
      ["ann", "bob", "cyd", "dan"].map(async (id) => {
        const tide = connect<typeof roomApp>({ url, token: await tokenOf(id) });
        closes.push(() => tide.close());
        return tide;
      }),
    );
    const rooms = tides.map((tide) => tide.open("room", "a", { create: true }));
    const heard = rooms.map((room) => {
      const from: string[] = [];
      room.onSignal("wave", (wave) => from.push(wave.from));
      return from;
    });
    for (const [n, room] of rooms.entries()) room.presence.set({ at: n });
    await vi.waitFor(() => expect(rooms.map(({ presence }) => presence.count)).toEqual([4, 4, 4, 4]), 10_000);
    const metas = rooms.map(({ presence }) => presence.peers.map(({ meta }) => meta.at).sort());
    expect(metas).toEqual(rooms.map(() => [0, 1, 2, 3]));
    rooms[0]?.signal("wave", { from: "ann" });
    await vi.waitFor(() => expect(heard).toEqual([[], ["ann"], ["ann"], ["ann"]]), 5_000);
    // Everybody has the names that the owner gives.
    const names = rooms.map(({ presence }) => presence.peers.map(({ peer }) => peer).sort());
    expect(new Set(names.map(String)).size).toBe(1);
    tides[3]?.close();
    await vi.waitFor(() => expect(rooms.slice(0, 3).map(({ presence }) => presence.count)).toEqual([3, 3, 3]), 10_000);
  }, 20_000);

  it("[EDGE-3] passes everything else on to its owner, with the sender's address and origin", async () => {
    await serve("counter", { flags: ["--origins", "https://app.example"] });
    const authorization = `Bearer ${await tokenOf("ann")}`;
    const created = await fetch(`${url}/v1/docs/counter/a`, { method: "POST", headers: { authorization } });
    expect(created.status).toBe(201);
    const headers = { authorization, "content-type": "application/json" };
    const added = await fetch(`${url}/v1/docs/counter/a/add`, { method: "POST", headers, body: '{"by":7}' });
    expect([added.status, (await added.json()).result]).toEqual([200, 7]);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${url}/v1/docs/counter/a`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "GET" },
      });
    expect((await preflight("https://app.example")).headers.get("access-control-allow-origin")).toBe(
      "https://app.example",
    );
    expect((await preflight("https://evil.example")).status).toBe(403);
  }, 20_000);

  it("[EDGE-3] [R17] a token that is revoked ends sockets at every edge", async () => {
    const { stdout } = await place.run(["key", "create", "ops", "--may", "revocations"]);
    const key = stdout.trim();
    await serve("counter");
    const token = await tokenOf("ann");
    const docs = Array.from({ length: 4 }, () => client(token).open("counter", "a", { create: true }));
    await vi.waitFor(() => expect(docs.map(({ status }) => status)).toEqual(docs.map(() => "live")), 10_000);
    const revoked = await fetch(`${url}/v1/revocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ sub: "ann" }),
    });
    expect(revoked.status).toBe(204);
    await vi.waitFor(() => expect(docs.map((doc) => doc.status)).toEqual(docs.map(() => "ended")), 5_000);
  }, 20_000);

  it("[EDGE-3] [R16] ends TLS, and shows a new certificate on SIGHUP", async () => {
    const first = await makeCertificate();
    const { cert, key } = writeCertificate(place.folder, first);
    await serve("counter", { flags: ["--tls-cert", cert, "--tls-key", key] });
    expect(url).toMatch(/^https:/);
    const authorization = `Bearer ${await tokenOf("ann")}`;
    const asked = { headers: { authorization }, ca: first.cert };
    expect(await statusOf(`${url}/v1/whoami`, asked)).toBe(200);
    const shown = await shownBy(url);
    writeCertificate(place.folder, await makeCertificate());
    server.process.kill("SIGHUP");
    await server.said(/new certificate/, 2);
    expect(await shownBy(url)).not.toBe(shown);
  }, 20_000);

  it("a port that is taken is said before there is a file", async () => {
    await serve("counter");
    const args = ["serve", join(ROOT, "test/e2e/apps/counter.ts"), "--jwt-secret", "secret.txt", "--edges", "2"];
    const { code, stderr } = await place.run([...args, "--port", new URL(url).port, "--data", "other.db"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/port \d+ on 127.0.0.1 is in use/)]);
  }, 20_000);
});

function statusOf(address: string, options: RequestOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(address, options, (response) => resolve(response.resume().statusCode)).once("error", reject);
  });
}

/** The fingerprint of the certificate that a new connection is shown. */
function shownBy(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address);
    const socket = tlsConnect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
