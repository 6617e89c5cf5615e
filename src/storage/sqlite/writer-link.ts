// The line from the main thread to a writer: requests out, answers in, and word of its death. `startWriter` makes the
// real one, a worker thread.
import { Worker } from "node:worker_threads";
import { OperatorError, type OperatorErrorCode } from "@tidemark/protocol";
import type { OpenSettings } from "./open-engine.js";
import type { WriterAnswer, WriterEvent, WriterRequest } from "./writer-calls.js";

/** The first word of a writer: whether the file is open. */
export type WriterStarted =
  | { readonly ok: true; readonly generation: number; readonly events: readonly WriterEvent[] }
  | { readonly ok: false; readonly code: OperatorErrorCode; readonly message: string; readonly hint: string };

/** A writer that has opened its file. */
export interface WriterLink {
  readonly generation: number;
  /** What was found while opening. */
  readonly events: readonly WriterEvent[];
  /** Requests are answered in the order sent. */
  send(request: WriterRequest): void;
  /** Called once, before the first `send`. `onDeath` comes when the thread ends, whatever the reason, perhaps twice. */
  listen(onAnswer: (answer: WriterAnswer) => void, onDeath: (cause: Error) => void): void;
  /** Resolves when the thread is gone, which answering `close` makes it. */
  ended(): Promise<void>;
  /** Ends the thread wherever it is. */
  terminate(): Promise<void>;
}

/** Starts the writer thread and waits until its file is open. Throws OperatorError. */
export async function startWriter(settings: OpenSettings): Promise<WriterLink> {
  const worker = spawn(settings);
  const ended = new Promise<void>((resolve) => void worker.once("exit", () => resolve()));
  const started = await firstWord(worker);
  if (!started.ok) {
    await ended;
    throw new OperatorError(started.code, started.message, started.hint);
  }
  return {
    generation: started.generation,
    events: started.events,
    send: (request) => worker.postMessage(request),
    listen(onAnswer, onDeath) {
      worker.on("message", onAnswer);
      worker.once("error", onDeath);
      worker.once("exit", () => onDeath(new Error("the writer thread has ended")));
    },
    ended: () => ended,
    async terminate() {
      await worker.terminate();
    },
  };
}

/** Sources need a loader and the workspace's source condition; the build needs neither. */
function spawn(settings: OpenSettings): Worker {
  const fromSource = import.meta.url.endsWith(".ts");
  const entry = new URL(fromSource ? "./writer-bootstrap.mjs" : "./writer.js", import.meta.url);
  const options = { workerData: settings, name: "tidemark-writer" };
  return new Worker(entry, fromSource ? { ...options, execArgv: ["--conditions=source"] } : options);
}

function firstWord(worker: Worker): Promise<WriterStarted> {
  return new Promise((resolve, reject) => {
    worker.once("message", (started: WriterStarted) => {
      worker.off("error", reject);
      resolve(started);
    });
    worker.once("error", reject);
  });
}
