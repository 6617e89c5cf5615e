// A short run of each fuzz target, all inputs that earlier runs kept, and proof that the fuzzer finds what is planted.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyPatch } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../support/virtual-runtime.js";
import { Conversation, JSON_NOTATION } from "./conversation.js";
import { formatInput, keepFinding, parseInput, readCorpus, readFindings, type Shelf, writeCorpus } from "./corpus.js";
import { Coverage } from "./coverage.js";
import { Fuzzer } from "./fuzzer.js";
import { SocketTarget } from "./socket-target.js";
import { type Input, type Target, Violation } from "./target.js";
import { TARGETS } from "./targets.js";

const SEED = 20_261_122;

const fuzzerOf = (target: Target, corpus: readonly Input[] = []): Fuzzer =>
  new Fuzzer({ target, random: seededRandom(SEED), coverage: undefined, corpus, cpuMs: undefined });

/** The first finding of a number of inputs. */
async function hunt(fuzzer: Fuzzer, inputs: number): ReturnType<Fuzzer["batch"]> {
  return (await fuzzer.replay()) ?? fuzzer.batch(inputs);
}

describe.each(TARGETS.map((target) => [target.name, target] as const))("%s", (name, target) => {
  it(`[R19] ${name} takes what was kept, what was found once, and some new inputs, seed ${SEED}`, async () => {
    expect(await hunt(fuzzerOf(target, [...readFindings(name), ...readCorpus(name)]), 150)).toBeUndefined();
  });
});

describe("the fuzzer", () => {
  it("[R19] finds a server that dies of one field, and leaves out every frame that has no part in it", async () => {
    const inner = new Conversation(JSON_NOTATION);
    const planted: Target = {
      name: "planted",
      seeds: inner.seeds,
      mutate: inner.mutate.bind(inner),
      async run(input) {
        if (input.some((frame) => Buffer.from(frame).includes('"ttl":-')))
          throw new Violation("it died of a negative time");
      },
    };
    const finding = await hunt(fuzzerOf(planted), 50_000);
    expect(finding?.reason).toBe("it died of a negative time");
    expect(finding?.input).toHaveLength(1);
  });

  it("[R19] finds an input that costs too much in every replay, and forgives one that did once", async () => {
    let cpuMs = 0;
    const target = (cost: (run: number) => number): Target => {
      let runs = 0;
      const run = async (): Promise<void> => {
        cpuMs += cost(runs++);
      };
      return { name: "slow", seeds: [[new Uint8Array(1)]], mutate: (frame) => frame, run };
    };
    const options = { random: seededRandom(SEED), coverage: undefined, corpus: [], cpuMs: () => cpuMs };
    const slow = new Fuzzer({ ...options, target: target(() => 60) });
    expect((await slow.replay())?.reason).toMatch(/60 ms of CPU/);
    const once = new Fuzzer({ ...options, target: target((run) => (run === 0 ? 60 : 1)) });
    expect(await once.replay()).toBeUndefined();
  });

  it("[R19] makes the same inputs of the same seed, and prints them so that they can be run again", async () => {
    const inputs = async (): Promise<string[]> => {
      const seen: string[] = [];
      const socket = new SocketTarget();
      const target: Target = {
        name: "recording",
        seeds: socket.seeds,
        mutate: socket.mutate.bind(socket),
        run: async (input) => void seen.push(formatInput(input)),
      };
      await hunt(fuzzerOf(target), 200);
      return seen;
    };
    const seen = await inputs();
    expect(await inputs()).toEqual(seen);
    expect(seen.map((line) => formatInput(parseInput(line) ?? []))).toEqual(seen);
  });

  it("knows code again that ran before, however often it runs", ({ onTestFinished }) => {
    const coverage = new Coverage();
    coverage.start();
    onTestFinished(() => coverage.stop());
    const patched = (times: number): number => {
      for (let time = 0; time < times; time++) applyPatch({ a: [] }, Array(times).fill(["+", "/a/-", time]));
      return coverage.fresh();
    };
    expect(patched(3)).toBeGreaterThan(0);
    expect([patched(1), patched(30), patched(7)]).toEqual([0, 0, 0]);
    expect(() => applyPatch({ a: [] }, [["-", "/b"]])).toThrow();
    expect(coverage.fresh(false)).toBeGreaterThan(0);
  });

  it("keeps what it found beside what reached new code, once, and both are run again", ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), "tidemark-fuzz-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const shelf: Shelf = { corpus: join(folder, "corpus"), findings: join(folder, "findings") };
    const bytes = (...frames: readonly string[]): Input => frames.map((frame) => new Uint8Array(Buffer.from(frame)));
    expect([readCorpus("json", shelf), readFindings("json", shelf)]).toEqual([[], []]);
    writeCorpus("json", [bytes("b", ""), bytes("a"), bytes("a")], shelf);
    const finding = { target: "json", line: formatInput(bytes("", "d")), reason: "it died\n    at somewhere" };
    keepFinding(finding, shelf);
    keepFinding(finding, shelf);
    expect(readCorpus("json", shelf)).toEqual([bytes("a"), bytes("b", "")]);
    expect(readFindings("json", shelf)).toEqual([bytes("", "d")]);
    expect(parseInput("no base64!")).toBeUndefined();
  });

  it("writes down an input that never ends, and ends itself", async ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), "tidemark-fuzz-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "findings", "json.txt");
    const watch = new URL("./hang-watch.ts", import.meta.url).href;
    const script = `import(${JSON.stringify(watch)}).then(({ HangWatch }) => {
      new HangWatch({ target: "json", file: ${JSON.stringify(file)}, stuckMs: 500 }).begins("Yw==");
      for (;;);
    })`;
    const ended = await new Promise((resolve) => {
      execFile(process.execPath, ["--import", "tsx", "-e", script], (error) => resolve(error?.signal));
    });
    expect(ended).toBe("SIGKILL");
    expect(readFileSync(file, "utf8")).toBe("# it does not end\nYw==\n");
  });
});
