// Random programs on the recorder and on mutative, an independent mutation library; the operations applied by
// fast-json-patch, and by the protocol's own applier. A failure prints fast-check's seed and path; RECORDER_SEED runs it again, RECORDER_EFFORT more of it.
import { applyPatch, type JsonObject } from "@tidemark/protocol";
import fc from "fast-check";
import { create } from "mutative";
import { describe, expect, it } from "vitest";
import { type Recording, record } from "../../../../src/document/recorder/recorder.js";
import { program, Runner, type Step, state } from "./program.js";
import { assertTree, canonical, LIMITS, liveRoot, plain, replayed } from "./replay.js";

const seed = Number(process.env.RECORDER_SEED ?? Date.now() % 2 ** 31);
const effort = Number(process.env.RECORDER_EFFORT ?? 1);
const cases = (count: number): fc.Parameters<unknown> => ({ seed, numRuns: count * effort });

/** Runs a program on the root and on mutative; gives the recording and what mutative made of it. */
function transact(
  root: JsonObject,
  steps: readonly Step[],
): { recording: Recording<object>; expected: unknown; runner: Runner } {
  const recording = record(root, LIMITS);
  let runner: Runner | undefined;
  const expected = create(plain(root) as object, (oracle) => {
    runner = new Runner(recording.draft, oracle);
    for (const step of steps) runner.run(step);
  });
  if (runner === undefined) throw new Error("the oracle did not run");
  return { recording, expected, runner };
}

describe(`random programs (seed ${seed})`, () => {
  it("[R4] makes the state an independent library makes, and operations that replay to it", () => {
    let refusals = 0;
    const codes = new Set<string>();
    const run = fc.property(state, fc.array(program, { minLength: 1, maxLength: 2 }), (initial, programs) => {
      const root = liveRoot(initial);
      for (const steps of programs) {
        const before = plain(root);
        const { recording, expected, runner } = transact(root, steps);
        const { operations } = recording.finish();
        refusals += runner.refusals;
        for (const [code] of operations) codes.add(code);
        expect(canonical(root)).toBe(canonical(expected));
        expect(canonical(replayed(before, operations))).toBe(canonical(expected));
        expect(canonical(applyPatch(before, operations))).toBe(canonical(expected));
        assertTree(root);
        expect(() => recording.draft.toString).toThrow(TypeError);
      }
    });
    fc.assert(run, cases(1_500));
    // The programs must have met what they are for.
    expect([...codes].sort()).toEqual(["+", "-", "=", ">", "~"]);
    expect(refusals).toBeGreaterThan(10);
  });

  it("restores the state exactly when a program is rolled back at any step", () => {
    const run = fc.property(state, program, program, fc.boolean(), (initial, steps, next, isFinished) => {
      const root = liveRoot(initial);
      const before = canonical(root);
      const { recording } = transact(root, steps);
      if (isFinished) recording.finish();
      recording.rollback();
      recording.rollback();
      expect(canonical(root)).toBe(before);
      assertTree(root);
      // What was undone leaves nothing behind.
      const { recording: second, expected } = transact(root, next);
      const { operations } = second.finish();
      expect(canonical(root)).toBe(canonical(expected));
      expect(canonical(replayed(JSON.parse(before), operations))).toBe(canonical(expected));
    });
    fc.assert(run, cases(1_500));
  });

  it("gives operations that later transactions do not change", () => {
    const run = fc.property(state, program, program, (initial, steps, next) => {
      const root = liveRoot(initial);
      const { operations } = transact(root, steps).recording.finish();
      const text = JSON.stringify(operations);
      transact(root, next).recording.finish();
      expect(JSON.stringify(operations)).toBe(text);
    });
    fc.assert(run, cases(500));
  });
});

describe(`streaming text (seed ${seed})`, () => {
  it("logs what was appended, once for each text", () => {
    const chunk = fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 });
    const run = fc.property(fc.array(chunk, { minLength: 1, maxLength: 20 }), (chunks) => {
      const root = liveRoot({ a: { text: "begun: " }, lines: ["x"] });
      const recording = record<{ a: { text: string }; lines: string[] }>(root, LIMITS);
      for (const part of chunks) {
        recording.draft.a.text += part;
        recording.draft.lines[0] += part;
      }
      const suffix = chunks.join("");
      expect(recording.finish().operations).toEqual([
        ["~", "/a/text", suffix],
        ["~", "/lines/0", suffix],
      ]);
    });
    fc.assert(run, cases(500));
  });
});
