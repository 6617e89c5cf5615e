// What a server under measurement holds of memory, as Linux counts it (resident) and as V8 does (heap of the main
// thread). It reads; what the server runs with is process.ts's.
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** While it was measured, MB; `heap` of Node's main thread only, and undefined where no Node runs. */
export interface ServerMemory {
  /** At the end of the window. */
  readonly rssMb: number;
  readonly rssMaxMb: number;
  readonly heapMb?: number;
  readonly heapMaxMb?: number;
}

/** What a Node process says of itself, bytes. */
export type MemoryUsage = NodeJS.MemoryUsage;

const SAMPLE_MS = 500;
const ANSWER_TIMEOUT_MS = 30_000;
const MB = 1_000_000;
const PAGE_BYTES = 4_096;

interface MemoryAnswer {
  readonly bench: "memory";
  readonly usage: MemoryUsage;
}

function isMemoryAnswer(message: unknown): message is MemoryAnswer {
  return typeof message === "object" && message !== null && "bench" in message && message.bench === "memory";
}

/** Asks a server that was started with the probe; `collect` lets it collect its garbage first. Rejects when it ends or says
 * nothing for long. */
export function askMemory(child: ChildProcess, { collect = false } = {}): Promise<MemoryUsage> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      child.off("message", hear);
      child.off("exit", ended);
      act();
    };
    const hear = (message: unknown): void => {
      if (isMemoryAnswer(message)) settle(() => resolve(message.usage));
    };
    const ended = (): void => settle(() => reject(new Error("the server ended before it said what it holds")));
    const timer = setTimeout(
      () => settle(() => reject(new Error("the server did not say what it holds"))),
      ANSWER_TIMEOUT_MS,
    );
    child.on("message", hear);
    child.once("exit", ended);
    child.send({ bench: "memory", collect }, (error) => {
      if (error !== null) settle(() => reject(error));
    });
  });
}

/** Resident memory of a process, MB; NaN when it is gone or there is no /proc. */
export function rssMbOf(pid: number): number {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES) / MB;
  } catch {
    return Number.NaN;
  }
}

/** Looks at a server twice a second until it is told to stop. Without a probe it sees what is resident only. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #ask: (() => Promise<MemoryUsage>) | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #rssMb: number[] = [];
  readonly #heapMb: number[] = [];
  #isAsking = false;

  constructor(
    pid: number,
    { ask, everyMs = SAMPLE_MS }: { readonly ask?: () => Promise<MemoryUsage>; readonly everyMs?: number } = {},
  ) {
    this.#pid = pid;
    this.#ask = ask;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  /** Undefined when the server was gone before it was looked at. */
  stop(): ServerMemory | undefined {
    clearInterval(this.#timer);
    const [rssMb, heapMb] = [this.#rssMb.at(-1), this.#heapMb.at(-1)];
    if (rssMb === undefined) return undefined;
    const heap = heapMb === undefined ? {} : { heapMb, heapMaxMb: Math.max(...this.#heapMb) };
    return { rssMb, rssMaxMb: Math.max(...this.#rssMb), ...heap };
  }

  #look(): void {
    const rssMb = rssMbOf(this.#pid);
    if (Number.isNaN(rssMb)) return;
    this.#rssMb.push(rssMb);
    if (this.#ask === undefined || this.#isAsking) return;
    this.#isAsking = true;
    this.#ask()
      .then(({ heapUsed }) => this.#heapMb.push(heapUsed / MB))
      // A server that was stopped meanwhile says nothing more.
      .catch(() => undefined)
      .finally(() => {
        this.#isAsking = false;
      });
  }
}
