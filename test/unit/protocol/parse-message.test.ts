// What the shapes promise beyond the vectors: texts of refusals, identity, hostile values.
import {
  FrameError,
  type Json,
  LIMITS,
  parseClientMessage,
  parseClientMessages,
  parseServerMessage,
} from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCall } from "../../../protocol/typescript/src/parse/call-check.js";
import { CLIENT_SHAPES, clientMessage } from "../../../protocol/typescript/src/parse/client-shapes.js";
import { serverMessage } from "../../../protocol/typescript/src/parse/server-shapes.js";
import { json, number, text } from "./arbitrary-json.js";

const refusal = (raw: Json): FrameError => {
  try {
    parseClientMessage(raw);
  } catch (error) {
    if (error instanceof FrameError) return error;
  }
  throw new Error("was not refused");
};

test.each<[Json, string, string]>([
  [
    ["c", 1, 2, "add", null, { born: "now" }],
    "c",
    "c[5].born: expected a safe integer from 0, found text of 3 characters",
  ],
  [["c", 1, 2, "add", null, {}], "c", "c[5].born: expected a safe integer from 0, found nothing"],
  [
    ["c", 1, null, "add", null, { born: 1 }],
    "c",
    "c[2]: expected a safe integer from 0 or text of 1 to 1024 characters, found null",
  ],
  [["c", 1], "c", "c: expected an array of 6 items, found an array of 2"],
  [
    ["open", { s: 1, doc: "a/b", at: [[1, 2, 3]] }],
    "open",
    "open[1].at[0][2]: expected text of 0 to 128 characters, found the integer 3",
  ],
  [["ping", 1, [1, 2]], "ping", "ping[2]: expected an array of 0 to 192 items, a multiple of 3, found an array of 2"],
])("[FRAME-8] a refusal names field, expectation and kind: %j", (raw, about, message) => {
  expect(refusal(raw)).toMatchObject({ code: "protocol_error", about, message });
});

test("[FRAME-8] [R18] a refusal never repeats the value, nor a long type", () => {
  expect(refusal(["auth", { token: ["secret-token"] }]).message).not.toContain("secret");
  expect(refusal(["x".repeat(1_000)]).about).toHaveLength(32);
});

test("[FRAME-8] a message that fits is handed on as it is", () => {
  const raw: Json = ["c", 1, "a/b", "add", { x: 1 }, { born: 1, later: true }];
  expect(parseClientMessage(raw)).toBe(raw);
});

test("[FRAME-9] [ERR-2] a server message of a later version is ignored, a later code is internal", () => {
  expect(parseServerMessage(["later", 1, 2, "x"])).toBeUndefined();
  expect(parseServerMessage(["unk", 1, "toString", { later: 1 }])).toEqual(["unk", 1, "internal", { later: 1 }]);
  expect(parseServerMessage(["err", { code: "new", message: "m", retry: "never", fault: "caller" }])).toMatchObject([
    "err",
    { code: "internal", retry: "never", fault: "caller" },
  ]);
  expect(parseServerMessage(["goaway", { code: "new", afterMs: 1, jitterMs: 2 }])).toMatchObject([
    "goaway",
    { code: "internal" },
  ]);
});

test("[FRAME-8] [R19] any value is a message or refused with a FrameError", () => {
  const type = fc.constantFrom(
    "hello",
    "auth",
    "open",
    "close",
    "c",
    "ping",
    "pong",
    "d",
    "snap",
    "ok",
    "no",
    "unk",
    "err",
  );
  const raw = fc.oneof(
    json,
    fc.tuple(type, fc.array(json, { maxLength: 5 })).map(([name, rest]): Json => [name, ...rest]),
  );
  for (const parse of [parseClientMessage, parseServerMessage]) {
    fc.assert(
      fc.property(raw, (value) => {
        try {
          parse(value);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 3_000 },
    );
  }
});

test("[FRAME-8] the shapes know the types of SPEC.md and no others", () => {
  const first = (shape: typeof clientMessage | typeof serverMessage) =>
    shape.expected.replace("an array that starts with ", "");
  expect(first(clientMessage)).toBe("hello, auth, open, close, c, sig, pres, ping, pong");
  expect(first(serverMessage)).toBe(
    "welcome, opened, snap, part, d, ok, no, unk, ended, err, sig, pres, goaway, bye, ping, pong",
  );
});

test("[HEAD-1] 64 heads fit a ping", () => {
  const heads = Array.from({ length: LIMITS.headsPerPing * 3 }, (_, at) => at);
  expect(parseClientMessage(["ping", 1, heads])).toEqual(["ping", 1, heads]);
});

test("[FRAME-8] a frame is taken whole or not at all", () => {
  const good: Json = ["close", 1];
  const frame = [good, ["ping", 1, []]];
  expect(parseClientMessages(frame)).toBe(frame);
  expect(() => parseClientMessages([good, ["close", -1]])).toThrow(expect.objectContaining({ about: "close" }));
});

describe("[FRAME-8] the quick reading of a call agrees with its shape", () => {
  const mostly = <T>(good: fc.Arbitrary<T>, edge: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: edge });
  const bound = (lengthMax: number) =>
    mostly(fc.constantFrom(1, lengthMax), fc.constantFrom(0, lengthMax + 1)).map((length) => "x".repeat(length));
  const count = mostly<number>(
    fc.maxSafeNat().map((value) => value + 1),
    fc.constantFrom(0, -0, -1, 0.5, 2 ** 53),
  );
  const extension = fc.record(
    {
      born: count,
      low: count,
      ttl: count,
      trace: bound(LIMITS.traceLengthMax),
      q: mostly(fc.constant(1), fc.constantFrom(0, 2)),
      if: count,
      later: json,
    },
    { requiredKeys: ["born"], noNullPrototype: true },
  );
  const target = fc.oneof(count, bound(LIMITS.targetLengthMax));
  const call = fc.tuple(fc.constant("c"), count, target, bound(LIMITS.nameLengthMax), json, extension);
  /** A call with something else in one place of it or of its extension, or with one place too few or too many. */
  const mutated = fc
    .tuple(call, fc.nat(5), fc.oneof(json, number, text), fc.constantFrom("place", "field", "cut", "grown"))
    .map(([items, at, other, what]): Json => {
      const [, , , , , fields] = items;
      const name = Object.keys(fields)[at] ?? "born";
      if (what === "field") return [...items.slice(0, 5), { ...fields, [name]: other }];
      if (what === "place") return items.toSpliced(at, 1, other);
      return what === "cut" ? items.slice(0, at) : [...items, other];
    });

  const agree = (raw: Json): void => {
    expect(isCall(raw)).toBe(CLIENT_SHAPES.c.check(raw) === undefined);
  };

  test("on calls and near misses", () => {
    fc.assert(fc.property(fc.oneof(call, mutated), agree), { numRuns: 20_000 });
  });

  test("on anything else", () => {
    fc.assert(fc.property(json, agree), { numRuns: 2_000 });
  });

  test("of which enough are calls", () => {
    const calls = fc.sample(fc.oneof(call, mutated), { numRuns: 3_000, seed: 1 }).filter(isCall);
    expect(calls.length).toBeGreaterThan(800);
    expect(calls.length).toBeLessThan(2_200);
  });
});
