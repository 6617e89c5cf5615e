// The process of one edge of `--edges N`: takes connections on the port that all edges share, serves sockets with the documents
// of its owner, and passes everything else on. It ends with its owner.
import { Socket } from "node:net";
import { LIMITS, OperatorError } from "@tidemark/protocol";
import { EdgeSessions } from "./cluster/edge-sessions.js";
import { SocketWire } from "./cluster/socket-wire.js";
import { type EdgeOrders, type FromEdgeProcess, isToEdge, LINK_FD } from "./edge-words.js";
import { httpApp } from "./http/app.js";
import { Door } from "./http/door.js";
import { Forwarding } from "./http/forwarding.js";
import { PassingOn } from "./http/passing-on.js";
import { proxiesOf } from "./listening.js";
import { makeLogger } from "./observability/logger.js";
import { systemRuntime } from "./runtime/system-runtime.js";
import { TokenBucket } from "./runtime/token-bucket.js";
import { certificateOf, keepCertificate } from "./server-certificate.js";
import { SocketServer } from "./transport/websocket-server.js";

/** How long what was written may take to leave. */
const LAST_BYTES_MS = 200;

/** An edge that takes connections. */
interface RunningEdgeProcess {
  readonly door: Door;
  reload(): Promise<void>;
}

async function start(orders: EdgeOrders): Promise<RunningEdgeProcess> {
  const { settings, origins, tls, ownerPath, host, port } = orders;
  const runtime = systemRuntime;
  const logger = makeLogger(orders.log);
  const onBug = (error: unknown): void => logger.error({ err: error }, "a bug: please report it");
  const wire = new SocketWire(new Socket({ fd: LINK_FD, readable: true, writable: true }));
  const sessions = new EdgeSessions({
    ...{ runtime, wire, settings, onBug },
    over(why) {
      if (why !== "closed") logger.error({ why }, "the owner is lost");
      leave(0);
    },
  });
  const proxies = proxiesOf(orders.trustProxy);
  const certificate = await certificateOf(tls, runtime);
  const server = `unix+http://${encodeURIComponent(ownerPath)}/`;
  const api = new PassingOn(new Forwarding({ server, proxies, passesOrigins: true }));
  const ready = (): boolean => !sessions.link.isOver;
  const http = await httpApp({ staticDir: undefined, ready, api, proxies, certificate });
  new SocketServer(http.server, {
    ...sessions.parts,
    ...{ origins, proxies, loopbackNamesOnly: false, onBug },
    isOverloaded: () => sessions.isOverloaded,
    admission: new TokenBucket({ runtime, perSecond: LIMITS.upgradesPerSecond, burst: LIMITS.upgradesBurst }),
  });
  const certificates = keepCertificate({ tls, runtime, logger }, certificate, http.server);
  await http.ready();
  const door = new Door(http.server, { host, port });
  await door.open();
  wire.serve(sessions.link);
  return { door, reload: async () => certificates?.look() };
}

const leave = (code: number): void => void systemRuntime.setTimer(LAST_BYTES_MS, () => process.exit(code));
const say = (word: FromEdgeProcess): void => void process.send?.(word);

async function begin(orders: EdgeOrders): Promise<void> {
  const { door, reload } = await start(orders);
  say({ kind: "listening" });
  process.on("message", (message) => {
    if (!isToEdge(message)) return;
    if (message.kind === "reload") void reload();
    if (message.kind === "door") void (message.isOpen ? door.open() : door.close());
  });
}

// When to end is the owner's word: a terminal's signal reaches every process at once.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => leave(0));
process.once("message", (message) => {
  if (!isToEdge(message) || message.kind !== "start") return;
  begin(message.orders).catch((error: unknown) => {
    const { code, hint } = error instanceof OperatorError ? error : { code: "storage_failed" as const, hint: "" };
    say({ kind: "failed", code, message: error instanceof Error ? error.message : String(error), hint });
    leave(1);
  });
});
say({ kind: "ready" });
