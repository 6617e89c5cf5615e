// What the payload of a verified token says, as an identity. It owns the names of the claims and what they may hold; that
// the signature is right, and the times are, was settled before.
import { type JsonObject, LIMITS } from "@tidemark/protocol";
import type { Identity } from "../document/definition/define-app.js";
import { checkedGrants } from "../document/grants.js";
import { detach } from "../document/recorder/detach.js";

/** A claim is not as it must be; the message names it, and never says what it holds. */
export class ClaimError extends Error {
  override readonly name = "ClaimError";
}

/** `expiresAt` of the identity is the token's `exp` with the leeway. Throws ClaimError. */
export function identityOf(payload: object, leewayMs: number): Identity & { readonly expiresAt: number } {
  // Times are of one token, not of its holder: with them, every refresh would look like other rights.
  const { sub, exp, jti, roles, grants, space, iat, nbf: _begins, ...claims } = named(payload);
  if (typeof exp !== "number" || !Number.isFinite(exp)) throw new ClaimError("it has no `exp`");
  const tokenId = optionalText("jti", jti);
  const tenant = optionalText("space", space);
  return {
    id: subject(sub),
    roles: rolesOf(roles),
    claims: checkedClaims(claims),
    grants: grantsOf(grants),
    expiresAt: exp * 1_000 + leewayMs,
    ...(tenant === undefined ? {} : { space: tenant }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(typeof iat === "number" ? { issuedAt: iat * 1_000 } : {}),
  };
}

/** The claims that mean something here. */
type Named = { readonly [name in "sub" | "exp" | "jti" | "roles" | "grants" | "space" | "iat" | "nbf"]?: unknown };

const named = (payload: object): Named => payload;

/** Handlers get them and views are computed from them: they are held to what any other JSON is (R19). */
function checkedClaims(claims: object): JsonObject {
  try {
    const checked = detach(claims, { depthMax: LIMITS.depthMax, bytesMax: LIMITS.tokenLengthMax });
    if (isObject(checked)) return checked;
  } catch {
    // What it names would be the token's own words.
  }
  throw new ClaimError(`its claims are nested deeper than ${LIMITS.depthMax}, or have a name that is refused`);
}

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null;

function subject(sub: unknown): string {
  const text = optionalText("sub", sub);
  if (text === undefined || text === "") throw new ClaimError("it has no `sub`");
  return text;
}

function optionalText(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.length <= LIMITS.claimLengthMax) return value;
  throw new ClaimError(`its \`${name}\` is not text of at most ${LIMITS.claimLengthMax} characters`);
}

function rolesOf(roles: unknown): readonly string[] {
  if (roles === undefined) return [];
  if (Array.isArray(roles) && roles.every((role) => typeof role === "string")) return roles;
  throw new ClaimError("its `roles` are not a list of text");
}

function grantsOf(grants: unknown): NonNullable<Identity["grants"]> {
  try {
    return checkedGrants(grants);
  } catch (error) {
    throw new ClaimError(`its ${error instanceof Error ? error.message : String(error)}`);
  }
}
