// P21 rooms: what it costs the server's own rooms that somebody joins a document with presence and everybody hears of it.
// Sessions without sockets join one document all at once, then 100 a second beside all of them.
import { systemRuntime as runtime } from "../../dist/runtime/system-runtime.js";
import { Crowd, join, type Member } from "../gathering/sessions.js";
import type { Scenario, Side } from "../scenario.js";

const JOINS_A_SECOND = 100;
/** Joins of one turn of the event loop, as a herd that is let in. */
const TURN = 200;
const GIVE_UP_MS = 60_000;

const turn = (): Promise<void> => new Promise((resolve) => runtime.defer(resolve));
const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

async function greeted(crowd: Crowd, count: number): Promise<Member[]> {
  const members: Member[] = [];
  for (let index = 0; index < count; index += TURN) {
    const size = Math.min(TURN, count - index);
    members.push(...(await Promise.all(Array.from({ length: size }, () => crowd.greet()))));
  }
  return members;
}

async function untilTold(members: readonly Member[], count: number): Promise<void> {
  const lastMs = runtime.monotonicMs() + GIVE_UP_MS;
  while (members.some(({ wire }) => wire.present !== count)) {
    if (runtime.monotonicMs() > lastMs) throw new Error(`not everybody was told that ${count} are present`);
    await wait(20);
  }
}

async function allAtOnce(members: readonly Member[]): Promise<void> {
  for (const [index, member] of members.entries()) {
    join(member, `person ${index}`);
    if (index % TURN === TURN - 1) await turn();
  }
  await untilTold(members, members.length);
}

/** One after another, beside all that are there. Returns the longest that anybody waited until all had been told, ms. */
async function oneByOne(members: readonly Member[], newcomers: readonly Member[]): Promise<number> {
  const everybody = [...members];
  const waits: Promise<number>[] = [];
  for (const newcomer of newcomers) {
    join(newcomer, "late");
    everybody.push(newcomer);
    waits.push(toldOf(everybody.at(0), everybody.length));
    await wait(1_000 / JOINS_A_SECOND);
  }
  await untilTold(everybody, everybody.length);
  return Math.max(...(await Promise.all(waits)));
}

async function toldOf(member: Member | undefined, count: number): Promise<number> {
  const fromMs = runtime.monotonicMs();
  while ((member?.wire.present ?? count) < count) await wait(5);
  return runtime.monotonicMs() - fromMs;
}

const cpuUs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return user + system;
};

const sumOf = (members: readonly Member[], what: (member: Member) => number): number =>
  members.reduce((sum, member) => sum + what(member), 0);

function crowdOf(count: number): Side {
  return {
    name: `${count} sessions`,
    async measure({ seconds }) {
      const crowd = new Crowd();
      const members = await greeted(crowd, count);
      const newcomers = await greeted(crowd, Math.ceil(seconds * JOINS_A_SECOND));
      const herd = process.cpuUsage();
      const before = sumOf(members, ({ wire }) => wire.bytes);
      await allAtOnce(members);
      const value = cpuUs(herd) / count;
      const herdBytes = (sumOf(members, ({ wire }) => wire.bytes) - before) / count;
      const beside = sumOf(members, ({ wire }) => wire.bytes);
      const steady = process.cpuUsage();
      const fromMs = runtime.monotonicMs();
      const slowestMs = await oneByOne(members, newcomers);
      const steadyCpu = cpuUs(steady) / ((runtime.monotonicMs() - fromMs) * 1_000);
      const joinBytes = (sumOf(members, ({ wire }) => wire.bytes) - beside) / count / newcomers.length;
      return {
        value,
        details: { herdBytes, steadyCpu, slowestMs, joinBytes },
        note: `${Math.round(herdBytes)} bytes each; at ${JOINS_A_SECOND} joins a second ${joinBytes.toFixed(1)} bytes for each join and client, ${steadyCpu.toFixed(2)} of a core, all told within ${Math.round(slowestMs)} ms`,
      };
    },
  };
}

export const presentInMemory: Scenario = {
  id: "P21-rooms",
  title: "CPU per join of 20,000 sessions in one document with presence, everybody told, over 2,000; without sockets",
  unit: "us CPU/join",
  subject: crowdOf(20_000),
  peer: crowdOf(2_000),
  goal: { atMost: 2 },
};
