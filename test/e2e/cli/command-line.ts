// Runs the command that users type, as a process of its own, and waits for what it prints. Everything it starts is
// ended when the test is.
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const BIN = join(ROOT, "bin/tidemark.mjs");

/** How a command ended, and all it printed. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** A command under way. */
export class Command {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #waiting = new Set<() => void>();
  #stdout = "";
  #stderr = "";
  #over = false;

  constructor(args: readonly string[], { env = {}, cwd = ROOT }: RunOptions = {}) {
    const own = Object.entries(process.env).filter(
      ([name]) => !name.startsWith("TIDEMARK_") && name !== "NODE_OPTIONS",
    );
    this.process = spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { ...Object.fromEntries(own), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => this.#heard(() => (this.#stdout += text)));
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => this.#heard(() => (this.#stderr += text)));
    this.ended = new Promise((resolve) => {
      this.process.once("close", (code) => {
        this.#heard(() => (this.#over = true));
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Lines of JSON on standard output so far. */
  get lines(): readonly Record<string, unknown>[] {
    return this.#stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  /** Resolves with the match once either stream has it, `count` times; rejects when the command ends without. */
  async said(pattern: RegExp, count = 1): Promise<RegExpExecArray> {
    const global = new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`);
    for (;;) {
      const found = [...`${this.#stdout}\n${this.#stderr}`.matchAll(global)].at(count - 1);
      if (found !== undefined) return found;
      if (this.#over) throw new Error(`never said ${pattern}:\n${this.#stdout}\n${this.#stderr}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    if (!this.#over) this.process.kill(signal);
    return this.ended;
  }

  #heard(note: () => void): void {
    note();
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** A folder for one test, outside of the package, where applications can import it all the same. */
export class Workplace {
  readonly folder: string;
  readonly #commands = new Set<Command>();

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "tidemark-cli-"));
    mkdirSync(join(this.folder, "node_modules"));
    symlinkSync(ROOT, join(this.folder, "node_modules/tidemark"), "dir");
    symlinkSync(join(ROOT, "node_modules/zod"), join(this.folder, "node_modules/zod"), "dir");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  copy(from: string, name: string): string {
    cpSync(from, this.path(name));
    return this.path(name);
  }

  start(args: readonly string[], options: RunOptions = {}): Command {
    const command = new Command(args, { cwd: this.folder, ...options });
    this.#commands.add(command);
    return command;
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(args, options).ended;
  }

  /** Ends what still runs, and removes the folder. */
  async close(): Promise<void> {
    for (const command of this.#commands) await command.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
