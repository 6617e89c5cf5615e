// Disk errors and full disks under the real server: injected by the preload library at exact calls, and judged by what
// clients saw, by the trace, and by crash states in which a failed sync has lost what it covered, as Linux does.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeFiles } from "./crash-states.js";
import { DiskModel } from "./disk-model.js";
import { describeVerdict, judgeRun, withEngine } from "./judge.js";
import { pageOwners, phasesOf } from "./phases.js";
import type { Injection } from "./preload/library.js";
import { type ServerProcess, startServer } from "./server-process.js";
import { countEvents, readTrace, type TraceEvent } from "./trace.js";
import { type Answer, WireClient } from "./wire-client.js";
import { type Acknowledgement, type Peer, Witness } from "./witness.js";
import { itemId } from "./workload.js";

const DOCUMENT = "list/a";
const SUBJECT = "fault";
let directory = "";

beforeAll(() => {
  directory = realpathSync(mkdtempSync(`${tmpdir()}/tidemark-io-errors-`));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Faulty {
  readonly server: ServerProcess;
  readonly client: WireClient;
  readonly peers: Map<number, Peer>;
  readonly database: string;
  readonly trace: string;
  /** From now on the rules hold. */
  breakDisk(): void;
  repairDisk(): void;
}

async function startFaulty(name: string, inject: readonly Injection[]): Promise<Faulty> {
  const own = `${directory}/${name}`;
  mkdirSync(own);
  const [database, trace, gate] = [`${own}/io.db`, `${own}/trace`, `${own}/broken`];
  const server = await startServer({ faults: { database, trace, inject, while: gate } });
  const client = new WireClient(SUBJECT);
  const peers = new Map<number, Peer>();
  await client.connect(server.socketUrl, peers);
  await client.open(DOCUMENT);
  return {
    ...{ server, client, peers, database, trace },
    breakDisk: () => writeFileSync(gate, ""),
    repairDisk: () => rmSync(gate),
  };
}

/** `count` pushes in flight together. */
function push(client: WireClient, count: number): Promise<readonly Answer[]> {
  return Promise.all(
    Array.from({ length: count }, () => {
      return client.call(DOCUMENT, "push", { id: itemId(client, client.calls.length + 1), text: "x".repeat(100) });
    }),
  );
}

const kinds = (answers: readonly Answer[]): ReadonlySet<string> => new Set(answers.map((answer) => answer.kind));

/** The document's head on a drive that holds what was synced before `event` and nothing else. */
function durableHead(trace: readonly TraceEvent[], event: number): number {
  const disk = new DiskModel(() => 0);
  for (const one of trace.slice(0, event)) disk.apply(one);
  const own = mkdtempSync(`${directory}/durable-`);
  writeFiles(
    disk.crash(() => 0),
    `${own}/io.db`,
  );
  const loaded = withEngine(`${own}/io.db`, (engine) => engine.load({ space: "", type: "list", key: "a" }));
  return loaded.status === "live" ? loaded.head.seq : 0;
}

/** Acknowledgements of what was not durable when the fault fired, up to the moment a checkpoint had rewritten and synced
 * the file. Answers to older commits may still be on their way out. */
function acknowledgedInDoubt(
  trace: readonly TraceEvent[],
  peers: ReadonlyMap<number, Peer>,
): readonly Acknowledgement[] {
  const fired = trace.findIndex((event) => event.kind === "fired");
  const proved = trace.findIndex((event, index) => {
    return index > fired && event.kind === "sync-end" && event.file === "main" && !event.failed;
  });
  expect(fired).toBeGreaterThan(0);
  expect(proved).toBeGreaterThan(fired);
  const durable = durableHead(trace, fired);
  expect(durable).toBeGreaterThan(1);
  const witness = new Witness(peers);
  for (const event of trace.slice(0, proved)) witness.apply(event);
  return witness.acknowledged.filter((one) => one.seq > durable);
}

describe("an I/O error", () => {
  const cases: readonly Injection[] = [
    { what: "sync", file: "wal", first: 1, action: "EIO" },
    { what: "sync", file: "wal", first: 3, action: "EIO" },
    { what: "write", file: "wal", first: 1, action: "EIO" },
    { what: "write", file: "wal", first: 12, action: "EIO" },
  ];

  it.each(cases)(
    "[R10] of $what $first stops answers until a checkpoint is synced, and loses none",
    async (injection) => {
      const faulty = await startFaulty(`${injection.what}-${injection.first}`, [injection]);
      const { server, client, peers, database } = faulty;
      expect(kinds(await push(client, 20))).toEqual(new Set(["ok"]));
      faulty.breakDisk();
      for (let batch = 0; batch < 4; batch += 1) expect(kinds(await push(client, 10))).toEqual(new Set(["ok"]));
      await server.kill();
      const trace = readTrace(faulty.trace);
      expect(countEvents(trace).fired).toBe(1);
      expect(acknowledgedInDoubt(trace, peers)).toEqual([]);
      const phases = phasesOf(trace, pageOwners(database));
      const sent = { clients: new Map([[client.id, client]]), documents: [DOCUMENT], subject: SUBJECT };
      const run = { processes: [{ trace, phases, peers }], sent };
      const verdict = judgeRun({ run, states: 40, seed: 1, directory: `${directory}/state` });
      expect(verdict.broken, describeVerdict(verdict)).toEqual([]);
    },
  );

  it("[R10] that comes again while it recovers ends the process by name, and a restart has every answered call", async () => {
    const inject: Injection[] = [{ what: "sync", first: 1, action: "EIO", times: "always" }];
    const { server, client, database, breakDisk } = await startFaulty("always", inject);
    const answered = await push(client, 20);
    breakDisk();
    const cut = push(client, 5).then(kinds, () => new Set(["disconnected"]));
    const exit = await server.exited;
    expect(exit.signal).toBeNull();
    expect(exit.code).not.toBe(0);
    expect(server.output()).toContain("storage_failed");
    expect(await cut).not.toContain("ok");
    const next = await startServer({ faults: { database } });
    await client.connect(next.socketUrl);
    expect(await Promise.all(client.calls.slice(0, 20).map((call) => client.repeat(call)))).toEqual(answered);
    await next.kill();
  });
});

describe("a full disk", () => {
  it("[R11] refuses writes by name, answers reads, and goes on without a restart", async () => {
    const inject: Injection[] = [{ what: "write", first: 1, action: "ENOSPC", times: "always" }];
    const { server, client, trace, breakDisk, repairDisk } = await startFaulty("full", inject);
    await push(client, 10);
    breakDisk();
    const refused = await push(client, 5);
    expect(new Set(refused.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify({ kind: "no", code: "disk_full", retry: "after" })]),
    );
    const read = await client.query(DOCUMENT, "length");
    expect(read).toMatchObject({ kind: "ok", result: 10 });
    repairDisk();
    const repeated = await Promise.all(client.calls.slice(10, 15).map((call) => client.repeat(call)));
    expect(repeated).toMatchObject([11, 12, 13, 14, 15].map((length) => ({ kind: "ok", result: { length } })));
    expect(countEvents(readTrace(trace)).fired).toBeGreaterThan(0);
    await server.kill();
  });
});
