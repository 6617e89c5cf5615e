// A key that signatures are checked with, and which algorithms it is for. The algorithms follow from what the key is, and
// never from what a token says: so a public key cannot be taken for a secret, and "none" is no algorithm of any key.
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { OperatorError } from "@tidemark/protocol";

/** A key and the algorithms (RFC 7518, 8037) that a token signed for it may name. */
export interface VerificationKey {
  /** Its name among the keys of a set. One without a name is meant by every token. */
  readonly kid: string | undefined;
  readonly algorithms: readonly string[];
  readonly key: KeyObject | Uint8Array;
}

const SECRET_BYTES_MIN = 32;
const RSA_BITS_MIN = 2_048;
/** Checking a signature must stay cheap. */
const RSA_BITS_MAX = 8_192;

const RSA_PSS = ["PS256", "PS384", "PS512"] as const;
const RSA = ["RS256", "RS384", "RS512", ...RSA_PSS] as const;
/** "EdDSA" is the older name (RFC 8037), "Ed25519" the fully specified one (RFC 9864). */
const ED25519 = ["EdDSA", "Ed25519"] as const;
const CURVES: { readonly [curve: string]: readonly string[] } = {
  prime256v1: ["ES256"],
  secp384r1: ["ES384"],
  secp521r1: ["ES512"],
};

const SECRET_HINT = "Make one with `openssl rand -base64 48`, and keep it in a file that only the server can read.";
const PUBLIC_HINT = "Give a public key in PEM: RSA of 2,048 to 8,192 bits, P-256, P-384, P-521 or Ed25519.";

/** A shared secret. A key must be as long as its hash (RFC 7518, 3.2). Throws OperatorError `auth_invalid`. */
export function secretKey(secret: string): VerificationKey {
  // Whoever knows the public key could sign with it.
  if (secret.includes("-----BEGIN")) {
    throw new OperatorError("auth_invalid", "the JWT secret is a key in PEM", "Give it as the public key instead.");
  }
  const key = new TextEncoder().encode(secret);
  if (key.length < SECRET_BYTES_MIN) {
    const message = `the JWT secret has ${key.length} bytes, and less than ${SECRET_BYTES_MIN} can be guessed`;
    throw new OperatorError("auth_invalid", message, SECRET_HINT);
  }
  const algorithms = [256, 384, 512].filter((bits) => key.length * 8 >= bits).map((bits) => `HS${bits}`);
  return { kid: undefined, algorithms, key };
}

/** A public key, or a certificate, in PEM. Throws OperatorError `auth_invalid`. */
export function publicKey(pem: string): VerificationKey {
  if (pem.includes("PRIVATE KEY-----")) {
    throw new OperatorError("auth_invalid", "the JWT public key is a private one", `${PUBLIC_HINT} Keep the other.`);
  }
  const key = parsed(() => createPublicKey(pem));
  const algorithms = key === undefined ? [] : algorithmsOf(key);
  if (key === undefined || algorithms.length === 0) {
    throw new OperatorError("auth_invalid", "the JWT public key cannot be used", PUBLIC_HINT);
  }
  return { kid: undefined, algorithms, key };
}

/** A key of a key set (RFC 7517); undefined for one that is not for signatures, or of a kind that is not taken. */
export function keyOfSet(jwk: unknown): VerificationKey | undefined {
  if (!isJwk(jwk)) return undefined;
  const { kid, use, key_ops: operations, alg } = jwk;
  if (kid !== undefined && typeof kid !== "string") return undefined;
  if (use !== undefined && use !== "sig") return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return undefined;
  // A secret, or a private key, that everybody can fetch proves nothing.
  if (jwk.kty === "oct" || "d" in jwk) return undefined;
  const key = parsed(() => createPublicKey({ key: jwk, format: "jwk" }));
  const algorithms = key === undefined ? [] : algorithmsOf(key).filter((name) => alg === undefined || name === alg);
  return key === undefined || algorithms.length === 0 ? undefined : { kid, algorithms, key };
}

/** What signatures of a key, private or public, are made with; the usual one first. Empty: of a kind that is not taken. */
export function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): readonly string[] {
  const { modulusLength: bits = 0, namedCurve = "" } = asymmetricKeyDetails;
  const fits = bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
  switch (asymmetricKeyType) {
    case "rsa":
      return fits ? RSA : [];
    case "rsa-pss":
      return fits ? RSA_PSS : [];
    case "ec":
      return CURVES[namedCurve] ?? [];
    case "ed25519":
      return ED25519;
    default:
      return [];
  }
}

function parsed(parse: () => KeyObject): KeyObject | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

const isJwk = (value: unknown): value is JsonWebKey => typeof value === "object" && value !== null && "kty" in value;
