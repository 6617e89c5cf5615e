// Signs tokens for others to come in with. Which algorithm follows from the key, as it does where tokens are checked.
import { createPrivateKey, type KeyObject } from "node:crypto";
import { type JsonObject, OperatorError } from "@tidemark/protocol";
import { SignJWT } from "jose";
import type { Grant } from "../document/grants.js";
import { uuidV7 } from "../runtime/ids.js";
import type { Runtime } from "../runtime/runtime.js";
import { algorithmsOf, secretKey } from "./verification-key.js";

/** What signs: a shared secret, or a private key in PEM. */
export type SigningKey = { readonly secret: string } | { readonly privateKey: string };

/** What the token says. Its `iat` is now and its `jti` a number of its own, by which it can be revoked. */
export interface TokenContent {
  readonly sub: string;
  readonly ttlMs: number;
  readonly grants?: readonly Grant[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly space?: string | undefined;
  readonly claims?: JsonObject | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

/** A signed token. Throws OperatorError `auth_invalid` for a key that cannot sign. */
export async function signToken(signing: SigningKey, content: TokenContent, runtime: Runtime): Promise<string> {
  const { algorithm, key } = "secret" in signing ? ofSecret(signing.secret) : ofPrivateKey(signing.privateKey);
  const issuedAt = runtime.now() / 1_000;
  const { sub, ttlMs, claims, issuer, audience, ...named } = content;
  const payload = {
    ...claims,
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    sub,
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience }),
    jti: uuidV7(runtime),
    iat: Math.floor(issuedAt),
    exp: Math.floor(issuedAt + ttlMs / 1_000),
  };
  return new SignJWT(payload).setProtectedHeader({ alg: algorithm, typ: "JWT" }).sign(key);
}

interface Signer {
  readonly algorithm: string;
  readonly key: KeyObject | Uint8Array;
}

function ofSecret(secret: string): Signer {
  const { key, algorithms } = secretKey(secret);
  return { algorithm: algorithms[0] ?? "", key };
}

function ofPrivateKey(pem: string): Signer {
  const key = parsed(pem);
  const [algorithm] = key === undefined ? [] : algorithmsOf(key);
  if (key !== undefined && algorithm !== undefined) return { algorithm, key };
  const hint = "Give a private key in PEM without a password: RSA from 2,048 bits, P-256, P-384, P-521 or Ed25519.";
  throw new OperatorError("auth_invalid", "the private key cannot be used", hint);
}

function parsed(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
