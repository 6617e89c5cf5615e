// Real lines through the real server, which is killed and cut off on the way at fixed fractions of what it acknowledged;
// afterwards the evidence is collected and judged.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type LogEntry, type Tide } from "@tidemark/client";
import type { App } from "../../examples/irc-log/app.js";
import { parseLog } from "../../examples/irc-log/parse.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { Feeder } from "./feeder.js";
import { NETWORK_FAULTS } from "./network-faults.js";
import { type Evidence, judge, type Verdict } from "./verdict.js";
import { Witness } from "./witness.js";

const APP = fileURLToPath(new URL("../../examples/irc-log/app.ts", import.meta.url));
const IMPORTER = "replay";

/** How a run is made. */
export interface ReplayOptions {
  readonly data: string;
  readonly subscribersPerDocument: number;
  readonly kills: number;
  readonly cuts: number;
  /** Times the network is unwell without a cut. */
  readonly faults: number;
  readonly foldRows: number;
  /** Hears of progress. */
  readonly progress: (text: string) => void;
}

/** What came of it. */
export interface ReplayResult {
  readonly documents: number;
  readonly lines: number;
  readonly acks: number;
  readonly kills: number;
  readonly cuts: number;
  readonly faults: number;
  readonly retries: number;
  readonly folds: number;
  readonly replays: number;
  readonly snapshots: number;
  readonly failures: readonly string[];
  readonly verdict: Verdict;
}

/** Proxies that subscribers are spread over, so that a cut hits some of them. */
const GROUPS = 3;
/** A group that is cut for longer, or unwell, comes back when so many more of all lines are acknowledged. */
const AWAY_FRACTION = 0.12;
const UNWELL_FRACTION = 0.05;
/** So that what heartbeats find is found while lines still come. */
const PING_MS = 500;

class Run {
  readonly #options: ReplayOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), "tidemark-replay-"));
  readonly #tides: Tide<App>[] = [];
  readonly #witnesses: Witness[] = [];
  readonly #proxies: TcpProxy[] = [];
  readonly #due: { at: number; run: () => Promise<void> | void }[] = [];
  #feeders: Feeder[] = [];
  #server: ServerProcess | undefined;
  #folds = 0;
  #acks = 0;
  #retries = 0;
  #kills = 0;
  #cuts = 0;
  #faults = 0;
  #lines = 0;
  #killing: Promise<void> = Promise.resolve();

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  async play(): Promise<ReplayResult> {
    try {
      await this.#start(0);
      await this.#open();
      this.#schedule();
      await Promise.all(this.#feeders.map((feeder) => feeder.run()));
      await this.#killing;
      const evidence = await this.#collect();
      return this.#result(judge(evidence));
    } finally {
      await this.#stop();
    }
  }

  async #start(port: number): Promise<void> {
    const { foldRows } = this.#options;
    this.#server = await startServerProcess({
      app: APP,
      data: join(this.#folder, "replay.db"),
      port,
      args: ["--log", "debug", "--ping-ms", String(PING_MS)],
      env: { IRC_LOG_IMPORTER: IMPORTER, TIDEMARK_FOLD_ROWS: String(foldRows) },
    });
  }

  get #port(): number {
    return Number(new URL(this.#server?.url ?? "").port);
  }

  async #open(): Promise<void> {
    for (let group = 0; group <= GROUPS; group += 1) this.#proxies.push(await TcpProxy.listen(this.#port));
    const files = readdirSync(this.#options.data)
      .filter((name) => name.endsWith(".txt"))
      .sort();
    this.#feeders = files.map((file) => {
      const lines = parseLog(readFileSync(join(this.#options.data, file), "utf8"));
      const tide = this.#connect(IMPORTER, GROUPS, "json");
      return new Feeder({ tide, key: file.replace(".txt", ""), lines, acknowledged: () => this.#acknowledged() });
    });
    await Promise.all(this.#feeders.map((feeder) => feeder.create()));
    this.#lines = this.#feeders.reduce((sum, { lines }) => sum + lines.length, 0);
    this.#join(0.6);
  }

  /** Lets so many of the subscribers in, by document. */
  #join(fraction: number): void {
    const { subscribersPerDocument } = this.#options;
    const from = this.#witnesses.length / Math.max(this.#feeders.length, 1);
    for (let index = from; index < Math.round(subscribersPerDocument * fraction); index += 1) {
      for (const { key } of this.#feeders) {
        const number = this.#witnesses.length;
        const tide = this.#connect(`name:w${number}`, number % GROUPS, number % 2 === 0 ? "json" : "msgpack");
        this.#witnesses.push(new Witness(tide, key));
      }
    }
  }

  #connect(token: string, group: number, codec: "json" | "msgpack"): Tide<App> {
    const tide = connect<App>({ url: this.#proxies[group]?.url ?? "", token, codec });
    this.#tides.push(tide);
    return tide;
  }

  /** Faults at fixed fractions of the acknowledged lines. */
  #schedule(): void {
    const { kills, cuts, faults } = this.#options;
    this.#at(0.25, () => this.#join(1));
    for (let index = 0; index < kills; index += 1) this.#at((index + 1) / (kills + 1), () => this.#kill());
    for (let index = 0; index < cuts; index += 1) {
      const at = (index + 0.5) / cuts;
      const group = index % (GROUPS + 1);
      if (index % 5 === 1 && group !== GROUPS && at + AWAY_FRACTION < 0.95) {
        this.#at(at, () => this.#cut(group, (proxy) => proxy.hold()));
        this.#at(at + AWAY_FRACTION, () => this.#proxies[group]?.release());
      } else {
        this.#at(at, () => this.#cut(group, (proxy) => void proxy.cut()));
      }
    }
    for (let index = 0; index < faults; index += 1) this.#scheduleFault(index, (index + 0.25) / faults);
    this.#due.sort((a, b) => a.at - b.at);
  }

  #scheduleFault(index: number, at: number): void {
    const fault = NETWORK_FAULTS[index % NETWORK_FAULTS.length];
    if (fault === undefined) return;
    const group = fault.passes && index % 2 === 0 ? GROUPS : index % GROUPS;
    this.#at(at, () => {
      this.#faults += 1;
      if (group === GROUPS) this.#countRetries();
      const proxy = this.#proxies[group];
      if (proxy !== undefined) fault.begin(proxy);
    });
    this.#at(Math.min(at + UNWELL_FRACTION, 0.99), () => this.#proxies[group]?.release());
  }

  #at(fraction: number, run: () => Promise<void> | void): void {
    this.#due.push({ at: Math.floor(fraction * this.#lines), run });
  }

  #acknowledged(): void {
    this.#acks += 1;
    if (this.#acks % 500 === 0 || this.#acks === this.#lines) {
      this.#options.progress(
        `${this.#acks} of ${this.#lines} lines, ${this.#kills} kills, ${this.#cuts} cuts, ${this.#faults} faults`,
      );
    }
    while ((this.#due[0]?.at ?? Number.POSITIVE_INFINITY) <= this.#acks) {
      const due = this.#due.shift();
      this.#killing = this.#killing.then(() => due?.run());
    }
  }

  #cut(group: number, how: (proxy: TcpProxy) => void): void {
    const proxy = this.#proxies[group];
    if (proxy === undefined) return;
    this.#cuts += 1;
    if (group === GROUPS) this.#countRetries();
    how(proxy);
  }

  async #kill(): Promise<void> {
    this.#kills += 1;
    this.#countRetries();
    const port = this.#port;
    await this.#server?.kill("SIGKILL");
    this.#countFolds();
    await this.#start(port);
  }

  /** Every call in flight when its socket dies is sent again. */
  #countRetries(): void {
    this.#retries += this.#feeders.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  #countFolds(): void {
    this.#folds += this.#server?.stderr().match(/"kind":"folded"/g)?.length ?? 0;
  }

  async #collect(): Promise<Evidence[]> {
    for (const proxy of this.#proxies) proxy.release();
    const importer = this.#connect(IMPORTER, GROUPS, "json");
    return Promise.all(this.#feeders.map((feeder) => this.#evidence(feeder, importer)));
  }

  async #evidence({ key, lines, acked }: Feeder, importer: Tide<App>): Promise<Evidence> {
    const log: LogEntry[] = [];
    for (;;) {
      const page = await importer.service.history("room", key, { after: log.length, limit: 1_000 });
      if (page.length === 0) break;
      log.push(...page);
    }
    const { state } = await importer.service.get("room", key);
    const witnesses = this.#witnesses.filter((witness) => witness.key === key);
    await Promise.all(witnesses.map((witness) => reached(witness, log.length)));
    return {
      key,
      input: lines,
      acked,
      log,
      state,
      witnesses: witnesses.map(({ first, heard, gaps, document }) => ({
        first: first?.seq ?? 0,
        heard,
        gaps,
        state: document.state,
      })),
    };
  }

  #result(verdict: Verdict): ReplayResult {
    this.#countFolds();
    return {
      documents: this.#feeders.length,
      lines: this.#lines,
      acks: this.#acks,
      kills: this.#kills,
      cuts: this.#cuts,
      faults: this.#faults,
      retries: this.#retries,
      folds: this.#folds,
      replays: this.#witnesses.reduce((sum, { replays }) => sum + replays, 0),
      snapshots: this.#witnesses.reduce((sum, { snapshots }) => sum + snapshots, 0),
      failures: this.#feeders.flatMap(({ failures }) => failures),
      verdict,
    };
  }

  async #stop(): Promise<void> {
    for (const tide of this.#tides) tide.close();
    for (const proxy of this.#proxies) await proxy.close();
    if (this.#server?.process.exitCode === null && this.#server.process.signalCode === null)
      await this.#server.kill("SIGTERM");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Resolves when a subscriber has reached a seq, or after a while: the verdict then says that it did not. */
async function reached({ document }: Witness, seq: number): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  while ((document.position?.seq ?? 0) < seq && !deadline.aborted)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Plays the lines of a folder through a server. */
export const replay = (options: ReplayOptions): Promise<ReplayResult> => new Run(options).play();

/** Did everything hold, faults included? */
export function holds(result: ReplayResult): boolean {
  const { lost, duplicated, reordered, divergent } = result.verdict;
  const clean = lost + duplicated + reordered + divergent === 0 && result.failures.length === 0;
  return clean && result.acks === result.lines && result.folds > 0 && result.replays > 0 && result.snapshots > 0;
}
