// The peer of the channel scenarios: socket.io 2, its Redis and its HTTP publisher, three processes on the server's core. Its
// packages are installed when a benchmark first asks for it; Redis is the machine's own `redis-server`.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { freePort } from "./free-port.js";
import { peerFolder } from "./peer-packages.js";
import { pinned } from "./pinning.js";
import { type ServerProcess, startServer } from "./process.js";

const SECRET = "bench-only-secret";

/** A running peer. */
export interface River {
  readonly sockets: ServerProcess;
  readonly publisher: ServerProcess;
  /** Lets a socket in. */
  readonly token: string;
  /** The header that lets a publisher in. */
  readonly keyHeader: string;
  stop(): Promise<void>;
}

/** Starts it. Rejects with what is missing and how to get it. */
export async function startRiver(): Promise<River> {
  if (spawnSync("redis-server", ["--version"]).status !== 0) {
    throw new Error("this peer needs redis-server on the PATH (Debian: apt-get install redis-server)");
  }
  const folder = await peerFolder("river");
  const redisPort = await freePort();
  const redis = startRedis(redisPort);
  const environment = { RIVER_SECRET: SECRET, RIVER_REDIS_PORT: String(redisPort) };
  let token = "";
  const hear = (line: string): void => {
    if (line.startsWith("token ")) token = line.slice(6);
  };
  try {
    const sockets = await startServer([join(folder, "sockets.cjs")], { environment, hear });
    const publisher = await startServer([join(folder, "publisher.cjs")], { environment });
    const stop = async (): Promise<void> => {
      await Promise.all([sockets.stop(), publisher.stop()]);
      await stopRedis(redis);
    };
    return { sockets, publisher, token, keyHeader: `x-api-key: ${SECRET}`, stop };
  } catch (error) {
    await stopRedis(redis);
    throw error;
  }
}

function startRedis(port: number): ChildProcess {
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const [command, args] = pinned("server", "redis-server", options);
  const child = spawn(command, args, { stdio: "ignore" });
  process.once("exit", () => child.kill("SIGKILL"));
  return child;
}

async function stopRedis(redis: ChildProcess): Promise<void> {
  if (redis.exitCode !== null || redis.signalCode !== null) return;
  const gone = once(redis, "exit");
  redis.kill("SIGKILL");
  await gone;
}
