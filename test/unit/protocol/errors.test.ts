// The error registry: complete, and all its parts agree.
import { ERRORS, isErrorCode, OPERATOR_ERRORS, OperatorError, TidemarkError } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";

const entries = Object.entries(ERRORS);

describe("[ERR-1] the registry", () => {
  test.each(entries)("%s says what happened and what to do, in a sentence each", (_, known) => {
    expect(known.message).toMatch(/^[A-Z].*\.$/);
    expect(known.hint).toMatch(/^[A-Z`].*\.$/);
    expect(["never", "after", "reconnect"]).toContain(known.retry);
    expect(["caller", "service"]).toContain(known.fault);
  });

  test("cannot be changed", () => {
    expect(Object.isFrozen(ERRORS)).toBe(true);
    expect(Object.isFrozen(OPERATOR_ERRORS)).toBe(true);
  });

  test("knows its codes and no inherited names", () => {
    expect(entries.every(([code]) => isErrorCode(code))).toBe(true);
    for (const name of ["toString", "constructor", "__proto__", ""]) expect(isErrorCode(name)).toBe(false);
  });
});

test("[ERR-1] an error is rejected by default and takes the rest from the registry", () => {
  const error = new TidemarkError("overloaded");
  expect(error).toMatchObject({ name: "TidemarkError", outcome: "rejected", retry: "after", fault: "service" });
  expect(error).toMatchObject({ message: ERRORS.overloaded.message, hint: ERRORS.overloaded.hint });
  expect([error.afterMs, error.reason, error.data, error.cause]).toEqual([undefined, undefined, undefined, undefined]);
});

test("[ERR-1] an error carries what its occurrence adds", () => {
  const cause = new Error("socket");
  const error = new TidemarkError("connection_lost", {
    outcome: "unknown",
    message: "Gone.",
    afterMs: 5,
    reason: "x",
    data: { a: 1 },
    retry: "never",
    fault: "caller",
    cause,
  });
  expect(error).toMatchObject({ outcome: "unknown", message: "Gone.", afterMs: 5, reason: "x", data: { a: 1 }, cause });
  expect(error).toMatchObject({ retry: "never", fault: "caller", hint: ERRORS.connection_lost.hint });
});

test("an operator's error names its code and what to do", () => {
  const error = new OperatorError("port_in_use", "Port 8787 is in use.", "Choose another with --port.");
  expect(error).toMatchObject({ name: "OperatorError", code: "port_in_use", hint: "Choose another with --port." });
});
