// Makes faults happen, one entry for each name, and counts those that really did: a cut without a connection is none.
import { hasTeams } from "../app/shown.js";
import type { Slot } from "../client/slot.js";
import type { Link } from "../network/link.js";
import type { Network } from "../network/network.js";
import type { House } from "../server/house.js";
import type { TimeLine } from "../world/time-line.js";
import type { Trace } from "../world/trace.js";
import { type FaultCounts, type FaultEvent, type FaultName, noFaults } from "./fault.js";
import { WALL_JUMPS_MS } from "./plan.js";

/** What faults reach. */
export interface Reach {
  readonly timeLine: TimeLine;
  readonly trace: Trace;
  readonly network: Network;
  readonly house: House;
  /** Everybody who is there, those who came late included. */
  readonly slots: readonly Slot[];
  /** Somebody else comes, beside or in the name of the one at this place. */
  readonly join: (why: "duplicateTab" | "sharedClientId", slot: number) => boolean;
  /** A clock jumped, or time was slept away. */
  readonly timeJumped: () => void;
  readonly sleepMs: number;
}

const SWITCH_TRIES = 300;
const SWITCH_WAIT_MS = 10;
/** A frame with a call is no shorter. */
const CALL_BYTES = 60;
/** A hundred bytes are then as much as a connection may leave unsent. */
const HEAVY = 10_000;

/** The faults of one run. */
export class Injector {
  readonly #reach: Reach;
  readonly #counts = noFaults();

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  /** How often each has happened. */
  get counts(): FaultCounts {
    const { storeLost, storeKept, storeFailed, diskFull, slowCommit, readFails } = this.#reach.house.faults.counts;
    const refuseConnect = this.#reach.network.refusals;
    return { ...this.#counts, storeLost, storeKept, storeFailed, diskFull, slowCommit, readFails, refuseConnect };
  }

  /** One of a schedule; now. */
  inject(event: FaultEvent): void {
    const happened = this.#happens[event.name](event);
    if (happened) this.#counts[event.name] += 1;
    this.#reach.trace.note(
      "fault",
      event.name,
      Number(happened),
      event.slot,
      event.documentId,
      event.forMs,
      event.amount,
    );
  }

  readonly #happens: Readonly<Record<FaultName, (event: FaultEvent) => boolean>> = {
    latency: ({ slot, forMs, amount }) => this.#on(slot, ({ route }) => route.slowDown(forMs, 50 + amount * 900)),
    jitter: ({ slot, forMs, amount }) => this.#on(slot, ({ route }) => route.roughen(forMs, 20 + amount * 700)),
    stall: ({ slot, forMs }) => this.#onLink(slot, (link) => link.stall(forMs)),
    cut: ({ slot, amount, hard }) => this.#onLink(slot, (link) => link.cut(amount, hard ? 1 - amount : amount)),
    halfOpenUp: ({ slot }) => this.#onLink(slot, (link) => link.vanish("up")),
    halfOpenDown: ({ slot }) => this.#onLink(slot, (link) => link.vanish("down")),
    switchNetwork: (event) => this.#switchNetwork(event, SWITCH_TRIES),
    partition: (event) => this.#part(event),
    refuseConnect: ({ forMs }) => this.#always(() => this.#reach.network.refuse(forMs)),
    frameLost: ({ slot }) => this.#loseFrame(slot),
    slowReader: ({ slot, forMs }) => this.#onLink(slot, (link) => link.takeNothing(forMs, HEAVY)),
    heavyLoad: ({ slot, forMs }) => this.#onLink(slot, (link) => link.takeNothing(forMs, 1)),
    pauseClient: ({ slot, forMs, hard }) => this.#pause(slot, forMs, hard),
    pauseServer: ({ forMs }) => this.#reach.house.pause(forMs),
    serverCrash: ({ forMs, hard }) => this.#reach.house.crash({ power: hard, restartMs: forMs }),
    serverStop: ({ forMs }) => this.#reach.house.stop(forMs),
    edgeLost: () => this.#reach.house.server?.loseEdge() ?? false,
    clientCrash: ({ slot, forMs, hard }) => this.#slot(slot)?.crash({ power: hard, restartMs: forMs }) ?? false,
    clientWiped: ({ slot, forMs, hard }) =>
      this.#slot(slot)?.crash({ power: hard, restartMs: forMs, wiped: true }) ?? false,
    replaceServer: ({ forMs }) => this.#reach.house.replace(forMs),
    restoreBackup: ({ forMs, amount }) =>
      this.#reach.house.crash({ power: false, restartMs: forMs, restoredPart: amount }),
    wallJumpServer: ({ amount }) => this.#jump((byMs) => this.#reach.house.jumpWall(byMs), amount),
    wallJumpClient: ({ slot, amount }) => this.#jump((byMs) => this.#slot(slot)?.jumpWall(byMs), amount),
    slowTokens: ({ slot, forMs }) => this.#on(slot, (place) => place.delayTokens(forMs)),
    sleep: () => this.#sleep(),
    diskFull: ({ forMs }) => this.#always(() => this.#reach.house.faults.fill(forMs)),
    storeLost: () => this.#always(() => this.#reach.house.faults.doom("lost")),
    storeKept: () => this.#always(() => this.#reach.house.faults.doom("kept")),
    storeFailed: () => this.#always(() => this.#reach.house.faults.doom("failed")),
    slowCommit: ({ forMs, amount }) => this.#always(() => this.#reach.house.faults.slowDown(forMs, amount * 800)),
    readFails: ({ forMs }) => this.#always(() => this.#reach.house.faults.failReads(forMs)),
    docUnload: (event) => this.#leaveAlone(event),
    duplicateTab: ({ slot }) => this.#reach.join("duplicateTab", slot),
    sharedClientId: ({ slot }) => this.#reach.join("sharedClientId", slot),
  };

  #slot(index: number): Slot | undefined {
    return this.#reach.slots[index];
  }

  #on(index: number, then: (slot: Slot) => void): boolean {
    const slot = this.#slot(index);
    if (slot !== undefined) then(slot);
    return slot !== undefined;
  }

  /** On the newest connection of a client that a server has taken. */
  #onLink(index: number, then: (link: Link) => void): boolean {
    const link = this.#slot(index)?.client?.platform.socket?.link;
    if (link === undefined || link.serverEnd === undefined || !link.isSound || !link.client.alive) return false;
    then(link);
    return true;
  }

  #always(then: () => void): boolean {
    then();
    return true;
  }

  #part({ slot, forMs, hard }: FaultEvent): boolean {
    return this.#on(slot, ({ route, client }) => {
      route.part(forMs);
      if (!hard) return;
      // The machine knows: its network card says so.
      client?.platform.wake("offline");
      this.#later(forMs, () => this.#slot(slot)?.client?.platform.wake("online"));
    });
  }

  /** Best while a call is under way: waits a little for one. */
  #switchNetwork(event: FaultEvent, tries: number): boolean {
    const { client } = this.#slot(event.slot) ?? {};
    const socket = client?.platform.socket;
    const link = socket?.link;
    if (client === undefined || link === undefined || !link.isSound) return false;
    if (link.up.unread < CALL_BYTES && tries > 0) {
      this.#later(SWITCH_WAIT_MS, () => this.#switchNetwork(event, tries - 1));
      return false;
    }
    this.#counts.switchNetwork += 1;
    link.badUntilMs = Number.POSITIVE_INFINITY;
    link.stall(event.forMs);
    client.process.post(0, () => socket?.abandoned());
    return false;
  }

  /** Counted when the frame is lost, not when it is doomed. */
  #loseFrame(slot: number): boolean {
    // Whose team changes is given a new state unasked: nothing would be left to notice.
    const moves = (this.#slot(slot)?.settings.teams.length ?? 0) > 1;
    this.#onLink(slot, (link) => {
      const served = this.#reach.house.server?.wires.get(link);
      served?.wire.loseDeltas((messages) => {
        if (moves && served.watch.documentsOf(messages).some(hasTeams)) return false;
        served.watch.lost(messages);
        this.#counts.frameLost += 1;
        return true;
      });
    });
    return false;
  }

  #pause(slot: number, forMs: number, shown: boolean): boolean {
    const client = this.#slot(slot)?.client;
    client?.process.pause(forMs, () => {
      if (shown) client.platform.wake("visible");
    });
    return client !== undefined;
  }

  #jump(jump: (byMs: number) => void, amount: number): boolean {
    jump(WALL_JUMPS_MS[Math.floor(amount * WALL_JUMPS_MS.length)] ?? 0);
    this.#reach.timeJumped();
    return true;
  }

  #sleep(): boolean {
    const { slots, sleepMs, timeJumped } = this.#reach;
    for (const [index] of slots.entries()) this.#pause(index, sleepMs, true);
    timeJumped();
    return slots.length > 0;
  }

  /** Everybody leaves a document; or one who cannot be reached still holds it, and comes back to find it unloaded. */
  #leaveAlone({ slot, documentId, forMs, hard }: FaultEvent): boolean {
    const { slots, house } = this.#reach;
    const before = house.releases;
    for (const [index, other] of slots.entries()) {
      if (hard && index === slot) other.route.part(forMs);
      else other.avoid(documentId);
    }
    this.#later(forMs, () => {
      if (house.releases > before) this.#counts.docUnload += 1;
      for (const other of this.#reach.slots) other.returnTo(documentId);
    });
    return false;
  }

  #later(inMs: number, run: () => void): void {
    const { timeLine } = this.#reach;
    timeLine.at(timeLine.nowMs + inMs, run);
  }
}
