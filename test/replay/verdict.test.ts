import type { LogEntry } from "@tidemark/client";
import { expect, it } from "vitest";
import type { LogLine } from "../../examples/irc-log/parse.js";
import { type Evidence, eventOf, judge, type Verdict } from "./verdict.js";

const input: readonly LogLine[] = ["a", "b", "a", "c"].map((text) => ({
  kind: "say",
  time: "09:00",
  nick: "ann",
  text,
}));

/** What a run leaves when everything held: seq 1 made the document, each line is one transaction after it. */
function evidence(): Evidence {
  const line = (index: number) => eventOf(input[index] ?? { kind: "notice", text: "" });
  const log: LogEntry[] = [0, 1, 2, 3, 4].map((index) => ({
    epoch: 7,
    seq: index + 1,
    at: 0,
    patch: [],
    by: undefined,
    events: index === 0 ? [] : [{ name: "line", data: line(index - 1) }],
  }));
  const heard = input.map((_, index) => ({ seq: index + 2, line: line(index) }));
  const acked = input.map((_, index) => ({ index, receipt: { epoch: 7, seq: index + 2, n: index + 1 } }));
  return {
    key: "day",
    input,
    acked,
    log,
    state: { lines: 4 },
    witnesses: [{ first: 1, heard, gaps: 0, state: { lines: 4 } }],
  };
}

type Broken = { -readonly [K in keyof Evidence]: Evidence[K] };

const corruptions: readonly (readonly [string, keyof Omit<Verdict, "notes">, (found: Broken) => void])[] = [
  ["a line lost from the log", "lost", (found) => (found.log = found.log.toSpliced(3, 1))],
  ["an acked line lost at the end", "lost", (found) => (found.log = found.log.slice(0, 4))],
  ["a line applied twice", "duplicated", (found) => (found.log = [...found.log, { ...must(found.log[4]), seq: 6 }])],
  [
    "lines swapped",
    "reordered",
    (found) => (found.log = found.log.toSpliced(3, 2, must(found.log[4]), must(found.log[3]))),
  ],
  [
    "a line acked where another is",
    "reordered",
    (found) => (found.acked = [{ index: 0, receipt: { epoch: 7, seq: 3, n: 1 } }]),
  ],
  [
    "a line acked in another epoch",
    "reordered",
    (found) => (found.acked = [{ index: 0, receipt: { epoch: 8, seq: 2, n: 1 } }]),
  ],
  ["an event never heard", "lost", heard((all) => all.slice(1))],
  ["an event heard twice", "duplicated", heard((all) => [...all, must(all[0])])],
  ["events heard in another order", "reordered", heard((all) => all.toSpliced(0, 2, must(all[1]), must(all[0])))],
  ["a gap told", "lost", (found) => (found.witnesses = found.witnesses.map((one) => ({ ...one, gaps: 1 })))],
  ["a state that differs", "divergent", (found) => (found.state = { lines: 5 })],
];

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("the evidence is shorter than its corruption");
  return value;
}

function heard(change: (all: Evidence["witnesses"][number]["heard"]) => Evidence["witnesses"][number]["heard"]) {
  return (found: Broken): void => {
    found.witnesses = found.witnesses.map((one) => ({ ...one, heard: change(one.heard) }));
  };
}

it("[R3] [R4] [R6] finds nothing in a run that held", () => {
  expect(judge([evidence()])).toEqual({ lost: 0, duplicated: 0, reordered: 0, divergent: 0, notes: [] });
});

it.each(corruptions)("[R3] [R4] [R6] finds %s", (_, kind, corrupt) => {
  const found: Broken = evidence();
  corrupt(found);
  const verdict = judge([found]);
  expect(verdict[kind]).toBeGreaterThan(0);
  expect(verdict.notes).not.toEqual([]);
});
