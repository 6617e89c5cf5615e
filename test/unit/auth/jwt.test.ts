import { describe, expect, it } from "vitest";
import { type JwtOptions, type JwtVerdict, JwtVerifier } from "../../../src/auth/jwt.js";
import { signToken } from "../../../src/auth/sign-token.js";
import { claimsFor, pairFor, pemOf, signed, signedBy } from "../../support/key-set.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const SECRET = "s".repeat(64);
const runtime = new VirtualRuntime();
const NOW_S = runtime.now() / 1_000;

function verifier(options: JwtOptions): JwtVerifier {
  const fetchText = (): Promise<string> => Promise.reject(new Error("nothing is fetched"));
  return new JwtVerifier(options, { runtime, fetchText, onKeysFailed: () => undefined });
}

const verdict = (token: string, options: JwtOptions = { secrets: [SECRET] }): Promise<JwtVerdict> =>
  verifier(options).verify(token);

const claims = (more: object = {}) => claimsFor("ann", { ...more }, runtime.now());

describe("[AUTH-1] keys and algorithms", () => {
  it.each(["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"])(
    "%s by a public key of its kind",
    async (algorithm) => {
      const pair = pairFor(algorithm);
      const publicKeys = [pemOf(pair.publicKey)];
      expect(await verdict(await signed(pair, claims()), { publicKeys })).toMatchObject({
        kind: "accepted",
        identity: { id: "ann" },
      });
      const other = { ...pairFor(algorithm), algorithm };
      expect(await verdict(await signed(other, claims()), { publicKeys })).toMatchObject({ kind: "foreign" });
    },
  );

  it.each([
    ["HS256", 32],
    ["HS384", 48],
    ["HS512", 64],
  ])("%s by a secret of %d bytes or more, and not by a shorter one", async (algorithm, bytes) => {
    const secret = "s".repeat(bytes);
    const token = await signedBy(secret, claims(), algorithm);
    expect(await verdict(token, { secrets: [secret] })).toMatchObject({ kind: "accepted" });
    if (bytes === 32) return;
    const shorter = "s".repeat(bytes - 1);
    const weak = await signedBy(shorter, claims(), algorithm);
    expect(await verdict(weak, { secrets: [shorter] })).toMatchObject({ kind: "foreign" });
  });

  it("several keys at a time, while one is being replaced", async () => {
    const options = { secrets: ["o".repeat(32), "n".repeat(32)] };
    for (const secret of options.secrets) {
      expect(await verdict(await signedBy(secret, claims()), options)).toMatchObject({ kind: "accepted" });
    }
  });

  it("what `tidemark token` signs, by each kind of key", async () => {
    const content = { sub: "ann", ttlMs: 60_000, roles: ["editor"], space: "north" };
    const expected = { kind: "accepted", identity: { id: "ann", roles: ["editor"], space: "north" } };
    const token = await signToken({ secret: SECRET }, content, runtime);
    expect(await verdict(token)).toMatchObject(expected);
    for (const algorithm of ["RS256", "ES256", "EdDSA"]) {
      const { publicKey, privateKey } = pairFor(algorithm);
      const signedToken = await signToken({ privateKey: pemOf(privateKey) }, content, runtime);
      expect(await verdict(signedToken, { publicKeys: [pemOf(publicKey)] })).toMatchObject(expected);
    }
  });

  it.each<[string, JwtOptions, RegExp]>([
    ["a short secret", { secrets: ["short"] }, /5 bytes/],
    ["a public key as the secret", { secrets: [pemOf(pairFor("RS256").publicKey)] }, /in PEM/],
    ["a private key as the public one", { publicKeys: [pemOf(pairFor("ES256").privateKey)] }, /a private one/],
    ["what is no key", { publicKeys: ["nothing"] }, /cannot be used/],
    ["no key at all", { issuers: ["me"] }, /no key is given/],
    ["a key set over plain HTTP", { jwks: "http://issuer.example/keys", issuers: ["a"], audiences: ["b"] }, /https/],
    ["a key set for everybody", { jwks: "https://issuer.example/keys" }, /without an issuer and an audience/],
  ])("refuses to start with %s, and never says the key", (_what, options, says) => {
    const failure = (): JwtVerifier => verifier(options);
    expect(failure).toThrow(expect.objectContaining({ code: "auth_invalid", message: expect.stringMatching(says) }));
    expect(failure).not.toThrow(/short|nothing|BEGIN/);
  });
});

describe("[AUTH-2] claims that are checked", () => {
  const options: JwtOptions = { secrets: [SECRET], issuers: ["https://us"], audiences: ["notes"] };
  const good = { iss: "https://us", aud: ["other", "notes"] };
  const cases: readonly [string, object, string | undefined][] = [
    ["all as configured", {}, undefined],
    ["no `sub`", { sub: undefined }, "it has no `sub`"],
    ["an empty `sub`", { sub: "" }, "it has no `sub`"],
    ["no `exp`", { exp: undefined }, "it has no `exp`"],
    ["an expired one", { exp: NOW_S - 4 }, "it has expired"],
    ["one that expired within the leeway", { exp: NOW_S - 2 }, undefined],
    ["`exp` as text", { exp: String(NOW_S + 60) }, "its `exp` is not what is configured"],
    ["`exp` in ms, by mistake", { exp: runtime.now() + 60_000 }, "its `exp` lies too far in the future"],
    ["one that is not valid yet", { nbf: NOW_S + 4 }, "it is not valid yet"],
    ["one that is valid in a moment", { nbf: NOW_S + 2 }, undefined],
    ["an `iat` in the future", { iat: NOW_S + 4 }, "its `iat` lies in the future"],
    ["no `iss`", { iss: undefined }, "it has no `iss`"],
    ["another `iss`", { iss: "https://them" }, "its `iss` is not what is configured"],
    ["no `aud`", { aud: undefined }, "it has no `aud`"],
    ["another `aud`", { aud: "other" }, "its `aud` is not what is configured"],
    ["roles that are none", { roles: "admin" }, "its `roles` are not a list of text"],
    ["a space that is none", { space: 7 }, "its `space` is not text of at most 256 characters"],
    [
      "grants that are none",
      { grants: [{ doc: "*", may: [] }] },
      "its grants[0].doc must be type/key, where the key may end in *",
    ],
  ];

  it.each(cases)("%s", async (_what, more, reason) => {
    const found = await verdict(await signedBy(SECRET, claims({ ...good, ...more })), options);
    expect(found).toMatchObject(reason === undefined ? { kind: "accepted" } : { kind: "refused", reason });
  });

  it("an `aud` when none is configured is for somebody else, and `*` is for anybody", async () => {
    const token = await signedBy(SECRET, claims({ aud: "them" }));
    expect(await verdict(token)).toEqual({ kind: "refused", reason: "it has an `aud`, and none is configured" });
    expect(await verdict(token, { secrets: [SECRET], audiences: ["*"] })).toMatchObject({ kind: "accepted" });
  });

  it("a token that says it is something else is no access token", async () => {
    const token = await signedBy(SECRET, claims(), "HS256", { typ: "logout+jwt" });
    expect(await verdict(token)).toMatchObject({ kind: "refused", reason: expect.stringContaining("`typ`") });
  });
});

describe("[AUTH-3] what claims mean", () => {
  it("those with a meaning are taken, times are dropped, the rest is `claims`", async () => {
    const grants = [{ doc: "note/*", may: ["open"] }];
    const more = { jti: "t1", roles: ["editor"], grants, space: "north", nbf: NOW_S - 1, iss: "us", team: { id: 7 } };
    expect(await verdict(await signedBy(SECRET, claims(more)))).toEqual({
      kind: "accepted",
      identity: {
        ...{ id: "ann", roles: ["editor"], grants, space: "north", claims: { iss: "us", team: { id: 7 } } },
        ...{ tokenId: "t1", issuedAt: Math.floor(NOW_S) * 1_000 },
        expiresAt: (Math.floor(NOW_S) + 300) * 1_000 + 3_000,
      },
    });
  });

  it("[R19] claims that nothing else could hold refuse the token", async () => {
    let deep: object = {};
    for (let depth = 0; depth < 70; depth += 1) deep = { deep };
    expect(await verdict(await signedBy(SECRET, claims({ deep })))).toMatchObject({ kind: "refused" });
    const polluting = JSON.parse('{"x":{"__proto__":{"roles":["admin"]}}}');
    expect(await verdict(await signedBy(SECRET, claims(polluting)))).toMatchObject({ kind: "refused" });
  });
});
