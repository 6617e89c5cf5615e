// A seeded run of clients, followers and a misbehaving store against one document room, and the judge of what came out:
// the log says what happened, and every answer, state and event must agree with it. Clients follow the protocol's rules
// for retries; everything else is chance. Planted bugs must be found by the same judge.
import type { Json } from "@tidemark/protocol";
import type { Answer } from "../../src/document/documents.js";
import type { Fate } from "./controlled-store.js";
import {
  type BenchClient,
  type BenchFollower,
  type BenchOptions,
  DocumentBench,
  fold,
  type Sent,
} from "./document-bench.js";
import { seededRandom } from "./virtual-runtime.js";

/** What a run did, so that a test can tell that its faults really happened. */
export interface Outcome {
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

interface Pending {
  readonly sent: Sent;
  readonly token: string | undefined;
  heard: number;
  /** Copies that may still be answered. */
  open: boolean;
}

/** One client that keeps to the rules: rising n, copies in order after a cut, low, and waiting after a refusal. */
class SimulatedClient {
  readonly settled: { readonly pending: Pending; readonly answer: Answer }[] = [];
  readonly pending: Pending[] = [];
  readonly #random: () => number;
  readonly bench: BenchClient;
  #n = 0;

  constructor(bench: DocumentBench, id: string, random: () => number) {
    this.#random = random;
    this.bench = bench.client(id);
  }

  get low(): number {
    return this.pending[0]?.sent.call.n ?? this.#n;
  }

  get isHeldBack(): boolean {
    return this.pending.some(({ open }) => !open);
  }

  send(): void {
    if (this.isHeldBack || this.pending.length >= 8) return;
    this.#n += 1;
    this.bench.low = this.low;
    const token = `${this.bench.client}:${this.#n}`;
    const choice = this.#random();
    if (choice < 0.5) return this.#track("note", token, token);
    if (choice < 0.7) return this.#track("say", token, token);
    if (choice < 0.85) return this.#track("ifLess", 0, undefined);
    this.#track("boom", null, undefined);
  }

  /** Everything heard since the last time. */
  listen(): void {
    for (const pending of [...this.pending]) {
      const { answers } = pending.sent;
      while (pending.heard < answers.length && this.pending.includes(pending))
        this.#hear(pending, answers[pending.heard++]);
    }
    const held = this.pending.every(({ open }) => !open);
    if (held && this.pending.length > 0) this.resend();
  }

  /** A network that repeats. */
  duplicate(): void {
    const pending = this.pending[Math.floor(this.#random() * this.pending.length)];
    if (pending?.open === true) this.bench.repeat(pending.sent);
    const old = this.settled[Math.floor(this.#random() * this.settled.length)];
    if (old?.answer.kind === "ok" && old.pending.sent.call.n >= this.bench.low) this.bench.repeat(old.pending.sent);
  }

  /** A new connection: unanswered calls are sent again in order; a stray copy of the old one arrives late. */
  reconnect(): void {
    const stray = this.pending[0]?.sent;
    this.bench.conn += 1;
    this.resend();
    if (stray !== undefined) this.bench.repeat(stray, { conn: this.bench.conn - 1 });
  }

  resend(): void {
    this.bench.low = this.low;
    for (const pending of this.pending) {
      pending.open = true;
      this.bench.repeat(pending.sent, { low: this.low });
    }
  }

  #track(name: string, input: Json, token: string | undefined): void {
    const sent = this.bench.send(name, input, { n: this.#n });
    this.pending.push({ sent, token, heard: 0, open: true });
  }

  #hear(pending: Pending, answer: Answer | undefined): void {
    if (answer === undefined) return;
    const retries = answer.kind === "no" && (answer.retry === "after" || answer.code === "overloaded");
    if (retries || (answer.kind === "unknown" && answer.final !== true)) {
      pending.open = false;
      return;
    }
    this.pending.splice(this.pending.indexOf(pending), 1);
    this.settled.push({ pending, answer });
  }
}

export interface SimulationOptions extends Omit<BenchOptions, "seed"> {
  readonly steps?: number;
  readonly fates?: readonly Fate[];
}

/** Runs one seed to its end: faults stop, everybody settles, and the log is compared with all that was said. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  const random = seededRandom(seed);
  const { steps = 60, fates = ["commit", "commit", "lost", "kept", "disk_full", "failed"], ...bench } = options;
  const run = new Run(new DocumentBench({ ...bench, seed }), random, fates);
  await run.begin();
  for (let step = 0; step < steps; step += 1) await run.step();
  return run.end();
}

class Run {
  readonly #bench: DocumentBench;
  readonly #random: () => number;
  readonly #fates: readonly Fate[];
  readonly #clients: SimulatedClient[];
  readonly #counts: Record<string, number> = {};
  readonly #problems: string[] = [];
  #followers: BenchFollower[] = [];
  #gone: BenchFollower[] = [];

  constructor(bench: DocumentBench, random: () => number, fates: readonly Fate[]) {
    this.#bench = bench;
    this.#random = random;
    this.#fates = fates;
    this.#clients = ["ann", "bob", "carl"].map((id) => new SimulatedClient(bench, id, random));
  }

  async begin(): Promise<void> {
    this.#bench.client("root").send("$create", { fill: "x".repeat(200) });
    await this.#bench.settle();
    this.#bench.store.holdCommits();
    this.#followers = ["f1", "f2"].map((id) => this.#bench.follow(id));
  }

  async step(): Promise<void> {
    const client = this.#pick(this.#clients);
    const follower = this.#pick(this.#followers);
    const choice = this.#random();
    if (choice < 0.4) client?.send();
    else if (choice < 0.6) this.#decide();
    else if (choice < 0.68) client?.duplicate();
    else if (choice < 0.74) this.#count("reconnect", () => client?.reconnect());
    else if (choice < 0.8) this.#cut(follower);
    else if (choice < 0.86) this.#comeBack();
    else if (choice < 0.88) this.#count("restart", () => this.#restart());
    else if (choice < 0.92) await this.#bench.runtime.advance(300);
    else if (choice < 0.94)
      this.#count("late", () => this.#bench.store.hold(this.#random() < 0.5 ? "load" : "receipts"));
    else if (choice < 0.97) this.#letGo();
    else this.#ban();
    if (this.#random() < 0.6) await this.#bench.settle();
    for (const each of this.#clients) each.listen();
  }

  async end(): Promise<Outcome> {
    this.#letGo();
    while (this.#bench.store.commitsWaiting > 0) this.#bench.store.decide("commit");
    this.#bench.store.plan = () => "commit";
    for (let round = 0; round < 12 && this.#clients.some(({ pending }) => pending.length > 0); round += 1) {
      await this.#bench.runtime.advance(2_000);
      for (const client of this.#clients) {
        client.listen();
        if (round % 3 === 2) client.reconnect();
      }
    }
    while (this.#gone.length > 0) this.#comeBack();
    const fresh = this.#bench.follow("fresh");
    await this.#bench.runtime.advance(2_000);
    this.#judge(fresh);
    return { problems: [...this.#problems, ...this.#bench.violations], counts: this.#counts };
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }

  #count(what: string, happen: () => void): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
    happen();
  }

  #decide(): void {
    if (this.#bench.store.commitsWaiting === 0) return;
    const fate = this.#pick(this.#fates) ?? "commit";
    this.#count(fate, () => this.#bench.store.decide(fate));
  }

  #letGo(): void {
    for (const operation of ["load", "receipts", "read"] as const) this.#bench.store.letGo(operation);
  }

  #cut(follower: BenchFollower | undefined): void {
    if (follower === undefined || follower.endedWith !== undefined) return;
    follower.leave();
    this.#followers = this.#followers.filter((other) => other !== follower);
    this.#gone.push(follower);
  }

  #comeBack(): void {
    const follower = this.#gone.shift();
    if (follower === undefined) return;
    const never = follower.opening === undefined && follower.epoch === 0;
    this.#followers.push(
      follower.reopen(never ? null : [follower.epoch, follower.seq, this.#random() < 0.2 ? "!" : ""]),
    );
  }

  /** The process dies: what was not answered by then is asked again over new connections. */
  #restart(): void {
    this.#letGo();
    if (this.#random() < 0.3 && this.#bench.store.commitsWaiting > 0) this.#bench.store.decide("kept");
    this.#bench.runtime.jumpWall(1);
    this.#bench.restart();
    this.#bench.store.holdCommits();
    this.#gone.push(...this.#followers.filter(({ endedWith }) => endedWith === undefined));
    this.#followers = [];
    for (const client of this.#clients) client.reconnect();
  }

  /** Nobody who is banned is ever let in again, so only a name that is nobody's fold. */
  #ban(): void {
    this.#bench.follow(`guest${Math.floor(this.#random() * 3)}`);
    this.#clients[0]?.bench.query("total");
  }

  #judge(fresh: BenchFollower): void {
    const rows = this.#bench.rows();
    rows.forEach(({ seq }, index) => {
      if (seq !== index + 1) this.#problems.push(`row ${index + 1} has seq ${seq}`);
    });
    const state = this.#bench.durableState();
    this.#judgeClients(tokensBySeq(rows));
    for (const follower of [...this.#followers, fresh]) {
      if (follower.endedWith !== undefined) this.#problems.push(`${follower.name} was ended: ${follower.endedWith}`);
      if (JSON.stringify(sorted(follower.state)) !== JSON.stringify(sorted(state))) {
        this.#problems.push(`${follower.name} at ${follower.seq} does not hold the state at ${rows.length}`);
      }
      if (follower !== fresh && follower.gaps === 0) this.#judgeEvents(follower, rows);
    }
  }

  #judgeClients(applied: Map<string, number[]>): void {
    for (const client of this.#clients) {
      if (client.pending.length > 0) this.#problems.push(`${client.bench.client} was never answered`);
      let lastSeq = 0;
      for (const { pending, answer } of [...client.settled].sort(
        (a, b) => a.pending.sent.call.n - b.pending.sent.call.n,
      )) {
        const { call, answers } = pending.sent;
        const seqs = pending.token === undefined ? [] : (applied.get(pending.token) ?? []);
        const name = `${client.bench.client}#${call.n}`;
        if (seqs.length > 1) this.#problems.push(`${name} was applied at ${seqs.join(" and ")}`);
        if (answer.kind === "no" && seqs.length > 0)
          this.#problems.push(`${name} was rejected (${answer.code}) and applied`);
        // A rejection leaves no receipt: when its answer was lost with the process, that it is superseded is the truth.
        const isNeedless = pending.token !== undefined && answer.kind === "no" && answer.code === "superseded";
        if (isNeedless) this.#problems.push(`${name} is superseded`);
        if (answer.kind === "unknown") this.#problems.push(`${name} is ${answer.code}`);
        if (answer.kind !== "ok") continue;
        const seq = answer.at?.seq ?? 0;
        if (seqs[0] !== seq)
          this.#problems.push(`${name} was acked at ${seq}, the log has it at ${seqs.join() || "no seq"}`);
        if (seq <= lastSeq) this.#problems.push(`${name} took ${seq} after ${lastSeq}`);
        lastSeq = seq;
        for (const other of answers) {
          if (other.kind === "ok" && JSON.stringify(other) !== JSON.stringify(answer))
            this.#problems.push(`${name} has two answers`);
        }
      }
    }
  }

  #judgeEvents(follower: BenchFollower, rows: ReturnType<DocumentBench["rows"]>): void {
    const heard = follower.events.map(({ seq, data }) => `${seq} ${JSON.stringify(data)}`);
    const first = follower.firstSeq;
    const expected = rows.flatMap(({ seq, events }) =>
      events === undefined || seq <= first
        ? []
        : (JSON.parse(events) as [string, Json][]).map(([, data]) => `${seq} ${JSON.stringify(data)}`),
    );
    if (heard.join("\n") !== expected.join("\n")) {
      this.#problems.push(
        `${follower.name} heard ${heard.length} events, the log has ${expected.length} since ${first}`,
      );
    }
  }
}

/** At which seqs each token was noted or said. */
function tokensBySeq(rows: ReturnType<DocumentBench["rows"]>): Map<string, number[]> {
  const found = new Map<string, number[]>();
  let before: readonly string[] = [];
  let state: Json = null;
  for (const { seq, operations, events } of rows) {
    state = fold(state, operations);
    const { log = [] } = (state ?? {}) as { log?: readonly string[] };
    const said =
      events === undefined ? [] : (JSON.parse(events) as [string, { text: string }][]).map(([, { text }]) => text);
    for (const token of [...log.slice(before.length), ...said]) found.set(token, [...(found.get(token) ?? []), seq]);
    before = log;
  }
  return found;
}

const sorted = (value: Json): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, item]) => [key, sorted(item)]),
      )
    : value;
