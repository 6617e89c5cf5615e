// `npm start`: bundles the page, serves the rooms, feeds them the real lines of one day the first time, and then lets
// a line appear every now and then, so that there is something to follow.
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connect, type Tide, TidemarkError } from "@tidemark/client";
import { serve } from "tidemark";
import type { App } from "./app.js";
import { bundlePage } from "./bundle.js";
import { type LogLine, parseLog } from "./parse.js";

const HELP = `Serves a day of the #ubuntu IRC channel as a live document.

  npm start -- [options]

  --port N      port (8787)
  --data FILE   database (.tidemark/irc-log.db)
  --every MS    a further line every so often; 0: none (1500)
  --reset       start anew: removes the database first
`;

const LINES = fileURLToPath(new URL("./lines/2004-12-25.txt", import.meta.url));
const ROOM = "ubuntu";
const IN_FLIGHT = 64;

const { values } = parseArgs({
  options: {
    port: { type: "string", default: process.env.TIDEMARK_PORT ?? "8787" },
    data: { type: "string", default: join(".tidemark", "irc-log.db") },
    every: { type: "string", default: "1500" },
    reset: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await start();

async function start(): Promise<void> {
  mkdirSync(dirname(values.data), { recursive: true });
  if (values.reset) for (const suffix of ["", "-wal", "-shm", ".lock"]) rmSync(values.data + suffix, { force: true });
  const importer = randomBytes(16).toString("hex");
  process.env.IRC_LOG_IMPORTER = importer;
  // Loaded only now: the application reads the importer's token when it is loaded.
  const { app } = await import("./app.js");
  const staticDir = await bundlePage();
  const server = await serve(app, { port: Number(values.port), data: values.data, staticDir }).catch(explain);
  const tide = connect<App>({ url: server.url, token: importer });
  const lines = parseLog(readFileSync(LINES, "utf8"));
  const had = await feed(tide, lines);
  process.stdout.write(`Follow #${ROOM} at ${server.url}\n`);
  const stop = Number(values.every) > 0 ? trickle(tide, lines, had) : () => undefined;
  await stopped(server.failed);
  stop();
  tide.close();
  await server.close();
}

function explain(error: unknown): never {
  const hint = typeof error === "object" && error !== null && "hint" in error ? `\n${String(error.hint)}` : "";
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}${hint}\n`);
  process.exit(1);
}

/** Brings the room to where the whole day is in it; returns how many lines it has. */
async function feed(tide: Tide<App>, lines: readonly LogLine[]): Promise<number> {
  try {
    await tide.service.create("room", ROOM, { topic: "Christmas Day 2004 on #ubuntu, as it was logged" });
  } catch (error) {
    if (!(error instanceof TidemarkError && error.code === "already_exists")) throw error;
  }
  const { state } = await tide.service.get("room", ROOM);
  const waiting = new Set<Promise<unknown>>();
  for (let index = state.lines; index < lines.length; index += 1) {
    const line = lines[index];
    if (line === undefined) break;
    const sent = tide.call("room", ROOM).log(line);
    waiting.add(sent);
    void sent.finally(() => waiting.delete(sent)).catch(() => undefined);
    if (waiting.size >= IN_FLIGHT) await Promise.race(waiting);
    if (index % 250 === 249) process.stdout.write(`${index + 1} of ${lines.length} lines are durable\n`);
  }
  await Promise.all(waiting);
  return Math.max(state.lines, lines.length);
}

function trickle(tide: Tide<App>, lines: readonly LogLine[], from: number): () => void {
  let next = from;
  const timer = setInterval(() => {
    const line = lines[next % lines.length];
    next += 1;
    if (line === undefined) return;
    tide
      .call("room", ROOM)
      .log(line)
      .catch((error: unknown) => {
        process.stderr.write(`a line was not taken: ${String(error)}\n`);
      });
  }, Number(values.every));
  return () => clearInterval(timer);
}

async function stopped(failed: Promise<Error>): Promise<void> {
  const signal = new Promise<void>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => resolve());
  });
  const failure = await Promise.race([signal, failed]);
  if (failure !== undefined) explain(failure);
}
