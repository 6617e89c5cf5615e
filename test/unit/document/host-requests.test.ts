// Exactly once, in order: the checks of a call in their order, receipts over reloads and restarts, refusals that wait.
import { LIMITS } from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Answer } from "../../../src/document/documents.js";
import { type BenchClient, boardName, DocumentBench, type Sent } from "../../support/document-bench.js";

let bench: DocumentBench;
let ann: BenchClient;

beforeEach(async () => {
  bench = new DocumentBench();
  bench.client("root").send("$create", true);
  await bench.settle();
  bench.left.length = 0;
  ann = bench.client("ann");
});

const last = ({ answers }: Sent): Answer | undefined => answers.at(-1);
const code = (sent: Sent): string | undefined => {
  const answer = last(sent);
  return answer === undefined || answer.kind === "ok" ? answer?.kind : answer.code;
};

/** Sends and waits. */
async function call(client: BenchClient, ...rest: Parameters<BenchClient["send"]>): Promise<Sent> {
  const sent = client.send(...rest);
  await bench.settle();
  return sent;
}

async function again(
  client: BenchClient,
  sent: Sent,
  changes: Parameters<BenchClient["repeat"]>[1] = {},
): Promise<void> {
  client.repeat(sent, changes);
  await bench.settle();
}

describe("receipts", () => {
  it("[REQ-4] [R6] answers a repeat by the first answer, and applies once", async () => {
    const sent = await call(ann, "add", { by: 5 });
    await again(ann, sent);
    expect(sent.answers).toHaveLength(2);
    expect(last(sent)).toEqual({ kind: "ok", at: { epoch: expect.any(Number), seq: 2 }, resultJson: "5" });
    expect(sent.answers[0]).toEqual(sent.answers[1]);
    expect(bench.durable()).toBe(2);
  });

  it("[REQ-4] answers after a restart, whatever has become of access, deadline, `if` and born", async () => {
    const sent = await call(ann, "add", { by: 5 }, { ttlMs: 1_000, ifSeq: 1 });
    await call(bench.client("root"), "ban", "ann");
    bench.restart();
    bench.runtime.jumpWall(8 * 86_400_000);
    await again(ann, sent);
    expect(sent.answers).toHaveLength(2);
    expect(sent.answers[0]).toEqual(sent.answers[1]);
    expect(bench.durable()).toBe(3);
  });

  it("[REQ-4] answers after the document was unloaded and loaded again", async () => {
    const sent = await call(ann, "add", { by: 5 });
    await bench.runtime.advance(200_000);
    expect(bench.local.loadedCount).toBe(0);
    await again(ann, sent);
    expect(sent.answers[1]).toEqual(sent.answers[0]);
  });

  it("[REQ-4] keeps receipts of $create and $delete", async () => {
    const document = boardName("two");
    const created = await call(ann, "$create", { n: 7 }, { document });
    await again(ann, created);
    const deleted = await call(ann, "$delete", null, { document });
    await again(ann, deleted);
    bench.restart();
    await again(ann, created);
    await again(ann, deleted);
    expect(created.answers.map(({ kind }) => kind)).toEqual(["ok", "ok", "ok"]);
    expect(deleted.answers.map(({ kind }) => kind)).toEqual(["ok", "ok", "ok"]);
    expect(bench.durable("two")).toBe(2);
  });

  it("[REQ-5] [R7] refuses another payload or another message under an applied n", async () => {
    const sent = await call(ann, "add", { by: 5 });
    await again(ann, sent, { input: { by: 6 } } as never);
    expect(code(sent)).toBe("id_reused");
    await again(ann, sent, { name: "nothing", input: null } as never);
    expect(code(sent)).toBe("id_reused");
    expect(bench.durable()).toBe(2);
  });

  it("[REQ-5] takes another subject's equal client id and n for another request", async () => {
    await call(ann, "add", { by: 5 });
    const other = await call(bench.client("bob", { client: ann.client }), "add", { by: 5 });
    expect(last(other)).toMatchObject({ kind: "ok", resultJson: "10" });
  });

  it("[REQ-4] answers from a window that was forgotten and is read again", async () => {
    const sent = await call(ann, "add", { by: 5 });
    bench.restart();
    bench.store.hold("receipts");
    ann.repeat(sent);
    await bench.settle();
    expect(sent.answers).toHaveLength(1);
    bench.store.letGo("receipts");
    await bench.settle();
    expect(sent.answers[1]).toEqual(sent.answers[0]);
  });

  it("[R14] settles the oldest receipts of a client that never says what it heard", async () => {
    const first = await call(ann, "add", { by: 1 });
    for (let n = 2; n <= 1_100; n += 1) {
      ann.send("nothing");
      if (n % 200 === 0) await bench.settle();
    }
    await bench.settle();
    await again(ann, first);
    expect(last(first)).toEqual({ kind: "unknown", code: "settled", final: true });
  });
});

describe("order of checks", () => {
  it("[REQ-6] tells a call that is 7 days old, to the millisecond, that it expired", async () => {
    const born = bench.runtime.now();
    bench.runtime.jumpWall(LIMITS.requestHorizonMs - 1);
    expect(code(await call(ann, "nothing", null, { n: 1, born }))).toBe("ok");
    bench.runtime.jumpWall(1);
    const expired = await call(ann, "nothing", null, { n: 2, born });
    expect(last(expired)).toEqual({ kind: "unknown", code: "expired", final: true });
    expect(bench.durable()).toBe(2);
  });

  it("[REQ-7] tells a call below the greatest low that it is settled, also when only a refused call said so", async () => {
    await call(ann, "ifLess", 0, { n: 9, low: 5 });
    const settled = await call(ann, "nothing", null, { n: 4 });
    expect(last(settled)).toEqual({ kind: "unknown", code: "settled", final: true });
    expect(code(await call(ann, "nothing", null, { n: 5 }))).toBe("ok");
  });

  it("[REQ-7] learns low from a repeat too, and keeps it over a lost commit", async () => {
    const sent = await call(ann, "nothing", null, { n: 5 });
    await again(ann, sent, { low: 5 });
    expect(code(await call(ann, "nothing", null, { n: 4 }))).toBe("settled");
    const fates: ("lost" | "commit")[] = ["lost"];
    bench.store.plan = () => fates.shift() ?? "commit";
    await call(bench.client("bob"), "nothing");
    expect(code(await call(ann, "nothing", null, { n: 4 }))).toBe("settled");
  });

  it("[REQ-8] [R5] tells a call below an applied one that it is superseded, also after a restart", async () => {
    await call(ann, "nothing", null, { n: 3 });
    expect(code(await call(ann, "nothing", null, { n: 2 }))).toBe("superseded");
    bench.restart();
    expect(code(await call(ann, "nothing", null, { n: 1 }))).toBe("superseded");
    expect(bench.durable()).toBe(2);
  });

  it("[REQ-9] looks at receipts, then expiry, then low, then order, then everything else", async () => {
    const applied = await call(ann, "nothing", null, { n: 3 });
    const old = bench.runtime.now() - LIMITS.requestHorizonMs;
    await again(ann, applied, { born: old, low: 4 });
    expect(code(applied)).toBe("ok");
    expect(code(await call(ann, "nothing", null, { n: 2, born: old, low: 4 }))).toBe("expired");
    expect(code(await call(ann, "nothing", null, { n: 2 }))).toBe("settled");
    const bob = bench.client("bob");
    await call(bob, "nothing", null, { n: 3 });
    expect(code(await call(bob, "unheard-of", null, { n: 2, ttlMs: 1, ifSeq: 77 }))).toBe("superseded");
  });

  it("[REQ-9] looks at the deadline, then access, then `if`, then the input", async () => {
    const born = bench.runtime.now() - 10;
    await call(bench.client("root"), "ban", "eve");
    const eve = bench.client("eve");
    expect(code(await call(eve, "add", "wrong", { born, ttlMs: 5, ifSeq: 77 }))).toBe("deadline_exceeded");
    expect(code(await call(eve, "add", "wrong", { ifSeq: 77 }))).toBe("denied");
    expect(code(await call(ann, "add", "wrong", { ifSeq: 77 }))).toBe("conflict");
    expect(code(await call(ann, "add", "wrong", { ifSeq: 2 }))).toBe("invalid_input");
  });

  it("[REQ-10] refuses what has not begun at its deadline, and a born too far ahead", async () => {
    const born = bench.runtime.now();
    expect(code(await call(ann, "nothing", null, { born, ttlMs: 0 }))).toBe("deadline_exceeded");
    expect(code(await call(ann, "nothing", null, { born: born + LIMITS.bornAheadMs + 1 }))).toBe("invalid_input");
    expect(code(await call(ann, "nothing", null, { born: born + LIMITS.bornAheadMs }))).toBe("ok");
  });

  it("[REQ-12] drops a copy that comes by an older connection, in silence", async () => {
    ann.conn = 2;
    await call(ann, "nothing", null, { n: 1 });
    const stale = await call(ann, "nothing", null, { n: 2, conn: 1 });
    expect(stale.answers).toEqual([]);
    expect(bench.durable()).toBe(2);
    expect(code(await call(ann, "nothing", null, { n: 2 }))).toBe("ok");
  });

  it("[REQ-12] still knows the newest connection after a lost commit", async () => {
    const fates: ("lost" | "commit")[] = ["lost"];
    bench.store.plan = () => fates.shift() ?? "commit";
    await call(ann, "nothing", null, { n: 1, conn: 2 });
    expect((await call(ann, "nothing", null, { n: 2, conn: 1 })).answers).toEqual([]);
  });

  it("[REQ-13] asks queries neither for low nor for order", async () => {
    await call(ann, "nothing", null, { n: 9, low: 9 });
    const query = ann.query("total", null, { n: 2 });
    await bench.settle();
    expect(last(query)).toMatchObject({ kind: "ok", at: null, resultJson: "0" });
    expect(bench.durable()).toBe(2);
  });

  it("[REQ-14] applies a call with `if` at that seq only", async () => {
    expect(code(await call(ann, "add", { by: 1 }, { ifSeq: 2 }))).toBe("conflict");
    expect(code(await call(ann, "add", { by: 1 }, { ifSeq: 1 }))).toBe("ok");
    const conflict = await call(ann, "add", { by: 1 }, { ifSeq: 1 });
    expect(last(conflict)).toMatchObject({ kind: "no", code: "conflict", data: { seq: 2 } });
  });

  it("[REQ-14] [R18] says nothing of the seq to those who may not read", async () => {
    await call(bench.client("root"), "ban", "eve");
    const refused = await call(bench.client("eve"), "$delete", null, { ifSeq: 77 });
    expect(code(refused)).toBe("denied");
    const guarded = await call(bench.client("promiser"), "guarded", null, { ifSeq: 77 });
    expect(JSON.stringify(guarded.answers)).not.toContain("seq");
  });
});

describe("refusals that invite a retry", () => {
  async function fillTheDisk(sent: () => Sent[]): Promise<Sent[]> {
    bench.store.plan = () => "disk_full";
    const calls = sent();
    await bench.settle();
    bench.store.plan = () => "commit";
    return calls;
  }

  it("[REQ-11] [GATE-3] refuses later calls with the same code until the refused n comes again", async () => {
    const [five] = await fillTheDisk(() => [ann.send("add", { by: 1 }, { n: 5 })]);
    expect(five === undefined ? "" : code(five)).toBe("disk_full");
    const six = await call(ann, "add", { by: 2 }, { n: 6 });
    expect(last(six)).toEqual({ kind: "no", code: "disk_full", retry: "after", afterMs: expect.any(Number) });
    if (five !== undefined) await again(ann, five);
    await again(ann, six);
    expect(code(six)).toBe("ok");
    expect(bench.rows().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(bench.durableState()).toMatchObject({ n: 3 });
  });

  it("[REQ-11] lets later calls pass once low has passed the refused n", async () => {
    await fillTheDisk(() => [ann.send("add", { by: 1 }, { n: 5 })]);
    expect(code(await call(ann, "add", { by: 2 }, { n: 6, low: 5 }))).toBe("disk_full");
    expect(code(await call(ann, "add", { by: 2 }, { n: 6, low: 6 }))).toBe("ok");
  });

  it("[REQ-11] remembers the least refused n, and refuses all that were executed on top", async () => {
    const sent = await fillTheDisk(() => [
      ann.send("add", { by: 1 }, { n: 5 }),
      ann.send("add", { by: 1 }, { n: 6 }),
      ann.send("ifLess", 0, { n: 7 }),
    ]);
    expect(sent.map(code)).toEqual(["disk_full", "disk_full", "disk_full"]);
    expect(code(await call(ann, "add", { by: 1 }, { n: 6 }))).toBe("disk_full");
    expect(code(await call(ann, "add", { by: 1 }, { n: 5 }))).toBe("ok");
    expect(code(await call(ann, "add", { by: 1 }, { n: 6 }))).toBe("ok");
  });

  it("[REQ-11] holds nobody else back", async () => {
    await fillTheDisk(() => [ann.send("add", { by: 1 }, { n: 5 })]);
    expect(code(await call(bench.client("bob"), "add", { by: 2 }))).toBe("ok");
  });

  it("[REQ-11] latches what is refused for want of room while the document is loaded", async () => {
    bench.restart();
    bench.store.hold("load");
    const bob = bench.client("bob");
    for (let n = 1; n <= LIMITS.mailboxMax; n += 1) bob.send("nothing");
    const five = ann.send("add", { by: 1 }, { n: 5 });
    expect(code(five)).toBe("overloaded");
    bench.store.letGo("load");
    await bench.settle();
    expect(code(await call(ann, "add", { by: 1 }, { n: 6 }))).toBe("overloaded");
    await again(ann, five);
    expect(code(five)).toBe("ok");
    expect(code(await call(ann, "add", { by: 1 }, { n: 6 }))).toBe("ok");
  });

  it("[REQ-9] [R15] answers a repeat from its receipt even when there is no room", async () => {
    const sent = await call(ann, "add", { by: 1 });
    bench.store.holdCommits();
    const bob = bench.client("bob");
    while (!bob.send("nothing").answers.some((answer) => answer.kind === "no"));
    expect(code(ann.send("add", { by: 1 }))).toBe("overloaded");
    ann.repeat(sent);
    expect(sent.answers).toHaveLength(2);
    expect(sent.answers[1]).toEqual(sent.answers[0]);
  });
});

describe("order of one client", () => {
  it("[REQ-3] [R5] keeps a client's calls in order while its window is read, and lets others go on", async () => {
    bench.restart();
    bench.store.hold("receipts");
    ann.send("note", "a1");
    ann.send("note", "a2");
    await bench.settle();
    ann.send("note", "a3");
    bench.store.letGo("receipts");
    await bench.settle();
    expect(bench.durableState()).toMatchObject({ log: ["a1", "a2", "a3"] });
  });

  it("[REQ-3] keeps the order when the document is lost while a window is read", async () => {
    const bob = bench.client("bob");
    await call(bob, "nothing");
    bench.store.holdCommits();
    bob.send("note", "b");
    await bench.settle();
    bench.store.hold("receipts");
    ann.send("note", "a1");
    await bench.settle();
    bench.store.hold("load");
    bench.store.decide("lost");
    await bench.settle();
    ann.send("note", "a2");
    bench.store.letGo("receipts");
    await bench.settle();
    ann.send("note", "a3");
    bench.store.plan = () => "commit";
    bench.store.letGo("load");
    await bench.settle();
    expect(bench.durableState()).toMatchObject({ log: expect.arrayContaining(["a1", "a2", "a3", "b"]) });
    const log = (bench.durableState() as { log: string[] }).log.filter((text) => text.startsWith("a"));
    expect(log).toEqual(["a1", "a2", "a3"]);
    expect(bench.left.filter((left) => left.what === "answer" && left.answer.kind !== "ok")).toEqual([]);
  });

  it("[REQ-4] tries again to read a window that could not be read", async () => {
    bench.restart();
    bench.store.failNext("receipts", 3);
    const sent = ann.send("note", "a");
    await bench.settle();
    expect(sent.answers).toEqual([]);
    await bench.runtime.advance(1_000);
    expect(code(sent)).toBe("ok");
  });

  it("[R5] applies what one caller pipelines in the order of sending", async () => {
    for (let n = 0; n < 50; n += 1) ann.send("note", `${n}`);
    await bench.settle();
    expect(bench.durableState()).toMatchObject({ log: Array.from({ length: 50 }, (_, n) => `${n}`) });
  });

  it("[ID-1] refuses what cannot exist without a host", async () => {
    expect(code(await call(ann, "nothing", null, { document: { space: "", type: "ghost", key: "a" } }))).toBe(
      "unknown_type",
    );
    expect(code(await call(ann, "nothing", null, { document: boardName("..") }))).toBe("invalid_key");
    expect(bench.local.loadedCount).toBe(1);
  });

  it("[OPEN-3] tells strangers nothing of absent documents", async () => {
    const document = boardName("nowhere");
    expect(code(await call(bench.client("stranger"), "nothing", null, { document }))).toBe("denied");
    expect(code(await call(ann, "nothing", null, { document }))).toBe("not_found");
    expect(code(await call(bench.client("stranger"), "$create", null, { document }))).toBe("denied");
    expect(code(await call(ann, "$create", { n: 1 }, { document }))).toBe("ok");
    expect(code(await call(ann, "$create", { n: 1 }, { document }))).toBe("already_exists");
  });
});
