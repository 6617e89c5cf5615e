// `tidemark edge`: the ways in that go over HTTP as a process of its own, until a signal.
import type { Command } from "commander";
import { describeCommand } from "./command.js";
import { addEdgeFlags, type EdgeFlags, setting } from "./flags.js";
import { Output } from "./output.js";
import { stopSignal } from "./stop-signal.js";
import { addReachFlags, type ReachFlags, reachOf } from "./tls-flags.js";

interface Flags extends EdgeFlags, ReachFlags {
  readonly host: string;
}

/** Describes `edge`. */
export function edgeCommand(): Command {
  const command = describeCommand(
    "edge",
    "Serve those who come by HTTP, for a server: streams, event streams and polls are held here, calls are passed on",
    [
      { does: "for a server on this machine", type: "tidemark edge --server http://127.0.0.1:8787 --port 8788" },
      {
        does: "to others, with TLS",
        type: "tidemark edge --server http://10.0.0.5:8787 --host 0.0.0.0 --port 443 --tls-cert cert.pem --tls-key key.pem",
      },
    ],
  );
  return addReachFlags(addEdgeFlags(command))
    .addOption(setting("--host <host>", "address to listen on", "TIDEMARK_HOST").default("127.0.0.1"))
    .action(edge);
}

async function edge(flags: Flags): Promise<void> {
  const stopped = stopSignal();
  const reach = reachOf(flags);
  // Commands that only talk to a server start faster without one.
  const { startEdge } = await import("../edge.js");
  const { systemRuntime } = await import("../runtime/system-runtime.js");
  const { makeLogger } = await import("../observability/logger.js");
  const { server, host, port, origins, log, json } = flags;
  const logger = makeLogger(log);
  const running = await startEdge({ runtime: systemRuntime, logger, server, host, port, origins, ...reach });
  const reload = (): void => void running.reload();
  process.on("SIGHUP", reload);
  const { url } = running;
  const output = new Output({ json: json === true });
  output.result(`tidemark serves readers of ${server} at ${url}`, { event: "serving", url, server, pid: process.pid });
  await stopped;
  process.off("SIGHUP", reload);
  await running.close();
}
