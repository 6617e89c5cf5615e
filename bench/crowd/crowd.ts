// Many real clients, in as many processes as their descriptors ask for, on any core: they need more than one, and what
// they take of the server's makes it no easier. The benchmark's side of it.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CrowdOrder, CrowdReport } from "./messages.js";

const CLIENTS = fileURLToPath(new URL("clients.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** A process may have 20,000 descriptors on many machines; and two collect garbage in smaller steps than one. */
const CLIENTS_PER_PROCESS = 5_000;

type ReportOf<Kind extends CrowdReport["report"]> = Extract<CrowdReport, { report: Kind }>;

/** Clients of a server. */
export class Crowd {
  readonly #processes: readonly ChildProcess[];

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes;
  }

  /** Connects them all; resolves when each shows its document. */
  static async connect(
    clients: number,
    follow: Omit<Extract<CrowdOrder, { order: "connect" }>, "order" | "clients">,
  ): Promise<Crowd> {
    const count = Math.ceil(clients / CLIENTS_PER_PROCESS);
    const crowd = new Crowd(Array.from({ length: count }, start));
    const order = { order: "connect", clients: Math.ceil(clients / count), ...follow } as const;
    await crowd.#ask(order, "connected");
    return crowd;
  }

  /** Resolves when all of them were cut off and are at head again. */
  async watch(heads: { readonly [document: string]: number }): Promise<Omit<ReportOf<"back">, "report">> {
    const reports = await this.#ask({ order: "watch", heads }, "back");
    return {
      clients: reports.flatMap(({ clients }) => clients),
      cpuSeconds: reports.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    };
  }

  /** How many of them do not hold exactly this in the end. */
  async differing(documents: Extract<CrowdOrder, { order: "compare" }>["documents"]): Promise<number> {
    const reports = await this.#ask({ order: "compare", documents }, "compared");
    return reports.reduce((sum, { differing }) => sum + differing, 0);
  }

  leave(): void {
    for (const child of this.#processes) child.kill("SIGKILL");
  }

  #ask<Kind extends CrowdReport["report"]>(order: CrowdOrder, kind: Kind): Promise<ReportOf<Kind>[]> {
    return Promise.all(this.#processes.map((child) => ask(child, order, kind)));
  }
}

function start(): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", CLIENTS], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

function ask<Kind extends CrowdReport["report"]>(
  child: ChildProcess,
  order: CrowdOrder,
  kind: Kind,
): Promise<ReportOf<Kind>> {
  return new Promise((resolve, reject) => {
    const isWanted = (report: CrowdReport): report is ReportOf<Kind> => report.report === kind;
    const ended = (): void => reject(new Error("a process of clients ended"));
    child.once("exit", ended);
    child.once("message", (report: CrowdReport) => {
      child.off("exit", ended);
      if (isWanted(report)) resolve(report);
      else reject(new Error(`the crowd reported ${report.report}`));
    });
    child.send(order);
  });
}
