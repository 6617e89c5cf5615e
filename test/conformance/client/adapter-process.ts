// The adapter of a client as a process of its own: commands go in as lines, what the client shows comes out as lines. It
// is started when it is first needed, and again when it has ended.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Json, JsonObject } from "@tidemark/protocol";
import { Changes } from "../dialogue/changes.js";
import { isObject } from "../dialogue/names.js";

/** The adapter cannot be started, or does not speak its protocol. */
export class AdapterFailure extends Error {
  override readonly name = "AdapterFailure";
}

/** What drives one client at a time. */
export interface Adapter {
  /** Everything the client showed since `begin`. */
  readonly seen: readonly JsonObject[];
  readonly changes: Changes;
  /** Forgets what was seen; rejects with AdapterFailure when there is nothing to drive. */
  begin(): Promise<void>;
  send(command: JsonObject): void;
}

/** Programs load slowly when everything else runs too. */
const START_MS = 60_000;

/** Starts `command` with the shell. */
export class AdapterProcess implements Adapter {
  readonly changes = new Changes();
  readonly #command: string;
  readonly #patienceMs: number;
  #child: ChildProcessWithoutNullStreams | undefined;
  #seen: JsonObject[] = [];
  #ready = false;
  #ended: string | undefined;
  #stderr = "";

  constructor(command: string, patienceMs: number) {
    this.#command = command;
    this.#patienceMs = patienceMs;
  }

  get seen(): readonly JsonObject[] {
    return this.#seen;
  }

  async begin(): Promise<void> {
    if (this.#child === undefined || this.#ended !== undefined) this.#start();
    const ready = await this.changes.until(() => this.#ready || this.#ended !== undefined || undefined, START_MS);
    if (ready === undefined) throw new AdapterFailure(`the adapter did not say ready within ${START_MS} ms`);
    if (!this.#ready) throw new AdapterFailure(`the adapter ended before it was ready (${this.#ended}): ${this.#said}`);
    this.#seen = [];
  }

  send(command: JsonObject): void {
    this.#child?.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** Ends it; the hard way when it does not by itself. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || this.#ended !== undefined) return;
    child.stdin.end();
    const ended = await this.changes.until(() => this.#ended, this.#patienceMs);
    // A group of its own, because the shell may have started others.
    if (ended === undefined) process.kill(-child.pid, "SIGKILL");
  }

  get #said(): string {
    return this.#stderr.trim() || "it wrote no word to standard error";
  }

  #start(): void {
    const child = spawn(this.#command, { shell: true, detached: true });
    this.#child = child;
    this.#ready = false;
    this.#ended = undefined;
    this.#stderr = "";
    child.stdin.on("error", () => undefined);
    child.stderr.on("data", (text: Buffer) => {
      this.#stderr = `${this.#stderr}${text.toString()}`.slice(-STDERR_MAX);
    });
    createInterface({ input: child.stdout }).on("line", (line) => this.#line(line));
    child.on("error", (error) => this.#end(error.message));
    // After `exit`: what it said last has been read by then.
    child.on("close", (code, signal) => this.#end(`with ${code ?? signal}`));
  }

  #line(line: string): void {
    const seen = parsed(line);
    if (seen === undefined) return;
    if (seen["saw"] === "ready") this.#ready = true;
    else this.#seen.push(seen);
    this.changes.tell();
  }

  #end(how: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.#seen.push({ saw: "error", message: `the adapter ended ${how}: ${this.#said}` });
    this.changes.tell();
  }
}

const STDERR_MAX = 2_000;

/** Undefined for a line that is no object: programs also print what was not meant for anybody. */
function parsed(line: string): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
