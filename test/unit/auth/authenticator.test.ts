import type { JWTPayload } from "jose";
import { describe, expect, it } from "vitest";
import { makeAuthenticator } from "../../../src/auth/authenticator.js";
import { ConnectTokens } from "../../../src/auth/connect-tokens.js";
import { Credentials } from "../../../src/auth/credentials.js";
import { JwtVerifier } from "../../../src/auth/jwt.js";
import type { Identity } from "../../../src/document/definition/define-app.js";
import { MemoryCredentials } from "../../../src/storage/memory/memory-credentials.js";
import { claimsFor, signedBy } from "../../support/key-set.js";
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
    expect(await identified({ id: "ann", expiresAt: 1_800_000_000_000.75 })).toMatchObject({
      expiresAt: 1_800_000_000_000,
    });
    expect(await identified({ id: "ann", expiresAt: Number.POSITIVE_INFINITY })).toMatchObject({
      expiresAt: Number.MAX_SAFE_INTEGER,
    });
  });

  it("[R18] refuses one that is over, or no time at all", async () => {
    expect(await identified({ id: "ann", expiresAt: 1_600_000_000_000 })).toBeUndefined();
    expect(await identified({ id: "ann", expiresAt: Number.NaN })).toBeUndefined();
  });
});

describe("[AUTH-9] ways to come in", () => {
  const runtime = new VirtualRuntime();
  const SECRET = "s".repeat(32);
  const token = (more: JWTPayload = {}) => signedBy(SECRET, claimsFor("ann", more, runtime.now()));

  async function check(): Promise<{ readonly heard: string[]; readonly who: (token: string) => Promise<unknown> }> {
    const heard: string[] = [];
    const store = new MemoryCredentials();
    const credentials = await Credentials.open({ store, runtime, lifetimeMaxMs: 60_000, onFailed: () => undefined });
    const fetchText = (): Promise<string> => Promise.reject(new Error("nothing is fetched"));
    const jwt = new JwtVerifier({ secrets: [SECRET] }, { runtime, fetchText, onKeysFailed: () => undefined });
    const identify = makeAuthenticator({
      authenticate(text) {
        heard.push(text);
        return text.startsWith("key:") ? { id: text } : { id: "hers" };
      },
      ...{ jwt, runtime, credentials: () => credentials, connectTokens: new ConnectTokens(runtime), devTokens: true },
      onFailed: () => undefined,
    });
    const who = async (text: string): Promise<unknown> => {
      const found = await identify(text, { loopback: true });
      return typeof found === "object" ? found.principal.id : found;
    };
    return { heard, who };
  }

  it("are tried in order: the application is asked only about what nobody else knows", async () => {
    const { heard, who } = await check();
    expect(await who("dev:eve")).toBe("eve");
    expect(await who(await token())).toBe("ann");
    for (const own of ["tmk_0", "tmc_0", await token({ exp: 1 }), await token({ aud: "others" })]) {
      expect(await who(own)).toBeUndefined();
    }
    expect(heard).toEqual([]);
    const foreign = await signedBy("o".repeat(32), claimsFor("ann", {}, runtime.now()));
    expect([await who("a cookie"), await who(foreign), await who("")]).toEqual(["hers", "hers", "hers"]);
    expect(heard).toEqual(["a cookie", foreign, ""]);
  });

  it("[AUTH-7] none but API keys make anybody one", async () => {
    const { who } = await check();
    expect([await who("key:root"), await who(await token({ sub: "key:root" }))]).toEqual([undefined, undefined]);
  });
});
