// Application code that throws, returns promises, stores what is not JSON or grows without end: a registered code, no
// seq, no change, and nobody else notices.
import { ERRORS, LIMITS } from "@tidemark/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Answer } from "../../../src/document/documents.js";
import { HOSTILE } from "../../support/board-type.js";
import { type BenchClient, boardName, DocumentBench } from "../../support/document-bench.js";

let bench: DocumentBench;
let ann: BenchClient;
const unhandled: unknown[] = [];
const remember = (error: unknown): void => void unhandled.push(error);

beforeEach(async () => {
  process.on("unhandledRejection", remember);
  bench = new DocumentBench();
  ann = bench.client("ann");
  ann.send("$create", true);
  await bench.settle();
});

afterEach(async () => {
  await new Promise((resolve) => void setImmediate(resolve));
  process.off("unhandledRejection", remember);
  expect(unhandled.splice(0)).toEqual([]);
  expect(bench.violations).toEqual([]);
});

async function answerTo(client: BenchClient, ...rest: Parameters<BenchClient["send"]>): Promise<Answer | undefined> {
  const sent = client.send(...rest);
  await bench.settle();
  expect(sent.answers).toHaveLength(1);
  return sent.answers[0];
}

const codeOf = (answer: Answer | undefined): string =>
  answer === undefined || answer.kind === "ok" ? "ok" : answer.code;

async function changesNothing(send: () => Promise<Answer | undefined>): Promise<string> {
  const before = { seq: bench.durable(), state: bench.durableState() };
  const code = codeOf(await send());
  expect(Object.keys(ERRORS)).toContain(code);
  expect({ seq: bench.durable(), state: bench.durableState() }).toEqual(before);
  // The state in memory is what it was: the next transaction starts from it.
  expect(await answerTo(ann, "add", { by: 0 })).toMatchObject({ kind: "ok", resultJson: "0" });
  expect(bench.durable()).toBe(before.seq + 1);
  return code;
}

describe("handlers", () => {
  it.each(["boom", "promise", "thenable", "recurse"])("[R19] [REQ-15] %s is handler_failed", async (name) => {
    expect(await changesNothing(() => answerTo(ann, name))).toBe("handler_failed");
    expect(bench.reports.map(({ kind }) => kind)).toContain("handlerFailed");
  });

  it.each(Object.keys(HOSTILE))(
    "[R19] [REQ-15] a hostile value (%s) is refused in state, result, event and reject",
    async (kind) => {
      for (const name of ["hostile", "hostileResult", "hostileEvent"]) {
        if (name === "hostileResult" && kind === "undefined") continue;
        const code = await changesNothing(() => answerTo(ann, name, kind));
        expect(["invalid_state", "handler_failed", "too_large"]).toContain(code);
      }
      const code = await changesNothing(() => answerTo(ann, "hostileReject", kind));
      expect(["rejected", "invalid_state", "handler_failed", "too_large"]).toContain(code);
    },
  );

  it("[R19] an undeclared event is refused", async () => {
    expect(await changesNothing(() => answerTo(ann, "unknownEvent"))).toBe("invalid_state");
  });

  it("[R19] `can` that throws or returns a promise says no, in the words of one that says no", async () => {
    for (const id of ["thrower", "promiser"]) {
      expect(await changesNothing(() => answerTo(bench.client(id), "guarded"))).toBe("denied");
    }
  });

  it("[R19] `canOpen` that throws or returns a promise denies", async () => {
    for (const id of ["thrower", "promiser"]) {
      expect(await changesNothing(() => answerTo(bench.client(id), "nothing"))).toBe("denied");
    }
  });

  it.each(["throw", "promise", "shape", "reject"])("[R19] `init` that fails (%s) creates nothing", async (fail) => {
    const answer = await answerTo(ann, "$create", { fail }, { document: boardName("new") });
    expect(codeOf(answer)).toBe(
      { throw: "handler_failed", promise: "handler_failed", shape: "invalid_state", reject: "rejected" }[fail],
    );
    expect(bench.durable("new")).toBe(0);
    expect(codeOf(await answerTo(ann, "$create", true, { document: boardName("new") }))).toBe("ok");
  });

  it("[R19] other documents of the same batch are not affected", async () => {
    ann.send("boom");
    ann.send("hostile", "cycle");
    const other = ann.send("$create", true, { document: boardName("two") });
    await bench.settle();
    expect(other.answers).toMatchObject([{ kind: "ok" }]);
  });

  it("[REQ-1] a draft as result is a copy of it", async () => {
    await answerTo(ann, "set", { key: "a", value: 1 });
    expect(await answerTo(ann, "draft")).toMatchObject({ kind: "ok", resultJson: '{"a":1}' });
  });
});

describe("queries", () => {
  it.each(["fails", "writes", "promises"])(
    "[R19] [REQ-13] a query that %s is handler_failed and changes nothing",
    async (name) => {
      const code = await changesNothing(() => answerTo(ann, name, null, { query: true }));
      expect(code).toBe("handler_failed");
    },
  );

  it.each(Object.keys(HOSTILE))("[R19] a query that answers %s has a registered code", async (kind) => {
    const answer = await answerTo(ann, "odd", kind, { query: true });
    expect(kind === "undefined" ? "ok" : codeOf(answer)).toMatch(/ok|invalid_state|handler_failed|too_large/);
  });

  it("[R19] an unknown message or query is said to be unknown", async () => {
    expect(await changesNothing(() => answerTo(ann, "unheard-of"))).toBe("unknown_message");
    expect(await changesNothing(() => answerTo(ann, "constructor"))).toBe("unknown_message");
    expect(codeOf(await answerTo(ann, "unheard-of", null, { query: true }))).toBe("unknown_message");
  });
});

describe("sizes", () => {
  it("[R19] a result past its limit in bytes, not characters, is too_large", async () => {
    const bytes = LIMITS.resultBytesMax - 2;
    expect(codeOf(await answerTo(ann, "result", { bytes }))).toBe("ok");
    await answerTo(ann, "add", { by: -1 });
    expect(await changesNothing(() => answerTo(ann, "result", { bytes: bytes + 1 }))).toBe("too_large");
    expect(await changesNothing(() => answerTo(ann, "result", { bytes: bytes / 2, unit: "é€" }))).toBe("too_large");
  });

  it("[R19] events past the limit of a patch are too_large", async () => {
    expect(await changesNothing(() => answerTo(ann, "sayMany", { times: 20, text: "x".repeat(100_000) }))).toBe(
      "too_large",
    );
  });

  it("[R19] one patch past its limit as text is refused, whatever its values count for", async () => {
    const code = await changesNothing(() => answerTo(ann, "fill", { key: "a", bytes: 300_000, unit: "\u0001" }));
    expect(code).toBe("too_large");
  });

  it("[R19] messages cannot grow the state past its limit, and can go on below it", async () => {
    const bytes = 500_000;
    let filled = 0;
    let answer = await answerTo(ann, "fill", { key: `k${filled}`, bytes });
    while (codeOf(answer) === "ok" && filled < 20) {
      filled += 1;
      answer = await answerTo(ann, "fill", { key: `k${filled}`, bytes });
    }
    expect(codeOf(answer)).toBe("too_large");
    expect(answer).toMatchObject({ data: { limit: "stateBytesMax", value: LIMITS.stateBytesMax } });
    expect(filled).toBe(8);
    expect(JSON.stringify(bench.durableState()).length).toBeLessThanOrEqual(LIMITS.stateBytesMax);
    for (let n = 0; n < 3; n += 1) expect(codeOf(await answerTo(ann, "fill", { key: "k0", bytes }))).toBe("ok");
    expect(codeOf(await answerTo(ann, "unset", "k1"))).toBe("ok");
    expect(codeOf(await answerTo(ann, "fill", { key: "new", bytes }))).toBe("ok");
    bench.restart();
    expect(codeOf(await answerTo(ann, "fill", { key: "more", bytes }))).toBe("too_large");
  });

  it("[R19] init cannot make a state past the limit", async () => {
    const answer = await answerTo(ann, "$create", { fill: "\u0001".repeat(900_000) }, { document: boardName("big") });
    expect(codeOf(answer)).toBe("too_large");
    expect(bench.durable("big")).toBe(0);
  });
});
