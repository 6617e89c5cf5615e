// Turns a token into an identity: the names that `dev` accepts from this machine, API keys, connect tokens, tokens that are
// signed with a configured key, and whatever else the application's own `authenticate` knows, in this order. A herd is not
// passed on to whoever the application asks: so many are checked at a time. It never logs a token and never tells its
// sender why it was refused.
import { CHANNEL_TYPE, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { Identity } from "../document/definition/define-app.js";
import { checkedGrants, type Grant } from "../document/grants.js";
import type { Runtime } from "../runtime/runtime.js";
import { Turns } from "../runtime/turns.js";
import type { Identified, IdentityCheck, TokenSource } from "../session/identity.js";
import { KEY_SUBJECT, looksLikeKey } from "./api-key.js";
import { type ConnectTokens, looksLikeConnectToken } from "./connect-tokens.js";
import type { Credentials } from "./credentials.js";
import type { JwtVerifier } from "./jwt.js";

/** What an authenticator is made of. */
export interface AuthenticatorParts {
  readonly authenticate: Authenticate | undefined;
  /** Decides about tokens that are signed with a configured key; the application is not asked about those. */
  readonly jwt?: JwtVerifier | undefined;
  /** API keys, and what was revoked. */
  readonly credentials?: () => Credentials | undefined;
  readonly connectTokens?: ConnectTokens;
  /** Accept `dev:<id>` from this machine. */
  readonly devTokens: boolean;
  readonly runtime: Runtime;
  /** The application's `authenticate` threw, took too long, or answered what is no identity. */
  readonly onFailed: (error: unknown) => void;
  /** A token was refused, and not by the application. The reason quotes nothing of it. */
  readonly onRefused?: (reason: string) => void;
  /** Who is next to be asked about. Without it, as many at a time as the limits say. */
  readonly turns?: Turns;
}

type Authenticate = (token: string) => Identity | null | Promise<Identity | null>;

const HOUR_MS = 3_600_000;
const ANSWER_WITHIN_MS = 10_000;
/** Channels have no rules of their own that could let anybody in. */
const DEV_GRANTS: readonly Grant[] = [
  { doc: `${CHANNEL_TYPE}/*`, may: ["open", "publish", "presence", "create", "delete", "list", "history"] },
];
const DEV_TOKEN = /^dev:([A-Za-z0-9._~@-]{1,128})$/;

/** Makes the authenticator of a server. */
export function makeAuthenticator(parts: AuthenticatorParts): IdentityCheck {
  const turns = parts.turns ?? new Turns(parts.runtime, LIMITS.authenticatingMax);
  return async (token, source) => {
    const identified = (await byOwnToken(token, source, parts)) ?? (await bySignature(token, source, { parts, turns }));
    if (identified === "refused") return undefined;
    if (parts.credentials?.()?.isOver(identified) !== true) return identified;
    parts.onRefused?.("it was revoked");
    return "revoked";
  };
}

type Found = Identified | "refused";

/** The same for all who have none. */
const NO_ROLES: readonly string[] = Object.freeze([]);
const NO_CLAIMS: JsonObject = Object.freeze({});

/** Tokens of Tidemark's own making, told by how they begin; undefined: it is none. */
async function byOwnToken(token: string, source: TokenSource, parts: AuthenticatorParts): Promise<Found | undefined> {
  const { devTokens, runtime, credentials, connectTokens } = parts;
  const dev = devTokens && source.loopback ? DEV_TOKEN.exec(token)?.[1] : undefined;
  if (dev !== undefined) return authenticated({ id: dev, grants: DEV_GRANTS }, runtime);
  if (credentials !== undefined && looksLikeKey(token)) {
    return credentials()?.holder(token) ?? refuse("it is no API key, or one that is withdrawn or expired", parts);
  }
  if (connectTokens !== undefined && looksLikeConnectToken(token)) {
    return connectTokens.take(token) ?? refuse("it is no connect token, or one that was used or came too late", parts);
  }
  return undefined;
}

async function bySignature(
  token: string,
  source: TokenSource,
  { parts, turns }: { readonly parts: AuthenticatorParts; readonly turns: Turns },
): Promise<Found> {
  const { authenticate, jwt, runtime } = parts;
  const verdict = await jwt?.verify(token);
  if (verdict?.kind === "accepted") return own(verdict.identity, parts) ?? authenticated(verdict.identity, runtime);
  if (verdict?.kind === "refused" || authenticate === undefined) {
    return refuse(verdict?.reason ?? "there is no way to check it", parts);
  }
  return asking({ token, source, authenticate, turns, parts });
}

function refuse(reason: string, { onRefused }: AuthenticatorParts): "refused" {
  onRefused?.(reason);
  return "refused";
}

/** Nobody else is an API key, whatever others call them. */
function own({ id }: Identity, parts: AuthenticatorParts): "refused" | undefined {
  const claimed = typeof id === "string" && id.startsWith(KEY_SUBJECT);
  return claimed ? refuse(`its subject begins with \`${KEY_SUBJECT}\`, as only API keys' do`, parts) : undefined;
}

interface Asking {
  readonly token: string;
  readonly source: TokenSource;
  readonly authenticate: Authenticate;
  readonly turns: Turns;
  readonly parts: AuthenticatorParts;
}

function asking({ token, source, authenticate, turns, parts }: Asking): Promise<Found> {
  return new Promise((resolve) => {
    turns.take({
      isUrgent: source.isKnown === true,
      isAwaited: source.isAwaited ?? (() => true),
      begin: async () => resolve(await asked(token, authenticate, parts)),
      skipped: () => resolve("refused"),
    });
  });
}

async function asked(token: string, authenticate: Authenticate, parts: AuthenticatorParts): Promise<Found> {
  try {
    const identity = await within(parts.runtime, ANSWER_WITHIN_MS, authenticate(token));
    return identity === null ? "refused" : (own(identity, parts) ?? authenticated(identity, parts.runtime));
  } catch (error) {
    parts.onFailed(error);
    return "refused";
  }
}

function authenticated(identity: Identity, runtime: Runtime): Found {
  const expiresAt = identity.expiresAt ?? runtime.now() + HOUR_MS;
  if (typeof identity.id !== "string" || identity.id === "" || !(expiresAt > runtime.now())) return "refused";
  const claims = identity.claims ?? NO_CLAIMS;
  const roles = identity.roles === undefined || identity.roles.length === 0 ? NO_ROLES : [...identity.roles];
  const principal = { id: identity.id, roles, claims };
  // A welcome carries whole milliseconds; "never" is what an application may mean.
  const until = Math.floor(Math.min(expiresAt, Number.MAX_SAFE_INTEGER));
  const { space = "", tokenId, issuedAt } = identity;
  return { principal, space, grants: checkedGrants(identity.grants), expiresAt: until, tokenId, issuedAt };
}

function within<Value>(runtime: Runtime, ms: number, value: Value | Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = runtime.setTimer(ms, () => reject(new Error(`authenticate did not answer within ${ms} ms`)));
    Promise.resolve(value).then(resolve, reject).finally(cancel);
  });
}
