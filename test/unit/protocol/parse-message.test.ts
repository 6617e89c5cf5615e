// What the shapes promise beyond the vectors: texts of refusals, identity, hostile values.
import { FrameError, type Json, LIMITS, parseClientMessage, parseServerMessage } from "@tidemark/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { clientMessage } from "../../../protocol/typescript/src/parse/client-shapes.js";
import { serverMessage } from "../../../protocol/typescript/src/parse/server-shapes.js";
import { json } from "./arbitrary-json.js";

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
  expect(parseServerMessage(["part", 1, 2, "x"])).toBeUndefined();
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
  expect(first(clientMessage)).toBe("hello, auth, open, close, c, ping, pong");
  expect(first(serverMessage)).toBe("welcome, opened, snap, d, ok, no, unk, ended, err, goaway, ping, pong");
});

test("[HEAD-1] 64 heads fit a ping", () => {
  const heads = Array.from({ length: LIMITS.headsPerPing * 3 }, (_, at) => at);
  expect(parseClientMessage(["ping", 1, heads])).toEqual(["ping", 1, heads]);
});
