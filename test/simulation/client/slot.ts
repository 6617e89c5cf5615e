// A place for a client: a user at a machine. Clients come and go in it; the machine's network and clock stay.

import type { ClientHistory, Moment, Wave } from "../history/history.js";
import type { Mutation } from "../mutants/mutation.js";
import type { Network } from "../network/network.js";
import { Route } from "../network/route.js";
import type { CallShelf } from "../storage/call-shelf.js";
import type { CallShelves } from "../storage/call-shelves.js";
import type { Deed } from "../workload/deeds.js";
import type { Chances } from "../world/chance.js";
import { SimulatedProcess } from "../world/process.js";
import type { TimeLine } from "../world/time-line.js";
import type { Trace } from "../world/trace.js";
import type { CallBook } from "./call-book.js";
import { ClientRun } from "./client-run.js";

/** Who sits at a place. */
export interface SlotSettings {
  readonly name: string;
  readonly subject: string;
  readonly codec: "json" | "msgpack";
  /** One way, ms. */
  readonly latencyMs: number;
  /** What it follows from the beginning. */
  readonly follows: readonly string[];
  /** The paces it asks for, ms; of other documents it asks for none. */
  readonly paces: { readonly [documentId: string]: number };
  readonly beginsAtMs: number;
  readonly tokenLifeMs: number;
  /** The teams of its tokens, one after the other. */
  readonly teams: readonly string[];
  /** It shows itself to the others. */
  readonly isSociable?: boolean;
  /** Where unanswered calls are kept, by name; undefined: nowhere. */
  readonly shelf?: string | undefined;
  /** It takes its client id from the same dice as the first client of this place. */
  readonly sharesIdOf?: string;
}

/** What a place is made of. */
export interface SlotParts {
  readonly settings: SlotSettings;
  readonly timeLine: TimeLine;
  readonly chances: Chances;
  readonly network: Network;
  readonly trace: Trace;
  readonly mutation: Mutation;
  readonly book: CallBook;
  readonly waves: Wave[];
  readonly shelves: CallShelves;
  readonly moment: () => Moment;
  readonly problem: (rule: string, text: string) => void;
  /** A new client's history. */
  readonly began: (history: ClientHistory) => void;
}

/** How a client dies. */
export interface CrashOptions {
  readonly power: boolean;
  readonly restartMs: number;
  /** What it had stored is gone too. */
  readonly wiped?: boolean;
}

const WALL_MS = 1_700_000_000_000;

/** One user at one machine. */
export class Slot {
  readonly settings: SlotSettings;
  readonly route: Route;
  readonly #parts: SlotParts;
  #client: ClientRun | undefined;
  #wallMs: number;
  #lives = 0;
  /** Those that were there before. */
  readonly #gone: ClientRun[] = [];
  #tokensFromMs = 0;
  /** Documents that are left alone for a while, with those that were open. */
  readonly #avoided = new Map<string, boolean>();

  constructor(parts: SlotParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    const { name, latencyMs } = parts.settings;
    const chance = parts.chances.of(`${name} route`);
    this.route = new Route({ timeLine: parts.timeLine, chance, baseMs: latencyMs });
    // Nobody's clock is right.
    this.#wallMs = WALL_MS + Math.floor(chance.between(-20_000, 20_000));
  }

  /** The client that is there; undefined while there is none. */
  get client(): ClientRun | undefined {
    return this.#client;
  }

  /** Every client that was ever there. */
  get clients(): readonly ClientRun[] {
    return this.#client === undefined ? this.#gone : [...this.#gone, this.#client];
  }

  /** A new client, which follows what was followed. */
  start(follows: readonly string[] = this.settings.follows): void {
    if (this.#client !== undefined) return;
    const { timeLine, chances, problem } = this.#parts;
    this.#lives += 1;
    const name = `${this.settings.name}-${this.#lives}`;
    const { subject, codec: codecName, tokenLifeMs, teams, paces, sharesIdOf, isSociable = false } = this.settings;
    const process = new SimulatedProcess({
      name,
      timeLine,
      chance: chances.of(name),
      wallMs: this.#wallMs,
      threw: (who, error) => problem("R19", `${who} threw ${String(error)}`),
    });
    const identity = chances.of(`${sharesIdOf === undefined ? name : `${sharesIdOf}-1`} id`);
    const shared = {
      ...this.#parts,
      route: this.route,
      process,
      codecName,
      tokenLifeMs,
      teams,
      paces,
      isSociable,
      identity,
      shelf: this.#shelf,
      tokensFromMs: () => this.#tokensFromMs,
    };
    const client = new ClientRun({ ...shared, name, subject });
    this.#client = client;
    this.#parts.began(client.record.history);
    process.post(0, () => {
      for (const documentId of follows) if (!this.#avoided.has(documentId)) client.follow(documentId);
    });
  }

  perform(deed: Deed): void {
    if (this.#avoided.has(deed.documentId)) return;
    const client = this.#client;
    client?.process.post(0, () => client.perform(deed));
  }

  get #shelf(): CallShelf | undefined {
    const { shelf } = this.settings;
    return shelf === undefined ? undefined : this.#parts.shelves.of(shelf);
  }

  /** The client dies; with `power` its machine too. Another one starts some time later. */
  crash({ power, restartMs, wiped = false }: CrashOptions): boolean {
    const client = this.#client;
    if (client === undefined) return false;
    const { timeLine, network } = this.#parts;
    const { open } = client;
    for (const link of network.links) {
      if (link.client !== client.process) continue;
      if (power) link.clientVanished();
      else link.clientDied();
    }
    client.kill();
    if (wiped) this.#shelf?.wipe();
    this.#gone.push(client);
    this.#client = undefined;
    timeLine.at(timeLine.nowMs + restartMs, () => this.start(open));
    return true;
  }

  /** Tokens do not come before so long. */
  delayTokens(forMs: number): void {
    this.#tokensFromMs = this.#parts.timeLine.nowMs + forMs;
  }

  jumpWall(byMs: number): void {
    this.#wallMs += byMs;
    this.#client?.process.jumpWall(byMs);
  }

  /** Leaves a document alone; what was open is opened again afterwards. */
  avoid(documentId: string): void {
    if (this.#avoided.has(documentId)) return;
    const client = this.#client;
    this.#avoided.set(documentId, client?.open.includes(documentId) ?? false);
    client?.process.post(0, () => client.unfollow(documentId));
  }

  returnTo(documentId: string): void {
    const wasOpen = this.#avoided.get(documentId);
    this.#avoided.delete(documentId);
    const client = this.#client;
    if (wasOpen === true) client?.process.post(0, () => client.follow(documentId));
  }
}
