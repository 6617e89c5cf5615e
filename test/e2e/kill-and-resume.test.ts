import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type Position } from "@tidemark/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import type { app } from "./apps/counter.js";

const APP = fileURLToPath(new URL("./apps/counter.ts", import.meta.url));

let folder: string;
let server: ServerProcess;
const data = (): string => join(folder, "test.db");
const portOf = (url: string): number => Number(new URL(url).port);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  server = await startServerProcess({ app: APP, data: data() });
});

afterEach(async () => {
  if (server.process.exitCode === null && server.process.signalCode === null) await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

for (const codec of ["json", "msgpack"] as const) {
  it(`[R1] [R4] [R6] a client resumes after kill -9 with everything that was acked (${codec})`, async () => {
    const tide = connect<typeof app>({ url: server.url, token: "user:ann", codec });
    const counter = tide.open("counter", "clicks", { create: true });
    const changes: string[] = [];
    const events: Position[] = [];
    counter.subscribe((_, change) => changes.push(change.cause));
    counter.on("added", (_, at) => events.push(at));
    for (let sent = 1; sent <= 20; sent += 1) expect(await counter.send.add({ by: 1 })).toBe(sent);

    await server.kill("SIGKILL");
    const during = counter.send.add({ by: 100 });
    server = await startServerProcess({ app: APP, data: data(), port: portOf(server.url) });
    expect(await during).toBe(120);
    await vi.waitFor(() => expect(counter.status).toBe("live"));

    expect(counter.state).toEqual({ value: 120, names: { ann: 120 } });
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, index) => index + 2));
    expect(changes.filter((cause) => cause === "first")).toHaveLength(1);
    const log = await tide.service.history("counter", "clicks", { limit: 1_000 });
    expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: 22 }, (_, index) => index + 1));
    tide.close();
  });
}
