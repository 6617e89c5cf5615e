// The edges of `--edges N`: processes that share one port, serve its sockets, and have their documents here. Each is started
// again when it ends, and takes no more than its share of the connections.
import cluster, { type Worker } from "node:cluster";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { OperatorError } from "@tidemark/protocol";
import type { AcceptedLink, OwnerLinks } from "./cluster/owner-links.js";
import { SocketWire } from "./cluster/socket-wire.js";
import { type EdgeOrders, isFromEdge, LINK_FD, type ToEdgeProcess } from "./edge-words.js";
import type { Logger } from "./observability/logger.js";
import type { CancelTimer, Runtime } from "./runtime/runtime.js";

/** What edges are started with. */
export interface EdgesParts {
  readonly count: number;
  readonly orders: EdgeOrders;
  readonly links: OwnerLinks;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** An edge's process. */
interface Edge {
  readonly worker: Worker;
  readonly accepted: AcceptedLink;
  isOpen: boolean;
}

/** Until one that ended is started again; longer each time that it ends at once. */
const AGAIN_MS = { first: 100, most: 5_000, settled: 10_000 };
/** How often shares are looked at. */
const BALANCE_MS = 100;
/** More than the others by this much, and by this part of their mean, is more than its share. */
const MORE_BY = { connections: 32, part: 0.05 };
/** Past this, an edge that was told to end is ended. */
const STOP_MS = 3_000;

/** The edges of one server. */
export class Edges {
  readonly #parts: EdgesParts;
  readonly #edges = new Set<Edge>();
  readonly #exits = new Set<Promise<void>>();
  #againMs = AGAIN_MS.first;
  #isStopping = false;
  #cancelBalance: CancelTimer | undefined = undefined;

  constructor(parts: EdgesParts) {
    this.#parts = parts;
  }

  /** Resolves when all of them take connections. Rejects with OperatorError when one cannot. */
  async start(): Promise<void> {
    // The kernel hands connections out: no process has to take them for the others.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: fileURLToPath(import.meta.url).replace(/edges\.(ts|js)$/, "edge-process.$1"),
      args: [],
      stdio: ["ignore", "inherit", "inherit", "ipc", "pipe"],
    });
    await Promise.all(Array.from({ length: this.#parts.count }, () => this.#fork()));
    this.#balanceLater();
  }

  /** Has their certificates read again. */
  reload(): void {
    for (const { worker } of this.#edges) tell(worker, { kind: "reload" });
  }

  /** Their sessions were sent away before. Resolves when all of them have ended. */
  async close(): Promise<void> {
    this.#isStopping = true;
    this.#cancelBalance?.();
    for (const { accepted } of this.#edges) accepted.link.close();
    const kill = this.#parts.runtime.setTimer(STOP_MS, () => {
      for (const { worker } of this.#edges) worker.process.kill("SIGKILL");
    });
    await Promise.all(this.#exits);
    kill();
  }

  async #fork(): Promise<void> {
    const { orders, links, runtime } = this.#parts;
    const worker = cluster.fork();
    const wire = new SocketWire(linkOf(worker));
    const kill = (): void => void worker.process.kill("SIGKILL");
    // One that is told to stop ends by itself; any other is of no use without its link.
    const accepted = links.accept(wire, () => (this.#isStopping ? undefined : kill()));
    // What is said to one that has just ended; its exit is heard of.
    worker.on("error", () => undefined);
    wire.serve(accepted.link);
    const edge: Edge = { worker, accepted, isOpen: true };
    this.#edges.add(edge);
    const startedMs = runtime.monotonicMs();
    const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    this.#exits.add(exited);
    process.once("exit", kill);
    void exited.then(() => {
      process.off("exit", kill);
      this.#exits.delete(exited);
      this.#ended(edge, runtime.monotonicMs() - startedMs);
    });
    await listening(worker, orders);
  }

  #ended(edge: Edge, livedMs: number): void {
    edge.accepted.link.wireClosed();
    if (!this.#edges.delete(edge) || this.#isStopping) return;
    const { logger, runtime } = this.#parts;
    const { pid, exitCode, signalCode } = edge.worker.process;
    logger.error({ pid, exitCode, signalCode }, "an edge has ended; another one starts");
    this.#againMs = livedMs > AGAIN_MS.settled ? AGAIN_MS.first : Math.min(2 * this.#againMs, AGAIN_MS.most);
    runtime.setTimer(this.#againMs, () => {
      if (this.#isStopping) return;
      this.#fork().catch((error: unknown) => logger.error({ err: error }, "an edge cannot start"));
    });
  }

  #balanceLater(): void {
    this.#cancelBalance = this.#parts.runtime.setTimer(BALANCE_MS, () => {
      this.#balance();
      this.#balanceLater();
    });
  }

  #balance(): void {
    let sum = 0;
    for (const { accepted } of this.#edges) sum += accepted.sessionCount;
    const mean = sum / Math.max(1, this.#edges.size);
    for (const edge of this.#edges) {
      const isOpen = edge.accepted.sessionCount <= mean + Math.max(MORE_BY.connections, mean * MORE_BY.part);
      if (isOpen !== edge.isOpen) tell(edge.worker, { kind: "door", isOpen });
      edge.isOpen = isOpen;
    }
  }
}

/** A folder that nobody else may look into, for the socket by which edges pass requests on. */
export function privateFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "tidemark-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

const tell = (worker: Worker, word: ToEdgeProcess): void => {
  if (worker.isConnected()) worker.send(word);
};

function linkOf(worker: Worker): Duplex {
  const stream: unknown = worker.process.stdio[LINK_FD];
  if (!(stream instanceof Duplex)) throw new TypeError("the process of an edge has no link");
  return stream;
}

function listening(worker: Worker, orders: EdgeOrders): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on("message", (message: unknown) => {
      if (!isFromEdge(message)) return;
      if (message.kind === "ready") tell(worker, { kind: "start", orders });
      else if (message.kind === "listening") resolve();
      else reject(new OperatorError(message.code, message.message, message.hint));
    });
    worker.once("exit", (code, signal) => reject(new Error(`the process of an edge ended: ${signal ?? code}`)));
  });
}
