// Close codes tell a client whether to come back.
import { CLOSE, mayReconnect } from "@tidemark/protocol";
import { expect, test } from "vitest";

test("[CLOSE-1] codes from 4500 to 4999 are final, all others are not", () => {
  const codes = [1000, 1001, 1006, 1011, 3000, 4000, 4499, 4500, 4999, 5000];
  expect(codes.filter((code) => !mayReconnect(code))).toEqual([4500, 4999]);
});

test("[CLOSE-1] each code has one meaning, on its side of the line", () => {
  const final = Object.entries(CLOSE).filter(([, code]) => !mayReconnect(code));
  expect(new Set(Object.values(CLOSE)).size).toBe(Object.keys(CLOSE).length);
  expect(Object.values(CLOSE).every((code) => code >= 4000 && code <= 4999)).toBe(true);
  expect(final.map(([name]) => name)).toEqual([
    "protocolError",
    "tooLarge",
    "unsupportedVersion",
    "replaced",
    "identityChanged",
    "revoked",
    "denied",
  ]);
});
