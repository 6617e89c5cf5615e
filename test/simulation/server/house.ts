// Where servers live: one disk, one process on it at a time, started again after each death. What befalls a server befalls
// it here: crashes, power cuts, restored backups, and an older process that comes back from a pause to find another in
// its place.
import type { Mutation } from "../mutants/mutation.js";
import type { Link } from "../network/link.js";
import type { Network } from "../network/network.js";
import { SimulatedDisk } from "../storage/simulated-disk.js";
import { SimulatedStore } from "../storage/simulated-store.js";
import { StoreFaults } from "../storage/store-faults.js";
import type { LinkWatch } from "../wire/link-watch.js";
import type { Chance, Chances } from "../world/chance.js";
import { SimulatedProcess } from "../world/process.js";
import type { TimeLine } from "../world/time-line.js";
import type { Trace } from "../world/trace.js";
import { type ServerSettings, SimulatedServer } from "./simulated-server.js";

/** What a house is made of. */
export interface HouseParts {
  readonly timeLine: TimeLine;
  readonly chances: Chances;
  readonly network: Network;
  readonly trace: Trace;
  readonly settings: ServerSettings;
  readonly mutation: Mutation;
  readonly watch: (link: Link) => LinkWatch;
  /** An older state of the disk was put in place. */
  readonly restored: () => void;
  readonly problem: (rule: string, text: string) => void;
}

const WALL_MS = 1_700_000_000_000;
/** An older server that goes on is found out by its first commit (R9), not by its followers: so long, less than two
 * heartbeats, nobody can blame it for what they are not told (R13). */
const GHOST_MS_MAX = 1_900;

/** The servers of one run, one after the other. */
export class House {
  readonly disk = new SimulatedDisk();
  readonly faults: StoreFaults;
  readonly #parts: HouseParts;
  readonly #chance: Chance;
  #server: SimulatedServer | undefined;
  /** A process that was taken for dead. */
  #ghost: SimulatedServer | undefined;
  #wallMs = WALL_MS;
  #starts = 0;
  #isStopping = false;
  #releases = 0;
  /** How much was written before the faults began: older backups there are none. */
  #baseWrites = 0;

  constructor(parts: HouseParts) {
    this.#parts = parts;
    this.#chance = parts.chances.of("house");
    this.faults = new StoreFaults(parts.timeLine);
  }

  /** The process that serves; undefined while there is none. */
  get server(): SimulatedServer | undefined {
    return this.#server;
  }

  /** How often a document was given back by whoever had loaded it. */
  get releases(): number {
    return this.#releases + (this.#server?.store.releases ?? 0);
  }

  /** Every backup that may be restored is taken from now on. */
  keepBackups(): void {
    this.#baseWrites = this.disk.writes;
  }

  /** A new process on what the disk holds. */
  start(): void {
    if (this.#server !== undefined) return;
    const { timeLine, chances, network, trace, settings, mutation, watch, problem } = this.#parts;
    this.#starts += 1;
    const name = `server-${this.#starts}`;
    const process = new SimulatedProcess({
      name,
      timeLine,
      chance: chances.of(name),
      wallMs: this.#wallMs,
      threw: (who, error) => problem("R19", `${who} threw ${describe(error)}`),
    });
    const { disk, faults } = this;
    const late = mutation.syncLateMs === undefined ? {} : { syncLateMs: mutation.syncLateMs };
    const store = new SimulatedStore({ process, disk, faults, chance: chances.of(`${name} store`), ...late });
    this.#server = new SimulatedServer({
      process,
      store,
      disk,
      settings,
      mutation,
      watch,
      sent: (link, bytes) => trace.note(name, `> ${link.client.name}`, bytes),
      bug: (what, error) => problem("R19", `${name}: ${what}: ${describe(error)}`),
    });
    network.listening = this.#server;
    trace.note(name, "starts");
  }

  /** The process dies; with `power` its machine too, without a word to anybody. Another one starts some time later. */
  crash(options: { readonly power: boolean; readonly restartMs: number; readonly restoredPart?: number }): boolean {
    const server = this.#server;
    if (server === undefined) return false;
    this.#bury(server, options.power);
    this.#bury(this.#ghost, false);
    server.store.crash(this.#chance.happens(0.5));
    const part = this.#chance.next();
    const { restoredPart } = options;
    // What the crash let through is on the disk before anything is cut from it.
    this.#later(0, () => {
      this.disk.loseUnsynced(part);
      if (restoredPart === undefined) return;
      this.disk.restore(this.#baseWrites + Math.floor((this.disk.writes - this.#baseWrites) * restoredPart));
      this.#parts.restored();
    });
    this.#later(options.restartMs, () => this.start());
    return true;
  }

  /** The process ends as it should; another one starts some time after it has. */
  stop(restartMs: number): boolean {
    const server = this.#server;
    if (server === undefined || this.#isStopping) return false;
    this.#isStopping = true;
    // New connections are turned away from now on.
    this.#parts.network.listening = undefined;
    this.#parts.trace.note(server.process.name, "is told to stop");
    server.stop().then(
      () => {
        if (this.#server !== server) return;
        this.#bury(server, false);
        this.#later(restartMs, () => this.start());
      },
      (error: unknown) => this.#parts.problem("R19", `${server.process.name} cannot stop: ${describe(error)}`),
    );
    return true;
  }

  /** The process stops, another one takes its place, and the older one goes on for a short while before it is killed. */
  replace(forMs: number): boolean {
    const server = this.#server;
    if (server === undefined || this.#ghost !== undefined) return false;
    this.#ghost = server;
    this.#leave(server);
    server.process.pause(forMs * 0.6);
    this.#later(forMs * 0.3, () => this.start());
    this.#later(Math.min(forMs, forMs * 0.6 + GHOST_MS_MAX), () => this.#bury(this.#ghost, false));
    return true;
  }

  pause(forMs: number): boolean {
    this.#server?.process.pause(forMs);
    return this.#server !== undefined;
  }

  jumpWall(byMs: number): void {
    this.#wallMs += byMs;
    this.#server?.process.jumpWall(byMs);
    this.#ghost?.process.jumpWall(byMs);
  }

  #bury(server: SimulatedServer | undefined, power: boolean): void {
    if (server === undefined) return;
    const { network, trace } = this.#parts;
    trace.note(server.process.name, "dies", Number(power));
    server.process.kill();
    for (const link of network.links) {
      if (link.server !== server.process) continue;
      if (power) link.serverVanished(() => network.listening !== undefined);
      else link.serverDied();
    }
    if (server === this.#ghost) this.#ghost = undefined;
    else this.#leave(server);
  }

  #leave(server: SimulatedServer): void {
    this.#releases += server.store.releases;
    this.#server = undefined;
    this.#isStopping = false;
    this.#parts.network.listening = undefined;
  }

  #later(inMs: number, run: () => void): void {
    const { timeLine } = this.#parts;
    timeLine.at(timeLine.nowMs + inMs, run);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 3).join(" ") : String(error);
}
