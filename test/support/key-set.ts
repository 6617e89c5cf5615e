// An issuer of tokens: keys of every kind, tokens signed with them as well-behaved issuers do, and tokens put together by
// hand as attackers do.
import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type JWTPayload, SignJWT } from "jose";

/** A pair and its algorithm. */
export interface Pair {
  readonly algorithm: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A fresh pair for an algorithm. */
export function pairFor(algorithm: string): Pair {
  return { algorithm, ...generated(algorithm) };
}

function generated(algorithm: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (/^[RP]S/.test(algorithm)) return generateKeyPairSync("rsa", { modulusLength: 2_048 });
  if (algorithm.startsWith("ES"))
    return generateKeyPairSync("ec", { namedCurve: `P-${algorithm.replace("ES512", "ES521").slice(2)}` });
  return generateKeyPairSync("ed25519");
}

export const pemOf = (key: KeyObject): string =>
  key.export({ format: "pem", type: key.type === "private" ? "pkcs8" : "spki" }).toString();

/** A public key as a key set has it. */
export const jwkOf = ({ publicKey, algorithm }: Pair, fields: object = {}): object => ({
  ...publicKey.export({ format: "jwk" }),
  use: "sig",
  alg: algorithm,
  ...fields,
});

/** Claims that are good for five minutes. */
export const claimsFor = (sub: string, more: JWTPayload = {}, nowMs: number = Date.now()): JWTPayload => ({
  sub,
  iat: Math.floor(nowMs / 1_000),
  exp: Math.floor(nowMs / 1_000) + 300,
  ...more,
});

/** A token as it should be. */
export function signed(
  { algorithm, privateKey }: Pick<Pair, "algorithm" | "privateKey">,
  claims: JWTPayload,
  header: object = {},
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, typ: "JWT", ...header }).sign(privateKey);
}

/** The same with a shared secret. */
export const signedBy = (
  secret: string,
  claims: JWTPayload,
  algorithm = "HS256",
  header: object = {},
): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: algorithm, ...header }).sign(new TextEncoder().encode(secret));

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Whatever header an attacker likes, with no signature, or one by HMAC over any bytes that he knows. */
export function forged(header: object, claims: object, hmacKey?: string | Buffer): string {
  const content = `${base64(header)}.${base64(claims)}`;
  const signature = hmacKey === undefined ? "" : createHmac("sha256", hmacKey).update(content).digest("base64url");
  return `${content}.${signature}`;
}
