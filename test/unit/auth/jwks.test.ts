import { beforeEach, describe, expect, it } from "vitest";
import { RemoteKeys } from "../../../src/auth/jwks.js";
import { jwkOf, type Pair, pairFor } from "../../support/key-set.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const MINUTE_MS = 60_000;
const first = pairFor("ES256");
const second = pairFor("ES256");
const setOf = (...keys: readonly unknown[]): string => JSON.stringify({ keys });
const named = (pair: Pair, kid: string): object => jwkOf(pair, { kid });

let runtime: VirtualRuntime;
let failed: unknown[];
let asked: number;
let answer: () => Promise<string>;
let keys: RemoteKeys;

beforeEach(() => {
  runtime = new VirtualRuntime();
  failed = [];
  asked = 0;
  answer = () => Promise.resolve(setOf(named(first, "a")));
  const fetchText = (): Promise<string> => {
    asked += 1;
    return answer();
  };
  const onFailed = (error: unknown): void => void failed.push(error);
  keys = new RemoteKeys({ url: "https://issuer.example/keys", runtime, fetchText, onFailed });
});

const find = async (kid: string | undefined, algorithm = "ES256"): Promise<readonly (string | undefined)[]> =>
  (await keys.find({ algorithm, kid })).map((key) => key.kid);

describe("[AUTH-5] an issuer's key set", () => {
  it("is asked for once by however many at a time, and kept", async () => {
    expect(await Promise.all([find("a"), find("a"), find("b")])).toEqual([["a"], ["a"], []]);
    expect(asked).toBe(1);
    await runtime.advance(9 * MINUTE_MS);
    expect(await find("a")).toEqual(["a"]);
    expect(asked).toBe(1);
  });

  it("is asked for anew when a token names a key that is not in it, but not faster than each 30 s", async () => {
    await find("a");
    answer = () => Promise.resolve(setOf(named(first, "a"), named(second, "b")));
    for (let attempt = 0; attempt < 100; attempt += 1) expect(await find("b")).toEqual([]);
    expect(asked).toBe(1);
    await runtime.advance(30_000);
    expect(await find("b")).toEqual(["b"]);
    expect(await find("c")).toEqual([]);
    expect(asked).toBe(2);
  });

  it("is refreshed after ten minutes behind the tokens' backs, and a key that is gone is gone", async () => {
    await find("a");
    answer = () => Promise.resolve(setOf(named(second, "b")));
    await runtime.advance(10 * MINUTE_MS);
    expect(await find("a")).toEqual(["a"]);
    await runtime.settle();
    expect(await find("a")).toEqual([]);
  });

  it("is used for a day while the issuer is down, and not longer", async () => {
    await find("a");
    answer = () => Promise.reject(new Error("down"));
    await runtime.advance(23 * 60 * MINUTE_MS);
    expect(await find("a")).toEqual(["a"]);
    await runtime.settle();
    expect(failed).toHaveLength(1);
    await runtime.advance(60 * MINUTE_MS);
    expect(await find("a")).toEqual([]);
    answer = () => Promise.resolve(setOf(named(first, "a")));
    await runtime.advance(5_000);
    expect(await find("a")).toEqual(["a"]);
  });

  it("that does not answer is given up after 5 s, and asked again 5 s later", async () => {
    answer = () => new Promise(() => undefined);
    const waiting = find("a");
    await runtime.advance(5_000);
    expect(await waiting).toEqual([]);
    expect(failed).toMatchObject([{ message: expect.stringContaining("5000 ms") }]);
    answer = () => Promise.resolve(setOf(named(first, "a")));
    expect(await find("a")).toEqual([]);
    await runtime.advance(5_000);
    expect(await find("a")).toEqual(["a"]);
  });

  it.each([
    ["no JSON", "<html>"],
    ["no key set", "{}"],
    ["without a usable key", setOf({ kty: "oct", k: "c2VjcmV0", kid: "a" })],
    ["with too many keys", setOf(...Array.from({ length: 101 }, (_, n) => named(first, `k${n}`)))],
  ])("that is %s leaves the old one as it was", async (_what, text) => {
    await find("a");
    answer = () => Promise.resolve(text);
    await runtime.advance(MINUTE_MS);
    expect(await find("b")).toEqual([]);
    expect(failed).toHaveLength(1);
    expect(await find("a")).toEqual(["a"]);
  });

  it("gives keys for signatures only, each for what it says and is; two of one name are both tried", async () => {
    const odd = [
      { kty: "oct", k: Buffer.alloc(32).toString("base64url"), kid: "a", alg: "HS256" },
      { ...named(second, "a"), use: "enc" },
      { ...second.privateKey.export({ format: "jwk" }), kid: "a" },
      { kty: "EC", crv: "P-256", x: "?", y: "?", kid: "a" },
      { ...named(second, "a"), alg: "ES384" },
      "no key",
      null,
    ];
    answer = () =>
      Promise.resolve(setOf(...odd, named(first, "a"), named(second, "a"), jwkOf(pairFor("RS256"), { kid: "a" })));
    expect(await find("a")).toEqual(["a", "a"]);
    expect(await find("a", "RS256")).toEqual(["a"]);
    expect(await find("a", "HS256")).toEqual([]);
    expect(await find("a", "PS256")).toEqual([]);
    expect(await find(undefined)).toEqual(["a", "a"]);
  });
});
