// What a teller makes of messages, where a real server seldom sends them so.
import { jsonCodec, type ServerMessage } from "@tidemark/protocol";
import { expect, it } from "vitest";
import { Teller } from "../../../src/http/teller.js";

const opened = (mode: readonly ("reset" | "resume")[]): ServerMessage => [
  "opened",
  {
    s: 1,
    h: mode.map((_, layer) => 7 + layer),
    mode,
    prev: mode.map(() => 3),
    tag: mode.map((_, layer) => `t${layer}`),
  },
];
const event = (seq: number): readonly [number, number, string, string] => [seq, 100 + seq, "said", `at ${seq}`];
const told = { seq: 4, at: 104, name: "said", data: "at 4" };

it("[SSE-1] what comes before the last of two layers takes effect with it", () => {
  const teller = new Teller(undefined);
  expect(teller.take([opened(["reset", "reset"]), ["snap", 7, 9, 3, { n: 1 }]])).toEqual([]);
  expect(teller.take([["d", 7, 3, 4, [["=", "/n", 2]], { ev: [event(4)] }]])).toEqual([]);
  expect(teller.take([["snap", 8, 9, 3, "mine"]])).toEqual([
    { kind: "snapshot", epoch: 9, seq: 4, state: { n: 2, mine: "mine" }, events: [told] },
  ]);
  expect(teller.held).toEqual({ epoch: 9, seq: 4, tags: ["t0", "t1"] });
});

it("[SSE-1] a state that comes in parts is told whole", () => {
  const teller = new Teller(undefined);
  const text = JSON.stringify({ text: "long ".repeat(10) });
  const slices = [text.slice(0, 11), text.slice(11)];
  const parts = slices.map((slice, index): ServerMessage => ["part", 7, index, slice]);
  const first: ServerMessage = ["snap", 7, 9, 3, null, { bytes: text.length, parts: 2 }];
  expect(teller.take([opened(["reset"]), first])).toEqual([]);
  expect(teller.take(parts.slice(0, 1))).toEqual([]);
  expect(teller.take(parts.slice(1))).toEqual([{ kind: "snapshot", epoch: 9, seq: 3, state: JSON.parse(text) }]);
  expect(jsonCodec.name).toBe("json");
});

it("[SSE-1] one transaction of two layers is one patch, and an end does not overtake it", () => {
  const teller = new Teller({ epoch: 9, seq: 3, tags: ["t0", "t1"] });
  // Half of it cannot be told: none is, and nothing is held of it.
  const frame: readonly ServerMessage[] = [
    opened(["resume", "resume"]),
    ["d", 8, 3, 4, [["=", "", { own: 1 }]], { ev: [event(4)] }],
    ["d", 7, 3, 4, [["=", "", { n: 1 }]]],
    ["d", 8, 4, 5, [["=", "/own", 2]]],
  ];
  expect(teller.take(frame)).toEqual([]);
  expect([teller.needsStates, teller.held.seq]).toEqual([true, 3]);
  expect(teller.take([opened(["reset", "reset"]), ["snap", 7, 9, 4, { n: 1 }], ["snap", 8, 9, 4, { own: 1 }]])).toEqual(
    [{ kind: "snapshot", epoch: 9, seq: 4, state: { n: 1, mine: { own: 1 } } }],
  );
  const both = teller.take([
    ["d", 7, 4, 5, [["=", "", { n: 2 }]], { ev: [event(5)] }],
    ["d", 8, 4, 5, [["=", "/own", 2]], { e: 10 }],
    ["ended", { s: 1, code: "denied", retry: "never" }],
  ]);
  expect(both).toEqual([
    {
      kind: "patch",
      epoch: 10,
      seq: 5,
      patch: [
        { op: "replace", path: "", value: { n: 2, mine: { own: 1 } } },
        { op: "replace", path: "/mine/own", value: 2 },
      ],
      events: [{ seq: 5, at: 105, name: "said", data: "at 5" }],
    },
    { kind: "end", code: "denied", retry: "never" },
  ]);
});
