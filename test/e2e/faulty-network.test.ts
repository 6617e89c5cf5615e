// A client behind a network that does everything a network can do to a TCP connection, and a server process: the client
// says that it is not up to date while the fault lasts, and is at head after it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type Position } from "@tidemark/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FaultRecord } from "../support/fault-record.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import type { app } from "./apps/counter.js";

const APP = fileURLToPath(new URL("./apps/counter.ts", import.meta.url));
const PING_MS = 500;
/** What the promise is: at head within 15 s of the fault's end (R20). */
const HEALED_WITHIN = { timeout: 15_000, interval: 20 };
const NOTICED_WITHIN = { timeout: 10_000, interval: 20 };

let folder: string;
let server: ServerProcess;
let proxy: TcpProxy;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  server = await startServerProcess({ app: APP, data: join(folder, "t.db"), args: ["--ping-ms", String(PING_MS)] });
  proxy = await TcpProxy.listen(Number(new URL(server.url).port));
});

afterEach(async () => {
  await proxy.close();
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface Fault {
  readonly begin: (proxy: TcpProxy) => void;
  /** False: bytes come late, but they come. */
  readonly breaks: boolean;
}

const FAULTS: { readonly [name: string]: Fault } = {
  "bytes that come late": { begin: (network) => network.delayBy(200), breaks: false },
  "a reset, and nobody lets it in again": { begin: (network) => network.hold(), breaks: true },
  "a network that swallows everything": { begin: (network) => network.swallow("up", "down"), breaks: true },
  "a network that swallows what the client sends": { begin: (network) => network.swallow("up"), breaks: true },
  "a network that swallows what the server sends": { begin: (network) => network.swallow("down"), breaks: true },
  "a server's side that is gone without a word": {
    begin: (network) => {
      network.swallow("up", "down");
      network.forgetServer();
    },
    breaks: true,
  },
};

for (const [name, { begin, breaks }] of Object.entries(FAULTS)) {
  it(`[R13] [R20] is noticed and healed: ${name}`, async () => {
    const victim = connect<typeof app>({ url: proxy.url, token: "user:ann" });
    const writer = connect<typeof app>({ url: server.url, token: "user:bob" });
    const watched = victim.open("counter", "c", { create: true });
    const events: Position[] = [];
    watched.on("added", (_, at) => events.push(at));
    await vi.waitFor(() => expect(watched.status).toBe("live"), HEALED_WITHIN);

    begin(proxy);
    const fault = new FaultRecord(name, PING_MS);
    watched.onStatus((status) => status !== "live" && fault.noticed());
    for (let n = 1; n <= 5; n += 1) expect(await writer.call("counter", "c").add({ by: 1 })).toBe(n);
    const mine = watched.send.add({ by: 10 });
    if (breaks) await vi.waitFor(() => expect(watched.status).not.toBe("live"), NOTICED_WITHIN);
    else expect(await mine).toBe(15);
    proxy.release();
    fault.ended();

    await vi.waitFor(() => expect(watched.status).toBe("live"), HEALED_WITHIN);
    expect(await mine).toBe(15);
    await vi.waitFor(() => expect(watched.state?.value).toBe(15), HEALED_WITHIN);
    fault.healed();
    expect(events.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7]);
    expect(await watched.query.double()).toBe(30);
    victim.close();
    writer.close();
  });
}
