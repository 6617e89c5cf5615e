// What a seed stands for: the clients, the server's settings, what is done and what goes wrong, all drawn before anything
// happens. Two runs of one scenario are the same run.

import { DOCUMENTS } from "./app/app.js";
import { BALLAST } from "./app/ballast.js";
import { TEAMS } from "./app/table.js";
import type { SlotSettings } from "./client/slot.js";
import type { FaultEvent, FaultName } from "./faults/fault.js";
import { planFaults } from "./faults/plan.js";
import type { ServerSettings } from "./server/simulated-server.js";
import { COMPANY_SHARE, planCompany } from "./workload/company.js";
import { planDeeds, type TimedDeed } from "./workload/deeds.js";
import { planLoads } from "./workload/loads.js";
import { planTurns } from "./workload/turns.js";
import { type Chance, Chances } from "./world/chance.js";

/** Everything a run is made of but the dice that are thrown on the way. */
export interface Scenario {
  readonly seed: number;
  readonly server: ServerSettings;
  /** Those who are there from the beginning. */
  readonly slots: readonly SlotSettings[];
  /** Those who come with the faults `duplicateTab` and `sharedClientId`, by the place whose user or id they have. */
  readonly spares: { readonly duplicateTab: readonly SlotSettings[]; readonly sharedClientId: readonly SlotSettings[] };
  readonly faults: readonly FaultEvent[];
  readonly deeds: readonly TimedDeed[];
  /** When the last fault is over and the last deed done. */
  readonly quietAtMs: number;
  /** Everybody sleeps for so long, from then on. */
  readonly sleepMs: number;
  /** People show themselves to each other. */
  readonly isSociable: boolean;
}

/** What may be fixed instead of drawn. */
export interface ScenarioOptions {
  /** The only faults; empty: none. */
  readonly faults?: readonly FaultName[];
  readonly codec?: "json" | "msgpack";
}

/** 0 is every commit, also where the type says otherwise. */
const PACES_MS = [0, 40, 150, 700, 2_500];
const USERS = ["ann", "bob", "cid"];
/** Faults begin once every document is there. */
export const FAULTS_FROM_MS = 1_500;

/** The scenario of a seed. */
export function scenarioOf(seed: number, options: ScenarioOptions = {}): Scenario {
  const chances = new Chances(seed);
  const chance = chances.of("scenario");
  const server = serverSettings(chance);
  const lean = slotSettings(chance, options.codec);
  const untilMs = FAULTS_FROM_MS + chance.between(12_000, 34_000);
  const faults = planFaults(
    {
      fromMs: FAULTS_FROM_MS,
      untilMs,
      slots: lean.length,
      watchdogMs: server.watchdogMs,
      idleMs: server.idleMs,
      only: options.faults,
    },
    chances.of("faults"),
  );
  const isHeavy = faults.some(({ name }) => name === "heavyLoad");
  const laden = isHeavy ? lean.map(withBallast) : lean;
  const social = chances.of("company");
  const isSociable = social.happens(COMPANY_SHARE);
  const slots = laden.map((slot) => ({ ...slot, isSociable }));
  const sleep = faults.find(({ name }) => name === "sleep");
  const sleepMs = sleep === undefined ? 0 : (1 + 3 * sleep.amount) * 3_600_000;
  const planned = planDeeds(
    {
      subjects: [...slots, ...slots.slice(0, 2)].map(({ subject }) => subject),
      fromMs: 1_200,
      untilMs,
      count: 40 + chance.below(60),
      probes: chance.happens(0.3),
    },
    chances.of("deeds"),
  );
  const inPassing = isSociable ? planCompany({ slots: slots.length, fromMs: 1_200, untilMs }, social) : [];
  const deeds = [...planned, ...planTurns(faults, slots.length), ...planLoads(faults, slots.length), ...inPassing].sort(
    (a, b) => a.atMs - b.atMs,
  );
  const shift = <T extends { readonly atMs: number }>(items: readonly T[]): readonly T[] =>
    sleep === undefined
      ? items
      : items.map((item) => (item.atMs > sleep.atMs ? { ...item, atMs: item.atMs + sleepMs } : item));
  return {
    seed,
    server,
    slots,
    spares: spares(slots),
    faults: shift(faults),
    deeds: shift(deeds),
    quietAtMs: untilMs + sleepMs,
    sleepMs,
    isSociable,
  };
}

function serverSettings(chance: Chance): ServerSettings {
  const pingIntervalMs = 1_000 + 100 * chance.below(11);
  const watchdogMs = 2.5 * pingIntervalMs;
  // Longer than a copy of a call can be under way: a connection that brings nothing is given up before.
  const idleMs = 1.5 * watchdogMs + chance.between(0, 1_000);
  return { pingIntervalMs, watchdogMs, idleMs, edges: chance.happens(0.4) ? 1 : 2 };
}

function slotSettings(chance: Chance, codec: "json" | "msgpack" | undefined): readonly SlotSettings[] {
  const users = USERS.slice(0, 2 + chance.below(2));
  if (chance.happens(0.35)) users.push("eve");
  const tokenLifeMs = chance.happens(0.3) ? 5_000 + 100 * chance.below(100) : 3_600_000;
  const drawn = users.map(() => (chance.happens(0.5) ? ("json" as const) : ("msgpack" as const)));
  const slots = users.map(
    (subject, index): SlotSettings => ({
      name: subject,
      subject,
      codec: codec ?? drawn[index] ?? "json",
      latencyMs: chance.between(1, chance.happens(0.8) ? 20 : 120),
      // The first one makes the documents.
      follows: index === 0 ? DOCUMENTS : DOCUMENTS.filter(() => chance.happens(0.6)),
      beginsAtMs: index === 0 ? 0 : chance.between(700, 1_200),
      tokenLifeMs,
      teams: teamsOf(chance),
      shelf: chance.happens(0.5) ? subject : undefined,
      paces: pacesOf(chance),
    }),
  );
  // Faults and deeds count them in the order in which they come.
  return slots.sort((a, b) => a.beginsAtMs - b.beginsAtMs);
}

/** Most belong to one team for ever. */
function teamsOf(chance: Chance): readonly string[] {
  const team = chance.pick(TEAMS);
  return chance.happens(0.6) ? [team] : [team, chance.pick(TEAMS)];
}

/** Few documents, few paces: so that several clients have the same one. */
function pacesOf(chance: Chance): SlotSettings["paces"] {
  const paced = DOCUMENTS.filter(() => chance.happens(0.25));
  return Object.fromEntries(paced.map((documentId) => [documentId, chance.pick(PACES_MS)]));
}

/** Every second one at a pace, so slow that more than may wait for it comes between two beats. */
function withBallast(slot: SlotSettings, index: number): SlotSettings {
  const paces = index % 2 === 0 ? slot.paces : { ...slot.paces, [BALLAST]: Math.max(...PACES_MS) };
  return { ...slot, follows: [...slot.follows, BALLAST], paces };
}

function spares(slots: readonly SlotSettings[]): Scenario["spares"] {
  return {
    duplicateTab: slots.map((slot) => ({ ...slot, name: `${slot.name}-tab` })),
    sharedClientId: slots.map((slot) => ({
      ...slot,
      name: `dan-${slot.name}`,
      subject: "dan",
      shelf: undefined,
      sharesIdOf: slot.name,
    })),
  };
}
