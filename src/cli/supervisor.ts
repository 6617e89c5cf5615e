// Keeps one dev server running over changes of its application: a child process on the same port and file. It serves
// nothing itself, so that whatever an application does to its process, the next change starts a fresh one.
import { type ChildProcess, fork } from "node:child_process";
import { OperatorError } from "@tidemark/protocol";
import { systemRuntime } from "../runtime/system-runtime.js";
import { type AppSummary, isWord, STOP, type Word } from "./dev-words.js";
import type { PlainError } from "./failure.js";
import { SourceWatch } from "./source-watch.js";

/** Whom a supervisor tells. */
export interface SupervisorListener {
  serving(url: string, app: AppSummary): void;
  changed(file: string): void;
  /** The application is not fit to be served; the next change is awaited. */
  refused(error: PlainError): void;
  /** The server's process was ended from outside; another starts. */
  killed(signal: NodeJS.Signals): void;
  /** The server's process failed by itself; the next change is awaited. */
  crashed(code: number | null): void;
}

/** What to run. */
export interface SupervisorOptions {
  /** The application file, as a path. */
  readonly file: string;
  /** The command line of a supervised server on this port. */
  readonly argv: (port: number) => readonly string[];
  readonly port: number;
  /** Resolves when it is time to end. */
  readonly stopped: Promise<void>;
  readonly listener: SupervisorListener;
}

type End =
  | { readonly kind: "failed"; readonly error: PlainError }
  | { readonly kind: "killed"; readonly signal: NodeJS.Signals }
  | { readonly kind: "exited"; readonly code: number | null };

/** Past this, a server that was told to stop is ended: what it acknowledged is on disk (R1). */
const STOP_MS = 5_000;

/** Runs until stopped. Throws OperatorError for what no change of the application can mend. */
export async function supervise(options: SupervisorOptions): Promise<void> {
  const sources = new SourceWatch(systemRuntime);
  sources.add(options.file);
  try {
    await new Supervisor(options, sources).run();
  } finally {
    sources.close();
  }
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #sources: SourceWatch;
  readonly #stopped: Promise<"stopped">;
  #port: number;

  constructor(options: SupervisorOptions, sources: SourceWatch) {
    this.#options = options;
    this.#sources = sources;
    this.#stopped = options.stopped.then(() => "stopped");
    this.#port = options.port;
  }

  async run(): Promise<void> {
    for (;;) {
      const child = new Child(this.#options.argv(this.#port), (word) => this.#heard(word));
      const next = await Promise.race([child.ended, this.#change({ anySource: false }), this.#stopped]);
      if (next === "changed" || next === "stopped") await child.stop();
      else if (this.#mustWait(next) && (await this.#nextChange()) === "stopped") return;
      if (next === "stopped") return;
    }
  }

  #heard(word: Word): void {
    if (word.kind === "imported") this.#sources.add(word.file);
    if (word.kind !== "serving") return;
    this.#port = Number(new URL(word.url).port);
    this.#options.listener.serving(word.url, word.app);
  }

  /** Whether the same application would only end again. */
  #mustWait(end: End): boolean {
    const { listener } = this.#options;
    switch (end.kind) {
      case "killed":
        listener.killed(end.signal);
        return false;
      case "exited":
        listener.crashed(end.code);
        return true;
      case "failed": {
        const { code, message, hint } = end.error;
        if (code !== "app_invalid") throw new OperatorError(code, message, hint);
        listener.refused(end.error);
        return true;
      }
    }
  }

  #nextChange(): Promise<"changed" | "stopped"> {
    return Promise.race([this.#change({ anySource: true }), this.#stopped]);
  }

  async #change(kind: { readonly anySource: boolean }): Promise<"changed"> {
    this.#options.listener.changed(await this.#sources.changed(kind));
    return "changed";
  }
}

/** One run of the server. */
class Child {
  readonly ended: Promise<End>;
  readonly #process: ChildProcess;

  constructor([script = "", ...argv]: readonly string[], heard: (word: Word) => void) {
    this.#process = fork(script, argv, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    let error: PlainError | undefined;
    this.#process.on("message", (message) => {
      if (!isWord(message)) return;
      if (message.kind === "failed") error = message.error;
      else heard(message);
    });
    // It must not outlive this process, not even while it is too busy to notice.
    const kill = (): void => void this.#process.kill("SIGKILL");
    process.once("exit", kill);
    this.ended = new Promise((resolve) => {
      this.#process.once("exit", (code, signal) => {
        process.off("exit", kill);
        if (error !== undefined) resolve({ kind: "failed", error });
        else resolve(signal === null ? { kind: "exited", code } : { kind: "killed", signal });
      });
    });
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.send(STOP);
    const cancel = systemRuntime.setTimer(STOP_MS, () => this.#process.kill("SIGKILL"));
    await this.ended;
    cancel();
  }
}
