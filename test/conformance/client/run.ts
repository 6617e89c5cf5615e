// Drives a client through one dialogue in one codec: plays the server on a real socket, gives the adapter its commands,
// and compares what the client says and shows.
import { type Codec, type Json, LIMITS } from "@tidemark/protocol";
import { randomHex } from "../../../src/runtime/ids.js";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import type { ClientStep, Dialogue } from "../dialogue/dialogue.js";
import { Failure, unlike } from "../dialogue/failure.js";
import { DialogueError, isObject, Names, numberFor } from "../dialogue/names.js";
import { leftOut, type Need } from "../dialogue/needs.js";
import { type Outcome, outcomeOf } from "../dialogue/outcome.js";
import { match, shown } from "../dialogue/pattern.js";
import type { Adapter } from "./adapter-process.js";
import { Observations } from "./observations.js";
import { type ClientConnection, ScriptedServer, Transcript } from "./scripted-server.js";

/** Which client, and how to speak to it. */
export interface ClientTarget {
  readonly adapter: Adapter;
  readonly codec: Codec;
  /** How long to wait for what must come. */
  readonly patienceMs: number;
  /** What this run has beyond an adapter. */
  readonly has: readonly Need[];
}

/** Runs one dialogue. Rejects with AdapterFailure when there is nothing to drive. */
export async function runClientDialogue(dialogue: Dialogue<ClientStep>, target: ClientTarget): Promise<Outcome> {
  const { adapter, codec } = target;
  const skipped = leftOut(dialogue.needs, target.has);
  if (skipped !== undefined) return skipped;
  await adapter.begin();
  const transcript = new Transcript();
  const server = await ScriptedServer.listen({ codec, changes: adapter.changes, transcript });
  const moreMs = dialogue.needs.includes("minute") ? 1.5 * MINUTE_MS : 0;
  const run = new ClientRun(target, { server, moreMs });
  try {
    return await outcomeOf(dialogue.steps, {
      step: (step) => run.step(step),
      after: () => run.after(),
      transcript: () => transcript.lines,
    });
  } finally {
    await run.end();
    await server.close();
  }
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

class ClientRun {
  readonly #target: ClientTarget;
  readonly #server: ScriptedServer;
  readonly #names: Names;
  readonly #observations: Observations;
  readonly #connections = new Map<string, ClientConnection>();
  #pingMs: number = LIMITS.pingIntervalMs;
  #k = 0;
  /** When a connection was ended last, on the monotonic clock. */
  #endedMs = 0;
  /** How long patience lasts. */
  readonly #patienceMs: number;
  #ended = false;

  constructor(target: ClientTarget, { server, moreMs }: { readonly server: ScriptedServer; readonly moreMs: number }) {
    this.#target = target;
    this.#patienceMs = target.patienceMs + moreMs;
    this.#server = server;
    const sayings = { $now: (ms: Json | undefined) => systemRuntime.now() + numberFor("$now", ms) };
    this.#names = new Names(sayings, { key: randomHex(systemRuntime, 6) });
    this.#observations = new Observations(target.adapter, this.#names);
  }

  async step(step: ClientStep): Promise<void> {
    if ("do" in step) return this.#command(step.do);
    if ("observe" in step) return void (await this.#observe(step.observe));
    if ("observeInOrder" in step) return this.#observeInOrder(step.observeInOrder);
    if ("accept" in step) return this.#accept(step);
    if ("refuse" in step) return this.#server.refuse(step.refuse);
    const connection = this.#on(step.on);
    if ("greet" in step) return this.#greet(connection, step.greet);
    if ("say" in step) return connection.say([this.#said(step.say)]);
    if ("sayAll" in step) return connection.say(step.sayAll.map((message) => this.#said(message)));
    if ("sayFrame" in step) return connection.sayFrame(step.sayFrame);
    if ("hear" in step) return this.#hear(connection, step.hear);
    if ("hearAll" in step) return this.#hearAll(connection, step.hearAll);
    if ("fence" in step) return this.#fence(connection);
    if ("beat" in step) return this.#beat(connection, step);
    if ("close" in step) return this.#end(() => connection.close(step.close));
    if ("mute" in step) return connection.mute();
    if ("gone" in step) return this.#gone(connection);
    this.#end(() => connection.cut());
    this.#connections.delete(step.on);
  }

  #end(end: () => void): void {
    this.#endedMs = systemRuntime.monotonicMs();
    end();
  }

  /** Every connection that is left is heard out, then the client is closed and shows nothing more. */
  async after(): Promise<void> {
    for (const connection of this.#connections.values()) {
      if (connection.open) await this.#fence(connection);
      else nothingLeft(connection);
    }
    if (this.#server.take() !== undefined) throw new Failure({ expected: "no other connection", came: "one" });
    await this.end();
    this.#observations.nothingLeft();
  }

  /** Closes the client and hears it out, so that nothing of it is taken for the next one's. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const { adapter, patienceMs } = this.#target;
    adapter.send({ command: "disconnect" });
    await adapter.changes.until(() => adapter.seen.find(({ saw }) => saw === "disconnected"), patienceMs);
  }

  #command(written: { readonly [name: string]: Json }): void {
    const { adapter, codec } = this.#target;
    const value = this.#names.value(written);
    const command = isObject(value) ? value : {};
    const where = { url: this.#server.url, token: "user:ann", codec: codec.name };
    adapter.send(command["command"] === "connect" ? { ...where, ...command } : command);
  }

  async #observe(pattern: Json): Promise<number> {
    const found = await this.#until(() => this.#observations.find(pattern));
    return found ?? this.#silence(shown(pattern));
  }

  async #observeInOrder(patterns: readonly Json[]): Promise<void> {
    let last = -1;
    for (const pattern of patterns) {
      const index = await this.#observe(pattern);
      if (index < last)
        throw new Failure({ expected: `${shown(pattern)} after the ones before it`, came: "it before" });
      last = index;
    }
  }

  async #accept({ accept, notBeforeMs = 0 }: Extract<ClientStep, { accept: string }>): Promise<void> {
    const connection = (await this.#until(() => this.#server.take())) ?? this.#silence("a connection");
    this.#connections.set(accept, connection);
    const afterMs = connection.sinceMs - this.#endedMs;
    if (afterMs >= notBeforeMs - EARLY_MS) return;
    const expected = `nobody to come back before ${notBeforeMs} ms, as goaway said`;
    throw new Failure({ rule: "CLOSE-4", expected, came: `a connection after ${Math.round(afterMs)} ms` });
  }

  async #greet(connection: ClientConnection, more: Json): Promise<void> {
    await this.#hear(connection, ["hello", { v: 1, caps: "$list", sdk: "$text", token: "user:ann" }]);
    const now = systemRuntime.now();
    const { frameBytesMax, inputBytesMax, subscriptionsMax, inFlightMax } = LIMITS;
    const limits = { frameBytesMax, inputBytesMax, subscriptionsMax, inFlightMax };
    const times = { now, exp: now + HOUR_MS, pingMs: LIMITS.pingIntervalMs, watchdogMs: LIMITS.watchdogMs };
    const given = this.#names.value(more);
    const welcome = { v: 1, session: "s", server: "scripted", sub: "ann", ...times, limits, caps: [] };
    const all = { ...welcome, ...(isObject(given) ? given : {}) };
    this.#pingMs = all.pingMs;
    connection.say([["welcome", all]]);
  }

  async #hear(connection: ClientConnection, pattern: readonly Json[]): Promise<void> {
    const [type] = pattern;
    const heard = await this.#next(connection, shown(pattern), () => {
      if (type === "ping") return connection.takeReport();
      return type === "pong" ? connection.takePong() : connection.take();
    });
    const difference = match(pattern, heard, this.#names);
    if (difference !== undefined) throw unlike(pattern, heard, difference);
  }

  async #hearAll(connection: ClientConnection, patterns: readonly (readonly Json[])[]): Promise<void> {
    const left = [...patterns];
    while (left.length > 0) {
      const expected = `one of ${left.map(shown).join(" ")}`;
      const heard = await this.#next(connection, expected, () => connection.take());
      const index = left.findIndex((pattern) => match(pattern, heard, this.#names) === undefined);
      if (index === -1) throw new Failure({ expected, came: shown(heard) });
      left.splice(index, 1);
    }
  }

  /** Beats as a server does, until the client has had enough of it. */
  async #beat(connection: ClientConnection, { beat, until }: Extract<ClientStep, { beat: object }>): Promise<void> {
    const heads = this.#names.value(beat);
    const lastMs = systemRuntime.monotonicMs() + this.#target.patienceMs;
    for (;;) {
      this.#k += 1;
      connection.say([["ping", this.#k, heads]]);
      const heard = await this.#until(() => connection.take(), this.#pingMs);
      if (heard === undefined && systemRuntime.monotonicMs() < lastMs) continue;
      const difference = heard === undefined ? undefined : match(until, heard, this.#names);
      if (heard === undefined) return this.#silence(shown(until));
      if (difference !== undefined) throw unlike(until, heard, difference);
      return;
    }
  }

  async #gone(connection: ClientConnection): Promise<void> {
    const gone = await this.#until(() => !connection.open || undefined);
    if (gone === undefined) this.#silence("the end of the connection");
  }

  async #fence(connection: ClientConnection): Promise<void> {
    this.#k += 1;
    const k = FENCE_FROM + this.#k;
    connection.say([["ping", k, []]]);
    const passed = await this.#until(() => {
      for (let pong = connection.takePong(); pong !== undefined; pong = connection.takePong()) {
        if (Array.isArray(pong) && pong[1] === k) return true;
      }
      return connection.open ? undefined : false;
    });
    if (passed !== true) throw new Failure({ rule: "HEAD-2", expected: `a pong with k ${k}`, came: "none" });
    nothingLeft(connection);
  }

  async #next(connection: ClientConnection, expected: string, take: () => Json | undefined): Promise<Json> {
    const heard = await this.#until(() => {
      const taken = take();
      if (taken === undefined && !connection.open) throw new Failure({ expected, came: "the end of the connection" });
      return taken;
    });
    return heard ?? this.#silence(expected);
  }

  #until<Found>(look: () => Found | undefined, withinMs = this.#patienceMs): Promise<Found | undefined> {
    return this.#target.adapter.changes.until(() => {
      if (this.#server.fault !== undefined) throw this.#server.fault;
      this.#observations.noErrors();
      return look();
    }, withinMs);
  }

  #silence(expected: string): never {
    throw new Failure({ expected, came: `nothing within ${this.#patienceMs} ms` });
  }

  #said(written: readonly Json[]): readonly Json[] {
    return written.map((item) => this.#names.value(item));
  }

  #on(name: string): ClientConnection {
    const connection = this.#connections.get(name);
    if (connection === undefined) throw new DialogueError(`there is no connection ${name}`);
    return connection;
  }
}

function nothingLeft(connection: ClientConnection): void {
  const left = connection.take();
  if (left !== undefined) throw new Failure({ expected: "nothing more", came: shown(left) });
}

/** Timers may fire so early. */
const EARLY_MS = 5;
/** A fence's pings; a dialogue's own have small numbers. */
const FENCE_FROM = 1_000_000_000;
