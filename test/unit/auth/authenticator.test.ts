import { describe, expect, it } from "vitest";
import { makeAuthenticator } from "../../../src/auth/authenticator.js";
import type { Identity } from "../../../src/document/definition/define-app.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

function identified(identity: Identity) {
  const runtime = new VirtualRuntime();
  const failed: unknown[] = [];
  const onFailed = (error: unknown): void => void failed.push(error);
  const check = makeAuthenticator({ authenticate: () => identity, devTokens: false, runtime, onFailed });
  return check("token", { loopback: false });
}

describe("the end of an identity", () => {
  it("[HELLO-4] [R19] is a whole number of ms that a welcome can carry, whatever the application says", async () => {
    expect((await identified({ id: "ann", expiresAt: 1_800_000_000_000.75 }))?.expiresAt).toBe(1_800_000_000_000);
    expect((await identified({ id: "ann", expiresAt: Number.POSITIVE_INFINITY }))?.expiresAt).toBe(
      Number.MAX_SAFE_INTEGER,
    );
  });

  it("[R18] refuses one that is over, or no time at all", async () => {
    expect(await identified({ id: "ann", expiresAt: 1_600_000_000_000 })).toBeUndefined();
    expect(await identified({ id: "ann", expiresAt: Number.NaN })).toBeUndefined();
  });
});
