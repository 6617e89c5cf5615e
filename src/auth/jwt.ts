// Decides about JSON Web Tokens (RFC 7519, 8725): whether one was signed with a key that is configured, and whether it is
// meant for this server and in force. Keys come from the configuration alone; whatever a token says of where its key is to
// be found is ignored.
import { LIMITS, OperatorError } from "@tidemark/protocol";
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Identity } from "../document/definition/define-app.js";
import type { Runtime } from "../runtime/runtime.js";
import type { FetchText } from "./fetch-text.js";
import { RemoteKeys } from "./jwks.js";
import { ClaimError, identityOf } from "./jwt-claims.js";
import { publicKey, secretKey, type VerificationKey } from "./verification-key.js";

/** Which tokens are accepted. Keys of all kinds may be given together. */
export interface JwtOptions {
  /** Shared secrets, of at least 32 bytes: HS256, and with 48 and 64 bytes HS384 and HS512. */
  readonly secrets?: readonly string[];
  /** Public keys in PEM: RS, PS, ES and EdDSA, whichever the key is for. */
  readonly publicKeys?: readonly string[];
  /** Address of an issuer's key set. Needs `issuers` and `audiences`. */
  readonly jwks?: string;
  /** `iss` must be one of them. Without it, any issuer that has a key. */
  readonly issuers?: readonly string[];
  /** `aud` must name one of them; `*` is any. Without it, a token that names an audience is not meant for this server. */
  readonly audiences?: readonly string[];
  /** How far the issuer's clock may differ; default 3,000 ms. */
  readonly leewayMs?: number;
  /** Tokens with more time left than this are refused, and revocations kept so long; default 31 days. */
  readonly lifetimeMaxMs?: number;
}

/** What becomes of a token. */
export type JwtVerdict =
  | { readonly kind: "accepted"; readonly identity: Identity & { readonly expiresAt: number } }
  /** One of the keys signed it, and it is not good all the same. `reason` never quotes the token. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It is no JWT, or none of the keys signed it. */
  | { readonly kind: "foreign"; readonly reason: string };

export interface JwtParts {
  readonly runtime: Runtime;
  readonly fetchText: FetchText;
  /** The key set could not be had. */
  readonly onKeysFailed: (error: unknown) => void;
}

/** `typ` of an access token; others say that a token signed with the same key is something else (RFC 8725, 3.11). */
const TYPES: ReadonlySet<string> = new Set(["jwt", "application/jwt", "at+jwt", "application/at+jwt"]);

const foreign = (reason: string): JwtVerdict => ({ kind: "foreign", reason });
const refused = (reason: string): JwtVerdict => ({ kind: "refused", reason });

/** Checks tokens against one configuration. */
export class JwtVerifier {
  readonly #runtime: Runtime;
  readonly #keys: readonly VerificationKey[];
  readonly #remote: RemoteKeys | undefined;
  readonly #rules: Rules;

  /** Throws OperatorError `auth_invalid`. */
  constructor(options: JwtOptions, { runtime, fetchText, onKeysFailed }: JwtParts) {
    this.#runtime = runtime;
    this.#rules = rulesOf(options);
    this.#keys = [...(options.secrets ?? []).map(secretKey), ...(options.publicKeys ?? []).map(publicKey)];
    const { jwks } = options;
    if (jwks === undefined && this.#keys.length === 0)
      throw unusable("no key is given that tokens could be checked with");
    if (jwks === undefined) return;
    this.#remote = new RemoteKeys({ url: keySetAddress(jwks, options), runtime, fetchText, onFailed: onKeysFailed });
    // So that the first token need not wait, and a wrong address is noticed before it.
    void this.#remote.load();
  }

  /** Never rejects. */
  async verify(token: string): Promise<JwtVerdict> {
    const header = headerOf(token);
    if (header === undefined) return foreign("it is no JWT");
    const candidates = await this.#candidates(header);
    if (candidates.length === 0) return foreign("no key is configured for its algorithm and `kid`");
    for (const candidate of candidates) {
      const verdict = await this.#checkWith(candidate, token);
      if (verdict.kind !== "foreign") return verdict;
    }
    return foreign("its signature is not by a key that is configured");
  }

  async #candidates({ algorithm, kid }: Header): Promise<readonly VerificationKey[]> {
    const own = this.#keys.filter(({ algorithms }) => algorithms.includes(algorithm));
    // Secrets are never asked for: an issuer's key set has none.
    if (this.#remote === undefined || algorithm.startsWith("HS")) return own;
    return [...own, ...(await this.#remote.find({ algorithm, kid }))];
  }

  async #checkWith({ key, algorithms }: VerificationKey, token: string): Promise<JwtVerdict> {
    const now = this.#runtime.now();
    const { leewayMs, issuer, audience } = this.#rules;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, key, {
        algorithms: [...algorithms],
        currentDate: new Date(now),
        clockTolerance: leewayMs / 1_000,
        requiredClaims: ["exp", "sub"],
        ...(issuer === undefined ? {} : { issuer: [...issuer] }),
        ...(audience === undefined || audience === "any" ? {} : { audience: [...audience] }),
      });
      if (!isType(protectedHeader.typ)) return refused("its `typ` says that it is no access token");
      return this.#judge(payload, now);
    } catch (error) {
      return verdictOf(error);
    }
  }

  /** What the library does not look at. */
  #judge(payload: JWTPayload, now: number): JwtVerdict {
    const { leewayMs, lifetimeMaxMs, audience } = this.#rules;
    // RFC 7519, 4.1.3: whoever is not among those that it names must reject it.
    if (audience === undefined && payload.aud !== undefined) return refused("it has an `aud`, and none is configured");
    const { iat } = payload;
    if (iat !== undefined && !(iat * 1_000 <= now + leewayMs)) return refused("its `iat` lies in the future");
    const identity = identityOf(payload, leewayMs);
    if (identity.expiresAt > now + lifetimeMaxMs + leewayMs) return refused("its `exp` lies too far in the future");
    return { kind: "accepted", identity };
  }
}

interface Header {
  readonly algorithm: string;
  readonly kid: string | undefined;
}

function headerOf(token: string): Header | undefined {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (typeof alg !== "string" || (kid !== undefined && typeof kid !== "string")) return undefined;
    return token.split(".").length === 3 ? { algorithm: alg, kid } : undefined;
  } catch {
    return undefined;
  }
}

const isType = (typ: unknown): boolean =>
  typ === undefined || (typeof typ === "string" && TYPES.has(typ.toLowerCase()));

function verdictOf(error: unknown): JwtVerdict {
  if (error instanceof ClaimError) return refused(error.message);
  if (error instanceof errors.JWTExpired) return refused("it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) return refused(claimFault(error));
  if (error instanceof errors.JWSSignatureVerificationFailed) return foreign("its signature does not fit");
  return foreign("it is no JWT of a form that is accepted");
}

function claimFault({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === "missing") return `it has no \`${claim}\``;
  return claim === "nbf" ? "it is not valid yet" : `its \`${claim}\` is not what is configured`;
}

interface Rules {
  readonly issuer: readonly string[] | undefined;
  readonly audience: readonly string[] | "any" | undefined;
  readonly leewayMs: number;
  readonly lifetimeMaxMs: number;
}

function rulesOf({ issuers, audiences, leewayMs, lifetimeMaxMs }: JwtOptions): Rules {
  const audience = audiences?.includes("*") === true ? "any" : audiences;
  return {
    issuer: issuers,
    audience,
    leewayMs: leewayMs ?? LIMITS.tokenLeewayMs,
    lifetimeMaxMs: lifetimeMaxMs ?? LIMITS.tokenLifetimeMaxMs,
  };
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** An issuer's keys sign for all of its applications, so whose tokens are meant, and for whom, must be said. */
function keySetAddress(text: string, { issuers, audiences }: JwtOptions): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !(url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname)))) {
    throw unusable("the address of the key set does not begin with https://, so anybody on the way could give keys");
  }
  if (issuers === undefined || audiences === undefined) {
    throw unusable("a key set is given without an issuer and an audience, so tokens for others would be accepted too");
  }
  return url.href;
}

const unusable = (message: string): OperatorError => new OperatorError("auth_invalid", message, HINT);
const HINT = "Give --jwt-secret, --jwt-public-key, or --jwks with --jwt-issuer and --jwt-audience; see docs/AUTH.md.";
