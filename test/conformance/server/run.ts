// Drives a server through one dialogue in one codec. Each run has its own keys and client ids, so that dialogues neither
// meet nor meet again.
import type { Codec, Json } from "@tidemark/protocol";
import { randomHex } from "../../../src/runtime/ids.js";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import type { Dialogue, ServerStep } from "../dialogue/dialogue.js";
import { Failure, unlike } from "../dialogue/failure.js";
import { DialogueError, isObject, Names, numberFor } from "../dialogue/names.js";
import { leftOut, type Need } from "../dialogue/needs.js";
import { type Outcome, outcomeOf } from "../dialogue/outcome.js";
import { match, shown } from "../dialogue/pattern.js";
import { ServerConnection } from "./connection.js";
import type { Followed } from "./followed.js";
import { KnownStates } from "./known-states.js";

/** Which server, and how to speak to it. */
export interface ServerTarget {
  /** `ws://host:port`. */
  readonly url: string;
  readonly codec: Codec;
  /** The token of a person; `{name}` stands for their name. */
  readonly token: string;
  /** How long to wait for what must come. */
  readonly patienceMs: number;
  /** What this run has beyond an address. */
  readonly has: readonly Need[];
  /** Stops and starts the server, for dialogues that need it. */
  readonly control?: ServerControl;
}

/** A server that can be stopped, and started with what it had stored. */
export interface ServerControl {
  stop(): Promise<void>;
  /** Its address, which may be another. */
  start(): Promise<string>;
}

/** Runs one dialogue. Rejects with NoServer when nothing answers at the address. */
export async function runServerDialogue(dialogue: Dialogue<ServerStep>, target: ServerTarget): Promise<Outcome> {
  const skipped = leftOut(dialogue.needs, target.has);
  if (skipped !== undefined) return skipped;
  const run = new ServerRun(target, dialogue.needs.includes("minute") ? MINUTE_MS : 0);
  try {
    return await outcomeOf(dialogue.steps, {
      step: (step) => run.step(step),
      after: () => run.after(),
      transcript: () => run.transcript,
    });
  } finally {
    run.end();
  }
}

const MINUTE_MS = 60_000;

class ServerRun {
  readonly #moreMs: number;
  #url: string;
  readonly #target: ServerTarget;
  readonly #known = new KnownStates();
  readonly #connections = new Map<string, ServerConnection>();
  readonly #clients = new Map<string, { readonly id: string; conn: number }>();
  readonly #names: Names;
  #current: ServerConnection | undefined;
  #clockOffsetMs = 0;
  #pingMs = 0;
  #watchdogMs = 0;

  /** `moreMs`: how much longer than usual its patience lasts. */
  constructor(target: ServerTarget, moreMs: number) {
    this.#target = target;
    this.#moreMs = moreMs;
    this.#url = target.url;
    const sayings = {
      $now: (ms: Json | undefined) => this.#nowMs() + numberFor("$now", ms),
      $token: (name: Json | undefined) => this.#token(String(name)),
      $client: (name: Json | undefined) => this.#client(String(name)).id,
    };
    this.#names = new Names(sayings, { key: randomHex(systemRuntime, 6) });
  }

  get transcript(): readonly string[] {
    return this.#current?.transcript ?? [];
  }

  async step(step: ServerStep): Promise<void> {
    if ("connect" in step) return this.#connect(step.on);
    if ("join" in step) return this.#join(step);
    if ("server" in step) return this.#control(step.server);
    this.#current = this.#on(step.on);
    const connection = this.#current;
    if ("say" in step) return connection.say([this.#said(step.say)]);
    if ("sayAll" in step) return connection.say(step.sayAll.map((message) => this.#said(message)));
    if ("sayFrame" in step) return connection.sayFrame(step.sayFrame);
    if ("hear" in step) return this.#hear(connection, step.hear);
    if ("hearAll" in step) return this.#hearAll(connection, step.hearAll);
    if ("shows" in step) return this.#shows(connection, step.shows);
    if ("fence" in step) return connection.fence();
    if ("mute" in step) return connection.mute();
    if ("closed" in step) return this.#closed(connection, step.closed);
    if ("neverHears" in step) return connection.forbid(step.neverHears.map((text) => String(this.#names.value(text))));
    if ("always" in step) return this.#followed(connection, step.always.s).keepEqual(step.always.equal);
    connection.cut();
    this.#connections.delete(step.on);
  }

  /** Every connection that is left is heard out. */
  async after(): Promise<void> {
    for (const connection of this.#connections.values()) {
      this.#current = connection;
      if (!connection.open) connection.nothingLeft();
      else await this.#heardOut(connection);
    }
  }

  end(): void {
    for (const connection of this.#connections.values()) connection.cut();
  }

  async #heardOut(connection: ServerConnection): Promise<void> {
    await connection.fence();
    const [n] = connection.rules.unanswered;
    if (n !== undefined) throw new Failure({ rule: "REQ-1", expected: `an answer to call ${n}`, came: "nothing" });
  }

  async #connect(name: string): Promise<void> {
    const { codec, patienceMs } = this.#target;
    this.#current = await ServerConnection.open({ url: this.#url, codec, patienceMs, known: this.#known });
    this.#connections.set(name, this.#current);
  }

  async #join({ on, join, client: name = on, conn }: Extract<ServerStep, { join: string }>): Promise<void> {
    await this.#connect(on);
    const client = this.#client(name);
    client.conn = conn ?? client.conn + 1;
    const hello = { v: 1, token: this.#token(join), client: client.id, conn: client.conn, sdk: SDK, caps: [] };
    const connection = this.#on(on);
    connection.say([["hello", hello]]);
    await this.#hear(connection, ["welcome", {}]);
  }

  async #hear(connection: ServerConnection, pattern: readonly Json[]): Promise<void> {
    if (pattern[0] === "ping") return this.#hearPing(connection, pattern);
    const heard = await connection.hear(shown(pattern));
    this.#learn(heard);
    const difference = match(pattern, heard, this.#names);
    if (difference !== undefined) throw unlike(pattern, heard, difference);
  }

  async #hearPing(connection: ServerConnection, pattern: readonly Json[]): Promise<void> {
    const heard = await connection.hearPing(shown(pattern), this.#pingMs);
    const difference = match(pattern, heard, this.#names);
    if (difference !== undefined) throw unlike(pattern, heard, difference);
  }

  async #hearAll(connection: ServerConnection, patterns: readonly (readonly Json[])[]): Promise<void> {
    const left = [...patterns];
    while (left.length > 0) {
      const expected = `one of ${left.map(shown).join(" ")}`;
      const heard = await connection.hear(expected);
      const index = left.findIndex((pattern) => match(pattern, heard, this.#names) === undefined);
      if (index === -1) throw new Failure({ expected, came: shown(heard) });
      left.splice(index, 1);
    }
  }

  async #shows(connection: ServerConnection, shows: Extract<ServerStep, { shows: object }>["shows"]): Promise<void> {
    const seq = numberFor("seq", this.#names.value(shows.seq));
    const followed = this.#followed(connection, shows.s);
    const reached = await connection.until(() => {
      if (followed.phase === "ended") throw new Failure({ expected: `${followed.doc} at seq ${seq}`, came: "its end" });
      return (followed.phase === "open" && followed.at.seq >= seq) || undefined;
      // What changed nothing may be told no sooner than with the next heads (SEQ-8).
    }, 2 * this.#pingMs);
    const at = `at seq ${followed.at.seq} (${followed.phase})`;
    const expected = `${followed.doc} at seq ${seq}`;
    if (reached === undefined || followed.at.seq !== seq) throw new Failure({ expected, came: at });
    if (shows.state !== undefined) this.#compare({ $exactly: shows.state }, followed.state ?? null);
    if (shows.position !== undefined) this.#compare(shows.position, followed.positions[0] ?? null);
    if (shows.positions !== undefined) this.#compare(shows.positions, followed.positions);
    if (shows.events !== undefined) this.#compare([shows.events], [followed.takeEvents()]);
  }

  async #control(what: "stop" | "start"): Promise<void> {
    const { control } = this.#target;
    if (control === undefined) throw new DialogueError("nobody can stop this server");
    if (what === "stop") await control.stop();
    else this.#url = await control.start();
  }

  async #closed(connection: ServerConnection, code: number): Promise<void> {
    const came = await connection.closed(connection.muted ? 2 * this.#watchdogMs : this.#moreMs);
    connection.nothingLeft();
    if (came !== code) throw new Failure({ expected: `a close with ${code}`, came: `one with ${came}` });
  }

  #compare(pattern: Json, value: Json): void {
    const difference = match(pattern, value, this.#names);
    if (difference !== undefined) throw unlike(pattern, value, difference);
  }

  /** What is not written: when a call was born. */
  #said(written: readonly Json[]): readonly Json[] {
    const message = written.map((item) => this.#names.value(item));
    if (message[0] !== "c" || message.length < 5) return message;
    const [type, n, target, name, input, extension] = message;
    const more = isObject(extension) ? extension : {};
    return [type, n ?? null, target ?? null, name ?? null, input ?? null, { born: this.#nowMs(), ...more }];
  }

  #learn(heard: Json): void {
    const [type, welcome] = Array.isArray(heard) ? heard : [];
    if (type !== "welcome" || !isObject(welcome)) return;
    const { now, pingMs, watchdogMs } = welcome;
    if (typeof now === "number") this.#clockOffsetMs = now - systemRuntime.now();
    if (typeof pingMs === "number") this.#pingMs = pingMs;
    if (typeof watchdogMs === "number") this.#watchdogMs = watchdogMs;
  }

  #nowMs(): number {
    return systemRuntime.now() + this.#clockOffsetMs;
  }

  #token(person: string): string {
    return this.#target.token.replaceAll("{name}", person);
  }

  #client(name: string): { readonly id: string; conn: number } {
    const known = this.#clients.get(name) ?? { id: randomHex(systemRuntime, 16), conn: 0 };
    this.#clients.set(name, known);
    return known;
  }

  #followed(connection: ServerConnection, s: number): Followed {
    const followed = connection.rules.followed(s);
    if (followed === undefined) throw new DialogueError(`subscription ${s} was not opened`);
    return followed;
  }

  #on(name: string): ServerConnection {
    const connection = this.#connections.get(name);
    if (connection === undefined) throw new DialogueError(`there is no connection ${name}`);
    return connection;
  }
}

const SDK = "conformance/1";
