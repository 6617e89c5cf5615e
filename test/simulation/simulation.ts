// Runs one scenario from beginning to end and judges it: faults and deeds as planned, then quiet, then everybody must be
// where the log is, and a call more must simply work.

import { setImmediate as turn } from "node:timers/promises";
import { LIMITS } from "@tidemark/protocol";
import { COMPANY_DOCUMENTS } from "./app/company.js";
import { judge } from "./checks/judge.js";
import { CallBook } from "./client/call-book.js";
import { Lookout } from "./client/lookout.js";
import { Slot, type SlotSettings } from "./client/slot.js";
import { takeStandings } from "./client/standings.js";
import type { FaultCounts } from "./faults/fault.js";
import { Injector } from "./faults/inject.js";
import { type Counts, NO_COUNTS, sumOf } from "./history/counts.js";
import type { ClientHistory, CompanyStanding, History, Moment, Problem, Standing, Wave } from "./history/history.js";
import type { Mutant, Mutation } from "./mutants/mutation.js";
import type { Link } from "./network/link.js";
import { Network } from "./network/network.js";
import { FAULTS_FROM_MS, type Scenario } from "./scenario.js";
import { House } from "./server/house.js";
import { readToken } from "./server/token.js";
import { CallShelves } from "./storage/call-shelves.js";
import { LinkWatch } from "./wire/link-watch.js";
import { Revealed } from "./wire/revealed.js";
import { Chances } from "./world/chance.js";
import { TimeLine } from "./world/time-line.js";
import { Trace } from "./world/trace.js";

/** What a run is told besides its scenario. */
export interface RunOptions {
  /** A bug to run it with. */
  readonly plant?: Mutant;
  /** Keep the lines of the trace. */
  readonly trace?: boolean;
}

/** What a run came to. */
export interface Outcome extends Counts {
  readonly seed: number;
  /** The same for the same scenario, in any process. */
  readonly hash: string;
  readonly problems: readonly Problem[];
  readonly faults: FaultCounts;
  readonly virtualMs: number;
  readonly events: number;
  readonly rows: number;
  readonly lines: readonly string[];
  /** What was judged; undefined: the run did not come to its end. */
  readonly history: History | undefined;
}

/** R20: within so long after the last fault everybody is at the head. */
const CONVERGED_MS = 15_000;
/** A call in good weather takes no longer. */
const EASY_CALL_MS = 5_000;
const PROBLEMS_MAX = 50;

/** Runs a scenario. */
export async function simulate(scenario: Scenario, options: RunOptions = {}): Promise<Outcome> {
  // A run leaves the event loop no turn: signals, and whoever watches over this process, get theirs between two runs.
  await turn();
  const mutation = options.plant?.mutation() ?? {};
  const undo = mutation.patch?.();
  try {
    return await new Simulation(scenario, mutation, options.trace).run();
  } finally {
    undo?.();
  }
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #mutation: Mutation;
  readonly #timeLine = new TimeLine();
  readonly #trace: Trace;
  readonly #chances: Chances;
  readonly #network: Network;
  readonly #house: House;
  readonly #slots: Slot[] = [];
  readonly #book = new CallBook();
  readonly #shelves: CallShelves;
  readonly #injector: Injector;
  readonly #clients: ClientHistory[] = [];
  readonly #waves: Wave[] = [];
  #company: readonly CompanyStanding[] = [];
  #easyWavesFromMs = Number.POSITIVE_INFINITY;
  readonly #problems: Problem[] = [];
  readonly #watches = new Set<LinkWatch>();
  readonly #revealed = new Revealed();
  readonly #lookout: Lookout;
  #history: History | undefined;
  #restoredAtMs = Number.NEGATIVE_INFINITY;
  #timeJumped = false;

  constructor(scenario: Scenario, mutation: Mutation, trace = false) {
    this.#scenario = scenario;
    this.#mutation = mutation;
    this.#trace = new Trace(this.#timeLine, trace);
    this.#chances = new Chances(scenario.seed);
    this.#shelves = new CallShelves(this.#chances);
    this.#network = new Network(this.#timeLine);
    this.#house = new House({
      timeLine: this.#timeLine,
      chances: this.#chances,
      network: this.#network,
      trace: this.#trace,
      settings: scenario.server,
      mutation,
      watch: (link) => this.#watch(link),
      restored: () => {
        this.#restoredAtMs = this.#timeLine.nowMs;
        this.#revealed.forget();
      },
      problem: this.#problem,
    });
    const { pingIntervalMs } = scenario.server;
    this.#lookout = new Lookout({ timeLine: this.#timeLine, house: this.#house, slots: this.#slots, pingIntervalMs });
    this.#injector = new Injector({
      timeLine: this.#timeLine,
      trace: this.#trace,
      network: this.#network,
      house: this.#house,
      slots: this.#slots,
      join: (why, slot) => this.#join(scenario.spares[why][slot]),
      timeJumped: () => {
        this.#timeJumped = true;
      },
      sleepMs: scenario.sleepMs,
    });
  }

  async run(): Promise<Outcome> {
    const { quietAtMs } = this.#scenario;
    this.#plan();
    try {
      await this.#timeLine.runUntil(quietAtMs);
      this.#house.faults.forgive();
      await this.#timeLine.runUntil(quietAtMs + CONVERGED_MS);
      const settledBy = this.#moment();
      const stand = { timeLine: this.#timeLine, slots: this.#slots, disk: this.#house.disk };
      const standings = [...(await takeStandings(stand))];
      this.#easyCalls();
      await this.#timeLine.runUntil(this.#timeLine.nowMs + EASY_CALL_MS);
      standings.push(...(await takeStandings(stand)));
      if (this.#scenario.isSociable) await this.#keepCompany();
      await this.#end();
      this.#judge(settledBy, standings);
    } catch (error) {
      this.#problem("R19", error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return this.#outcome();
  }

  #plan(): void {
    const { slots, faults, deeds } = this.#scenario;
    this.#house.start();
    for (const settings of slots) this.#timeLine.at(settings.beginsAtMs, () => this.#join(settings));
    this.#timeLine.at(FAULTS_FROM_MS, () => this.#house.keepBackups());
    this.#timeLine.at(FAULTS_FROM_MS, () => this.#lookout.lookUntil(this.#scenario.quietAtMs + CONVERGED_MS));
    for (const fault of faults) this.#timeLine.at(fault.atMs, () => this.#injector.inject(fault));
    for (const { atMs, slot, deed } of deeds) this.#timeLine.at(atMs, () => this.#slots[slot]?.perform(deed));
  }

  #join(settings: SlotSettings | undefined): boolean {
    if (settings === undefined) return false;
    const slot = new Slot({
      settings,
      timeLine: this.#timeLine,
      chances: this.#chances,
      network: this.#network,
      trace: this.#trace,
      mutation: this.#mutation,
      book: this.#book,
      waves: this.#waves,
      shelves: this.#shelves,
      moment: this.#moment,
      problem: this.#problem,
      began: (history) => this.#clients.push(history),
    });
    this.#slots.push(slot);
    slot.start();
    return true;
  }

  #watch(link: Link): LinkWatch {
    const { pingIntervalMs } = this.#scenario.server;
    const name = `${link.client.name} by ${link.server.name}`;
    const watch = new LinkWatch({
      lastDeletion: (documentId) => this.#house.disk.lastDeletion(documentId),
      syncedHead: (documentId) => this.#house.disk.syncedHead(documentId),
      revealed: (documentId, seq) => this.#revealed.tell(documentId, seq, this.#timeLine.nowMs),
      lossy: () => this.#mayDiverge(link.client.name),
      badUntilMs: () =>
        Math.max(link.badUntilMs, link.route.badUntilMs, link.client.badUntilMs, link.server.badUntilMs),
      storeFailedAtMs: () => this.#house.faults.failedAtMs,
      serverBadUntilMs: () => link.server.badUntilMs,
      isSlow: () => link.serverEnd?.isSlow ?? false,
      noticeMs: 2 * pingIntervalMs + 1_000,
      problem: (rule, text) => this.#problem(rule, `${name}: ${text}`),
      nowMs: () => this.#timeLine.nowMs,
      read: readToken,
    });
    this.#watches.add(watch);
    return watch;
  }

  #mayDiverge(client: string): void {
    for (const history of this.#clients) if (history.name === client) history.mayDiverge = true;
  }

  /** One call of everybody to everything they follow, when nothing is in its way. */
  #easyCalls(): void {
    for (const slot of this.#slots) {
      for (const documentId of slot.client?.open ?? []) {
        const name = EASY_CALLS[documentId.split("/")[0] ?? ""];
        if (name === undefined) continue;
        const input = name === "put" ? { index: 0 } : name === "add" ? { by: 1 } : {};
        slot.perform({ kind: "call", documentId, name, input, deadlineMs: EASY_CALL_MS * 0.8 });
      }
    }
  }

  /** Once everybody who was cut off is gone or back, all wave to each other. */
  async #keepCompany(): Promise<void> {
    await this.#timeLine.runUntil(this.#scenario.quietAtMs + CONVERGED_MS + LIMITS.presenceGraceMs + EASY_CALL_MS);
    this.#easyWavesFromMs = this.#timeLine.nowMs;
    for (const slot of this.#slots) {
      for (const documentId of COMPANY_DOCUMENTS) slot.perform({ kind: "wave", documentId });
    }
    await this.#timeLine.runUntil(this.#timeLine.nowMs + EASY_CALL_MS);
    this.#company = this.#slots.flatMap(({ client }) => client?.company() ?? []);
  }

  async #end(): Promise<void> {
    for (const [name, { orphans }] of this.#shelves.all) {
      // A page that has nothing to do never connects, and looks for nothing.
      if (!this.#slots.some(({ settings, client }) => settings.shelf === name && client?.isConnected)) continue;
      for (const client of orphans)
        this.#problem("REQ-20", `what ${client} left on the shelf of ${name} is still there`);
    }
    for (const { client } of this.#slots) client?.close();
    await this.#timeLine.runUntil(this.#timeLine.nowMs + 500);
    for (const watch of this.#watches) watch.over();
  }

  #judge(settledBy: Moment, standings: readonly Standing[]): void {
    this.#history = {
      lines: this.#house.disk.lines(),
      abandoned: this.#house.disk.abandoned,
      clients: this.#clients,
      standings,
      sightings: this.#lookout.sightings,
      company: this.#company,
      waves: this.#waves,
      easyWavesFromMs: this.#easyWavesFromMs,
      revealedAtMs: this.#revealed.atMs,
      restoredAtMs: this.#restoredAtMs,
      settledBy,
      timeJumped: this.#timeJumped,
    };
    for (const { rule, text } of judge(this.#history)) this.#problem(rule, text);
  }

  #outcome(): Outcome {
    return {
      seed: this.#scenario.seed,
      hash: this.#trace.hash,
      problems: this.#problems,
      faults: this.#injector.counts,
      virtualMs: this.#timeLine.nowMs,
      ...this.#counts(),
      events: this.#timeLine.count,
      rows: [...this.#house.disk.lines().values()].reduce((sum, { length }) => sum + length, 0),
      lines: this.#trace.lines,
      history: this.#history,
    };
  }

  #counts(): Counts {
    let { healed, resets, streamed, adopted } = NO_COUNTS;
    for (const { stats } of this.#slots.flatMap(({ clients }) => clients)) {
      healed = sumOf(healed, stats.healed);
      resets = sumOf(resets, stats.resets);
      adopted += stats.adopted;
    }
    for (const watch of this.#watches) streamed = sumOf(streamed, watch.streamed);
    return { healed, resets, streamed, adopted };
  }

  readonly #moment = (): Moment => ({ atMs: this.#timeLine.nowMs, order: this.#timeLine.next() });

  readonly #problem = (rule: string, text: string): void => {
    this.#trace.note("judge", rule, text);
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push({ rule, text });
  };
}

const EASY_CALLS: Readonly<Record<string, string>> = {
  counter: "add",
  board: "put",
  vault: "note",
  table: "next",
  channel: "publish",
  ballast: "mark",
};
