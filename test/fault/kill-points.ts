// Kills the real server with SIGKILL at its Nth write and its Nth sync, one N after another over one file, and asks the
// next one, over the wire, for everything that was sent: answered calls must answer the same again, the others apply
// now or had applied, and each is in the state exactly once.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { integer, type Random, seededRandom } from "./seeded-random.js";
import { type ServerProcess, StartFailed, startServer } from "./server-process.js";
import { type Answer, type Call, Disconnected, WireClient } from "./wire-client.js";
import { drive, pushedItem } from "./workload.js";

/** Kill at call `first` of `what`: while it serves, while it starts over what the last one left, or while it creates a
 * file. */
export interface KillPoint {
  readonly what: "write" | "sync";
  readonly first: number;
  readonly during: "service" | "start" | "creation";
}

export interface KillReport {
  /** Kills that fired. */
  readonly killed: number;
  readonly acknowledged: number;
  /** Calls whose answer a kill swallowed. */
  readonly unanswered: number;
  /** What was wrong, naming the point. */
  readonly problems: readonly string[];
}

const CLIENTS = 2;
const WINDOW = 4;
const SUBJECT = "fault";

/** The clients of one life of the server and where they wrote. */
interface Round {
  readonly name: string;
  readonly clients: readonly WireClient[];
  readonly documents: readonly string[];
}

/** One file and the servers that are killed over it. */
export class KillSeries {
  readonly #directory: string;
  readonly #database: string;
  readonly #gate: string;
  readonly #messages: number;
  readonly #random: Random;
  readonly #problems: string[] = [];
  #killed = 0;
  #acknowledged = 0;
  #unanswered = 0;
  #rounds = 0;
  #last: Round | undefined;

  /** `directory`: its own, without symbolic links. `messages`: sent in each life. */
  constructor(options: { readonly directory: string; readonly messages: number; readonly seed: number }) {
    mkdirSync(options.directory, { recursive: true });
    this.#directory = options.directory;
    this.#database = `${options.directory}/kill.db`;
    this.#gate = `${options.directory}/counting`;
    this.#messages = options.messages;
    this.#random = seededRandom(options.seed);
  }

  get report(): KillReport {
    const [killed, acknowledged, unanswered] = [this.#killed, this.#acknowledged, this.#unanswered];
    return { killed, acknowledged, unanswered, problems: this.#problems };
  }

  /** One life with one kill. False: it ended before the Nth call came. */
  async kill(point: KillPoint): Promise<boolean> {
    const fired = await this.#killDuring(point);
    if (fired) this.#killed += 1;
    return fired;
  }

  #killDuring(point: KillPoint): Promise<boolean> {
    switch (point.during) {
      case "service":
        return this.#killService(point);
      case "start":
        return this.#killStart(point);
      case "creation":
        return this.#killCreation(point);
    }
  }

  /** Examines what the last life left. */
  async finish(): Promise<void> {
    const server = await startServer({ faults: { database: this.#database } });
    await this.#examine(server);
    await server.kill();
  }

  async #killStart(point: KillPoint): Promise<boolean> {
    writeFileSync(this.#gate, "");
    try {
      const server = await this.#start(this.#database, point);
      return await killedUnder(server, () => wholly(this.#examine(server)));
    } catch (error) {
      if (error instanceof StartFailed && error.exit.signal === "SIGKILL") return true;
      throw error;
    }
  }

  async #killService(point: KillPoint): Promise<boolean> {
    rmSync(this.#gate, { force: true });
    const server = await this.#start(this.#database, point);
    await this.#examine(server);
    const round = this.#newRound(point);
    this.#last = round;
    writeFileSync(this.#gate, "");
    const { socketUrl } = server;
    const { clients, documents } = round;
    const load = { socketUrl, clients, documents, messages: this.#messages, window: WINDOW, random: this.#random };
    const fired = await killedUnder(server, () => drive(load));
    for (const call of clients.flatMap((client) => client.calls)) {
      if (call.answer === undefined) this.#unanswered += 1;
      else this.#acknowledged += 1;
    }
    return fired;
  }

  /** What is left of a file that was never finished must not keep a server from starting. */
  async #killCreation(point: KillPoint): Promise<boolean> {
    const database = `${this.#directory}/new-${point.what}-${point.first}.db`;
    writeFileSync(this.#gate, "");
    try {
      const server = await this.#start(database, point);
      await server.kill();
      return false;
    } catch (error) {
      if (!(error instanceof StartFailed) || error.exit.signal !== "SIGKILL") throw error;
    }
    try {
      const next = await startServer({ faults: { database } });
      await next.kill();
    } catch (error) {
      if (!(error instanceof StartFailed)) throw error;
      this.#problems.push(`killed at ${point.what} ${point.first} of a creation: ${error.message}`);
    }
    return true;
  }

  #start(database: string, { what, first }: KillPoint): Promise<ServerProcess> {
    // Before a write nothing of it is there; after a sync all is there and nobody has been told.
    const action = what === "write" ? "kill-before" : "kill-after";
    return startServer({ faults: { database, while: this.#gate, inject: [{ what, first, action }] } });
  }

  #newRound(point: KillPoint): Round {
    this.#rounds += 1;
    const clients = Array.from({ length: CLIENTS }, () => new WireClient(SUBJECT));
    const documents = [`list/round-${this.#rounds}-a`, `list/round-${this.#rounds}-b`];
    return { name: `${point.what} ${point.first}`, clients, documents };
  }

  /** Asks a server for all that the last life was sent. */
  async #examine(server: ServerProcess): Promise<void> {
    const round = this.#last;
    if (round === undefined) return;
    const problem = (what: string): void => void this.#problems.push(`killed at ${round.name}: ${what}`);
    for (const client of round.clients) {
      await client.connect(server.socketUrl);
      const before = client.calls.map((call) => call.answer);
      const after = await Promise.all(client.calls.map((call) => client.repeat(call)));
      for (const [index, call] of client.calls.entries()) {
        const wrong = answerProblem(call, before[index], after[index]);
        if (wrong !== undefined) problem(wrong);
      }
    }
    await this.#examineStates(round, problem);
    for (const client of round.clients) await client.close();
  }

  async #examineStates({ clients, documents }: Round, problem: (what: string) => void): Promise<void> {
    const [reader] = clients;
    if (reader === undefined) return;
    const calls = clients.flatMap((client) => client.calls);
    for (const document of documents) {
      await reader.open(document);
      const items = itemsOf(reader.followed.get(document)?.snapshot);
      const expected = calls.filter((call) => call.document === document).sort((a, b) => seqOf(a) - seqOf(b));
      const want = expected.map(pushedItem);
      const first = want.findIndex((item, index) => item !== items[index]);
      if (first >= 0)
        problem(`${document} holds ${items[first]} as item ${first}, and ${want[first]} was acknowledged there`);
      if (items.length !== want.length) problem(`${document} holds ${items.length} items of ${want.length}`);
      // seq 1 created the document.
      const gap = expected.findIndex((call, index) => seqOf(call) !== index + 2);
      if (gap >= 0) problem(`${document}: seq ${gap + 2} answers no call`);
    }
  }
}

/** False: a connection ended before the work did. */
async function wholly(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof Disconnected) return false;
    throw error;
  }
}

/** Runs `use`, which says whether it got to its end. True: the server was killed under it; else it is killed now. */
async function killedUnder(server: ServerProcess, use: () => Promise<boolean>): Promise<boolean> {
  if (await use()) {
    await server.kill();
    return false;
  }
  const exit = await server.exited;
  if (exit.signal === "SIGKILL") return true;
  throw new Error(`the server ended by itself (${exit.code ?? exit.signal}):\n${server.output()}`);
}

const seqOf = (call: Call): number => (call.answer?.kind === "ok" ? call.answer.seq : 0);

/** R6: the same answer as before; R1: what was acknowledged still is. */
function answerProblem(call: Call, before: Answer | undefined, after: Answer | undefined): string | undefined {
  if (after?.kind !== "ok") return `call ${call.n} to ${call.document} was answered ${JSON.stringify(after)}`;
  if (before === undefined || JSON.stringify(before) === JSON.stringify(after)) return undefined;
  return `call ${call.n} to ${call.document} was ${JSON.stringify(before)} and is ${JSON.stringify(after)}`;
}

function itemsOf(state: unknown): readonly string[] {
  if (typeof state !== "object" || state === null || !("items" in state) || !Array.isArray(state.items)) return [];
  return state.items.map((item: unknown) => {
    return typeof item === "object" && item !== null && "id" in item ? String(item.id) : "?";
  });
}

/** `count` points of all kinds, spread over what a life of the server is known to do. */
export function samplePoints(count: number, seed: number): readonly KillPoint[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index): KillPoint => {
    const what = index % 3 === 0 ? "sync" : "write";
    if (index % 5 === 3) return { what: "write", first: 1 + integer(random, 6), during: "start" };
    // Its first syncs in turn: one of them leaves a rollback journal that only a writer can roll back.
    if (index % 5 === 4) return { what: "sync", first: 1 + (Math.floor(index / 5) % 4), during: "creation" };
    return { what, first: 1 + integer(random, what === "sync" ? 20 : 150), during: "service" };
  });
}
