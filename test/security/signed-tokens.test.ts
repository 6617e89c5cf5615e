// Attacks on signed tokens, against a running server over real sockets.
import { CLOSE } from "@tidemark/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Issuer } from "../support/issuer.js";
import { claimsFor, forged, jwkOf, pairFor, pemOf, signed, signedBy } from "../support/key-set.js";
import { knock, type SecuredServer, startSecured } from "../support/secured-server.js";

const SECRET = "a secret of the application that nobody else knows of, never";
const ISSUER = "https://login.example";
const AUDIENCE = "notes";
const rsa = pairFor("RS256");
const ec = pairFor("ES256");
const stranger = pairFor("RS256");
const nowS = (): number => Math.floor(Date.now() / 1_000);
const good = (more: object = {}) => claimsFor("ann", { iss: ISSUER, aud: AUDIENCE, ...more });

let server: SecuredServer;
let trap: Issuer;

beforeAll(async () => {
  trap = await Issuer.start();
  trap.publish(jwkOf(stranger, { kid: "mine" }));
  const publicKeys = [rsa, ec].map(({ publicKey }) => pemOf(publicKey));
  server = await startSecured({ jwt: { secrets: [SECRET], publicKeys, issuers: [ISSUER], audiences: [AUDIENCE] } });
});
afterAll(async () => {
  await server.close();
  await trap.close();
});

/** What each attack breaks. */
const ROWS = {
  "AUTH-1": "[S4] [AUTH-1]",
  "AUTH-2": "[S5] [AUTH-2]",
  "AUTH-3": "[S5] [AUTH-3]",
} as const;

/** The same answer whatever was wrong, and no word of why (AUTH-4). */
const TURNED_AWAY = {
  error: {
    ...{ code: "unauthenticated", message: "The token is missing, wrong or out of date." },
    ...{ retry: "reconnect", fault: "caller", about: "hello" },
  },
  closed: CLOSE.unauthenticated,
};

describe("a signed token", () => {
  it("[AUTH-1] [AUTH-3] of each configured key lets its holder in", async () => {
    for (const token of [await signed(rsa, good()), await signed(ec, good()), await signedBy(SECRET, good())]) {
      expect(await knock(server.url, token)).toMatchObject({ welcome: { sub: "ann" } });
    }
  });

  const jwk = rsa.publicKey.export({ format: "jwk" });
  const publicPem = pemOf(rsa.publicKey);
  const cut = async (): Promise<string> => (await signed(rsa, good())).slice(0, -4);
  const swapped = async (): Promise<string> => {
    const [header, , signature] = (await signed(rsa, good())).split(".");
    const payload = Buffer.from(JSON.stringify(good({ sub: "bob" }))).toString("base64url");
    return [header, payload, signature].join(".");
  };
  const attacks: readonly [rule: keyof typeof ROWS, what: string, token: () => string | Promise<string>][] = [
    ["AUTH-1", "nothing at all", () => ""],
    ["AUTH-1", "no JWT", () => "let me in"],
    ["AUTH-1", "two dots and nothing", () => ".."],
    ["AUTH-1", "five parts, as encrypted ones have", () => "a.b.c.d.e"],
    ["AUTH-1", "a header that is no JSON", () => "bm8.bm8.bm8"],
    ["AUTH-1", "a header that is a list", () => forged([], good())],
    ["AUTH-1", "a payload that is a list", async () => forged({ alg: "HS256" }, [], SECRET)],
    ["AUTH-1", "a cut signature", cut],
    ["AUTH-1", "claims of another under the signature of one", swapped],
    ["AUTH-1", "a stranger's key", () => signed(stranger, good())],
    ["AUTH-1", "another secret", () => signedBy("b".repeat(64), good())],
    ["AUTH-1", "the empty secret", () => forged({ alg: "HS256" }, good(), "")],
    ["AUTH-1", "`alg: none` without a signature", () => forged({ alg: "none" }, good())],
    ["AUTH-1", "`alg: None` in another spelling", () => forged({ alg: "nOnE" }, good())],
    ["AUTH-1", "no `alg`", () => forged({}, good(), SECRET)],
    ["AUTH-1", "the public key in PEM as the secret", () => forged({ alg: "HS256" }, good(), publicPem)],
    ["AUTH-1", "the public key without its last line end", () => forged({ alg: "HS256" }, good(), publicPem.trim())],
    [
      "AUTH-1",
      "the public key in DER as the secret",
      () => forged({ alg: "HS256" }, good(), rsa.publicKey.export({ format: "der", type: "spki" })),
    ],
    [
      "AUTH-1",
      "the modulus as the secret",
      () => forged({ alg: "HS256" }, good(), Buffer.from(jwk.n ?? "", "base64url")),
    ],
    [
      "AUTH-1",
      "an RSA signature under the name of a curve",
      async () => {
        const [, payload, signature] = (await signed(rsa, good())).split(".");
        return `${Buffer.from('{"alg":"ES256"}').toString("base64url")}.${payload}.${signature}`;
      },
    ],
    ["AUTH-1", "an HMAC longer than its secret", () => signedBy(SECRET, good(), "HS512")],
    ["AUTH-1", "a `kid` that names a file", () => forged({ alg: "HS256", kid: "../../../dev/null" }, good(), "")],
    ["AUTH-1", "a `kid` with SQL", () => forged({ alg: "HS256", kid: "' UNION SELECT 'k" }, good(), "k")],
    ["AUTH-1", "a `kid` that is no text", () => forged({ alg: "HS256", kid: { a: 1 } }, good(), SECRET)],
    ["AUTH-1", "a `jwk` in the header", () => signed(stranger, good(), { jwk: jwkOf(stranger) })],
    ["AUTH-1", "a `jku` in the header", () => signed(stranger, good(), { jku: trap.url, kid: "mine" })],
    ["AUTH-1", "an `x5u` in the header", () => signed(stranger, good(), { x5u: trap.url })],
    ["AUTH-1", "an `x5c` in the header", () => signed(stranger, good(), { x5c: [pemOf(stranger.publicKey)] })],
    [
      "AUTH-1",
      "a critical header that nobody knows",
      async () => forged({ alg: "HS256", crit: ["exp"], exp: 1 }, good(), SECRET),
    ],
    [
      "AUTH-1",
      "a payload that is not encoded",
      () => forged({ alg: "HS256", b64: false, crit: ["b64"] }, good(), SECRET),
    ],
    ["AUTH-2", "one that has expired", () => signed(rsa, good({ exp: nowS() - 10 }))],
    ["AUTH-2", "one that is not valid yet", () => signed(rsa, good({ nbf: nowS() + 60 }))],
    ["AUTH-2", "one that was issued in the future", () => signed(rsa, good({ iat: nowS() + 60 }))],
    ["AUTH-2", "one that never expires", () => signed(rsa, good({ exp: undefined }))],
    ["AUTH-2", "one that expires in a hundred years", () => signed(rsa, good({ exp: nowS() + 3_155_760_000 }))],
    ["AUTH-2", "another issuer", () => signed(rsa, good({ iss: "https://evil.example" }))],
    ["AUTH-2", "an issuer that begins like ours", () => signed(rsa, good({ iss: `${ISSUER}.evil.example` }))],
    ["AUTH-2", "no issuer", () => signed(rsa, good({ iss: undefined }))],
    ["AUTH-2", "another audience", () => signed(rsa, good({ aud: "billing" }))],
    ["AUTH-2", "no audience", () => signed(rsa, good({ aud: undefined }))],
    ["AUTH-2", "no subject", () => signed(rsa, good({ sub: undefined }))],
    ["AUTH-3", "roles that are no list", () => signed(rsa, good({ roles: { 0: "service", length: 1 } }))],
    ["AUTH-3", "a grant of everything", () => signed(rsa, good({ grants: [{ doc: "*/*", may: ["open"] }] }))],
    [
      "AUTH-3",
      "a grant with a condition nobody knows",
      () => signed(rsa, good({ grants: [{ doc: "note/*", may: ["open"], until: 5 }] })),
    ],
  ];

  for (const [rule, what, token] of attacks) {
    it(`${ROWS[rule]} [AUTH-4] with ${what} is turned away without a reason`, async () => {
      expect(await knock(server.url, await token())).toEqual(TURNED_AWAY);
      expect(trap.asked).toBe(0);
    });
  }

  it("[S7] [AUTH-4] that is refused is explained to the operator, without quoting it", async () => {
    const token = await signed(rsa, good({ exp: nowS() - 10, sub: "somebody-special" }));
    await knock(server.url, token);
    expect(server.log()).toContain('"reason":"it has expired"');
    for (const part of [...token.split("."), "somebody-special", SECRET]) expect(server.log()).not.toContain(part);
  });
});

describe("an issuer's key set", () => {
  const keyed = async (
    run: (issuer: Issuer, url: string) => Promise<void>,
    keys: readonly object[] = [jwkOf(rsa, { kid: "a" })],
  ): Promise<void> => {
    const issuer = await Issuer.start();
    issuer.publish(...keys);
    const guarded = await startSecured({ jwt: { jwks: issuer.url, issuers: [ISSUER], audiences: [AUDIENCE] } });
    try {
      await run(issuer, guarded.url);
    } finally {
      await guarded.close();
      await issuer.close();
    }
  };
  const asA = (kid = "a"): Promise<string> => signed(rsa, good(), { kid });
  const IN = { welcome: { sub: "ann" } };

  it("[S36] [AUTH-5] is fetched once for a crowd of tokens that name keys it does not have", async () => {
    await keyed(async (issuer, url) => {
      const crowd = Array.from({ length: 50 }, async (_, n) => knock(url, await asA(`no-${n}`)));
      expect(await Promise.all(crowd)).toEqual(crowd.map(() => TURNED_AWAY));
      expect(await knock(url, await asA())).toMatchObject(IN);
      expect(issuer.asked).toBe(1);
    });
  });

  it("[S36] [AUTH-5] that is down afterwards goes on serving those it has named", async () => {
    await keyed(async (issuer, url) => {
      expect(await knock(url, await asA())).toMatchObject(IN);
      issuer.answer = (request) => void request.socket.destroy();
      expect(await knock(url, await asA())).toMatchObject(IN);
      expect(await knock(url, await asA("b"))).toEqual(TURNED_AWAY);
    });
  });

  it("[S36] [AUTH-1] has no secrets: one that is published signs nothing", async () => {
    const secret = "x".repeat(64);
    const published = { kty: "oct", k: Buffer.from(secret).toString("base64url"), kid: "a", alg: "HS256" };
    const attempt = async (_issuer: Issuer, url: string): Promise<void> => {
      expect(await knock(url, await signedBy(secret, good(), "HS256", { kid: "a" }))).toEqual(TURNED_AWAY);
      expect(await knock(url, await signed(ec, good(), { kid: "b" }))).toMatchObject(IN);
    };
    await keyed(attempt, [published, jwkOf(ec, { kid: "b" })]);
  });

  it("[S36] [AUTH-5] with two keys of one name tries both, and no other", async () => {
    const attempt = async (_issuer: Issuer, url: string): Promise<void> => {
      expect(await knock(url, await asA())).toMatchObject(IN);
      expect(await knock(url, await signed(ec, good(), { kid: "a" }))).toEqual(TURNED_AWAY);
    };
    await keyed(attempt, [jwkOf(stranger, { kid: "a" }), jwkOf(rsa, { kid: "a" }), jwkOf(ec, { kid: "c" })]);
  });

  const misbehaviours: readonly [what: string, says: string, answer: Issuer["answer"]][] = [
    ["huge", "longer than 262144 bytes", (_request, response) => void pour(response)],
    ["down", "", (request) => void request.socket.destroy()],
    ["somewhere else", "", (_request, response) => void response.writeHead(302, { location: trap.url }).end()],
    ["a page of HTML", "JSON", (_request, response) => void response.end("<html>sign in</html>")],
    ["an error", "status 500", (_request, response) => void response.writeHead(500).end()],
  ];
  for (const [what, says, answer] of misbehaviours) {
    it(`[S36] [AUTH-5] that is ${what} keeps everybody out and the server up`, async () => {
      const issuer = await Issuer.start();
      issuer.answer = answer;
      const guarded = await startSecured({ jwt: { jwks: issuer.url, issuers: [ISSUER], audiences: [AUDIENCE] } });
      expect(await knock(guarded.url, await asA())).toEqual(TURNED_AWAY);
      expect(await knock(guarded.url, await signed(stranger, good(), { kid: "mine" }))).toEqual(TURNED_AWAY);
      expect(guarded.log()).toContain("the key set of the issuer cannot be had");
      expect(guarded.log()).toContain(says);
      expect(trap.asked).toBe(0);
      await guarded.close();
      await issuer.close();
    });
  }
});

/** Says more than anybody should listen to, until nobody does. */
function pour(response: Parameters<Issuer["answer"]>[1]): void {
  const more = (): void => {
    while (!response.destroyed && response.write(" ".repeat(65_536)));
  };
  response.on("drain", more).on("error", () => undefined);
  more();
}
