import { TidemarkError } from "@tidemark/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeKey } from "../../../src/auth/api-key.js";
import { ConnectTokens } from "../../../src/auth/connect-tokens.js";
import type { StoredKey } from "../../../src/auth/credential-store.js";
import { Credentials } from "../../../src/auth/credentials.js";
import { requirePower } from "../../../src/auth/powers.js";
import type { Identified } from "../../../src/session/identity.js";
import { MemoryCredentials } from "../../../src/storage/memory/memory-credentials.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const DAY_MS = 86_400_000;
const GRANTS = [{ doc: "board/*", may: ["open"] as const }];

let runtime: VirtualRuntime;
let store: MemoryCredentials;
let credentials: Credentials;
let withdrawn: number;
const failed: unknown[] = [];

const open = (): Promise<Credentials> =>
  Credentials.open({ store, runtime, lifetimeMaxMs: DAY_MS, onFailed: (error) => void failed.push(error) });

beforeEach(async () => {
  runtime = new VirtualRuntime();
  store = new MemoryCredentials();
  credentials = await open();
  withdrawn = 0;
  credentials.onWithdrawn(() => {
    withdrawn += 1;
  });
});
afterEach(() => expect(failed.splice(0)).toEqual([]));

const newKey = (fields: Partial<StoredKey> = {}): ReturnType<typeof makeKey> =>
  makeKey(runtime, { name: "ops", space: "", grants: GRANTS, powers: [], expiresAt: undefined, ...fields });

const someone = (fields: Partial<Identified> = {}): Identified => ({
  ...{ principal: { id: "ann", roles: [], claims: {} }, space: "", expiresAt: runtime.now() + DAY_MS },
  ...fields,
});

describe("[AUTH-7] API keys", () => {
  it("made and withdrawn by another process count within 5 s", async () => {
    const { token, stored } = newKey();
    store.replaceKeys([stored]);
    await runtime.advance(5_000);
    const holder = credentials.holder(token);
    expect(holder).toMatchObject({
      ...{ principal: { id: "key:ops", roles: ["service"] }, grants: GRANTS, scope: GRANTS, keyId: stored.id },
    });
    store.replaceKeys([]);
    withdrawn = 0;
    await runtime.advance(5_000);
    expect(withdrawn).toBe(1);
    expect(holder !== undefined && credentials.isOver(holder)).toBe(true);
    expect(credentials.holder(token)).toBeUndefined();
  });

  it("are two while one replaces the other, and the old one ends by itself, with what rests on it", async () => {
    const [old, fresh] = [newKey(), newKey()];
    store.replaceKeys([{ ...old.stored, expiresAt: runtime.now() + 60_000 }, fresh.stored]);
    await runtime.advance(5_000);
    const holder = credentials.holder(old.token);
    expect([holder, credentials.holder(fresh.token)].map((one) => one?.principal.id)).toEqual(["key:ops", "key:ops"]);
    withdrawn = 0;
    await runtime.advance(60_000);
    expect(withdrawn).toBe(1);
    expect(credentials.holder(old.token)).toBeUndefined();
    expect(holder !== undefined && credentials.isOver(holder)).toBe(true);
    expect(credentials.holder(fresh.token)).toBeDefined();
  });

  it("are noted as used, at most once a minute, and when the server stops", async () => {
    const { token, stored } = newKey();
    store.replaceKeys([stored]);
    const usedAt = (): number | undefined => store.keys[0]?.usedAt;
    await runtime.advance(2_000);
    credentials.holder(token);
    const first = runtime.now();
    await runtime.advance(2_000);
    expect(usedAt()).toBe(first);
    credentials.holder(token);
    const second = runtime.now();
    await runtime.advance(2_000);
    expect(usedAt()).toBe(first);
    await credentials.stop();
    expect(usedAt()).toBe(second);
  });

  it("without a power may neither make tokens nor revoke any; a service that is no key may", () => {
    const holder = someone({ powers: ["tokens"], principal: { id: "key:ops", roles: ["service"], claims: {} } });
    expect(() => requirePower(holder, "revocations")).toThrow(TidemarkError);
    expect(() => requirePower(someone(), "tokens")).toThrow(TidemarkError);
    expect(() => requirePower(holder, "tokens")).not.toThrow();
    const service = someone({ principal: { id: "jobs", roles: ["service"], claims: {} } });
    expect(() => requirePower(service, "revocations")).not.toThrow();
  });
});

describe("[AUTH-6] a revocation", () => {
  it("of a subject is of what was issued until then, in that space, and of what does not say when it was issued", async () => {
    const before = someone({ issuedAt: runtime.now() - 1_000 });
    const now = someone({ issuedAt: runtime.now() });
    const silent = someone();
    expect([before, now, silent].some((one) => credentials.isOver(one))).toBe(false);
    await credentials.revoke({ sub: "ann" }, { space: "" });
    expect(withdrawn).toBe(1);
    expect([before, now, silent].every((one) => credentials.isOver(one))).toBe(true);
    const later = [someone({ issuedAt: runtime.now() + 1 }), someone({ space: "north" })];
    const other = someone({ principal: { id: "bob", roles: [], claims: {} } });
    expect([...later, other].some((one) => credentials.isOver(one))).toBe(false);
  });

  it("of a number is of that token, whoever has it", async () => {
    await credentials.revoke({ jti: "t1" }, { space: "" });
    expect(credentials.isOver(someone({ tokenId: "t1" }))).toBe(true);
    expect(credentials.isOver(someone({ tokenId: "t2" }))).toBe(false);
    expect(credentials.isOver(someone({ principal: { id: "t1", roles: [], claims: {} } }))).toBe(false);
  });

  it("survives a restart, for as long as a token can live or as it is told, and no longer", async () => {
    await credentials.revoke({ sub: "ann" }, { space: "" });
    await credentials.revoke({ jti: "short" }, { space: "", untilMs: runtime.now() + 60_000 });
    await credentials.stop();
    store.replaceKeys([]);
    credentials = await open();
    expect(credentials.isOver(someone())).toBe(true);
    await runtime.advance(60_000);
    expect(credentials.isOver(someone({ tokenId: "short", issuedAt: runtime.now() }))).toBe(false);
    expect(credentials.isOver(someone())).toBe(true);
    await runtime.advance(DAY_MS);
    expect(credentials.isOver(someone())).toBe(false);
  });

  it("is never shortened by another, nor by what storage knew before", async () => {
    await credentials.revoke({ sub: "ann" }, { space: "" });
    await credentials.revoke({ sub: "ann" }, { space: "", untilMs: runtime.now() + 1 });
    store.replaceKeys([]);
    await runtime.advance(5_000);
    expect(credentials.isOver(someone())).toBe(true);
  });

  it("is in force though it could not be stored, and whoever asked hears that", async () => {
    store.revoke = () => Promise.reject(new Error("the disk is gone"));
    await expect(credentials.revoke({ sub: "ann" }, { space: "" })).rejects.toThrow("the disk is gone");
    expect(credentials.isOver(someone())).toBe(true);
  });

  it("goes on being looked for when storage does not answer for a while", async () => {
    const { stored, token } = newKey();
    const read = store.credentials.bind(store);
    store.credentials = () => Promise.reject(new Error("recovering"));
    await runtime.advance(4_000);
    expect(failed.splice(0)).not.toEqual([]);
    store.credentials = read;
    store.replaceKeys([stored]);
    await runtime.advance(5_000);
    expect(credentials.holder(token)).toBeDefined();
  });
});

describe("[AUTH-8] a connect token", () => {
  const asker = (fields: Partial<Identified> = {}): Identified => someone({ scope: GRANTS, keyId: "k1", ...fields });

  it("lets in once, whom and how it was made for, no further than its maker reaches", () => {
    const tokens = new ConnectTokens(runtime);
    const request = { sub: "ann", roles: ["editor"], claims: { team: 7 }, grants: GRANTS, sessionMs: 60_000 };
    const made = tokens.make(request, asker({ space: "north" }));
    expect(made).toMatchObject({ useBefore: runtime.now() + 30_000, expiresAt: runtime.now() + 60_000 });
    expect(tokens.take(made.token)).toMatchObject({
      principal: { id: "ann", roles: ["editor"], claims: { team: 7 } },
      ...{ space: "north", grants: GRANTS, scope: GRANTS, powers: [], keyId: "k1", expiresAt: runtime.now() + 60_000 },
    });
    expect(tokens.take(made.token)).toBeUndefined();
    expect(tokens.take("tmc_nobody")).toBeUndefined();
  });

  it("is refused when its time is over, and bounds are kept", async () => {
    const tokens = new ConnectTokens(runtime);
    const { token } = tokens.make({ sub: "ann", withinMs: 1_000 }, asker());
    await runtime.advance(1_000);
    expect(tokens.take(token)).toBeUndefined();
    const { useBefore, expiresAt } = tokens.make({ sub: "ann", withinMs: DAY_MS, sessionMs: 9 * DAY_MS }, asker());
    expect([useBefore - runtime.now(), expiresAt - runtime.now()]).toEqual([300_000, DAY_MS]);
  });

  it("is not made for an API key, for nobody, or for more than its maker has", () => {
    const tokens = new ConnectTokens(runtime);
    for (const sub of ["", "key:ops", "x".repeat(257)]) {
      expect(() => tokens.make({ sub }, asker())).toThrow(expect.objectContaining({ code: "invalid_input" }));
    }
    for (const grant of [
      { doc: "board/*", may: ["open", "call"] as const },
      { doc: "boards/*", may: ["open"] as const },
    ]) {
      expect(() => tokens.make({ sub: "ann", grants: [grant] }, asker())).toThrow(
        expect.objectContaining({ code: "denied" }),
      );
    }
    const narrower = [{ doc: "board/4*", may: ["open"] as const }];
    expect(tokens.make({ sub: "ann", grants: narrower }, asker()).token).toMatch(/^tmc_[\w-]{43}$/);
  });

  it("[R14] waits in bounded numbers; those that are over make room", async () => {
    const tokens = new ConnectTokens(runtime);
    for (let n = 0; n < 65_536; n += 1) tokens.make({ sub: "ann" }, asker());
    expect(() => tokens.make({ sub: "ann" }, asker())).toThrow(expect.objectContaining({ code: "limit_reached" }));
    await runtime.advance(30_000);
    expect(() => tokens.make({ sub: "ann" }, asker())).not.toThrow();
  });
});
