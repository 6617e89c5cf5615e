// Turns a token into an identity: the names that `dev` accepts from this machine, tokens that are signed with a configured
// key, and whatever else the application's own `authenticate` knows, in this order. A herd is not passed on to whoever the
// application asks: so many are checked at a time. It never logs a token and never tells its sender why it was refused.
import { CHANNEL_TYPE, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { Identity } from "../document/definition/define-app.js";
import { checkedGrants, type Grant } from "../document/grants.js";
import type { Runtime } from "../runtime/runtime.js";
import { Turns } from "../runtime/turns.js";
import type { Identified, IdentityCheck, TokenSource } from "../session/identity.js";
import type { JwtVerifier } from "./jwt.js";

/** What an authenticator is made of. */
export interface AuthenticatorParts {
  readonly authenticate: Authenticate | undefined;
  /** Decides about tokens that are signed with a configured key; the application is not asked about those. */
  readonly jwt?: JwtVerifier | undefined;
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
  const { authenticate, jwt, devTokens, runtime, turns = new Turns(runtime, LIMITS.authenticatingMax) } = parts;
  const ask = (token: string, source: TokenSource): Promise<Identified | undefined> =>
    authenticate === undefined ? Promise.resolve(undefined) : asking({ token, source, authenticate, turns, parts });
  return async (token, source) => {
    const dev = devTokens && source.loopback ? DEV_TOKEN.exec(token)?.[1] : undefined;
    if (dev !== undefined) return authenticated({ id: dev, grants: DEV_GRANTS }, runtime);
    if (jwt === undefined) return ask(token, source);
    const verdict = await jwt.verify(token);
    if (verdict.kind === "accepted") return authenticated(verdict.identity, runtime);
    if (verdict.kind === "foreign" && authenticate !== undefined) return ask(token, source);
    parts.onRefused?.(verdict.reason);
    return undefined;
  };
}

interface Asking {
  readonly token: string;
  readonly source: TokenSource;
  readonly authenticate: Authenticate;
  readonly turns: Turns;
  readonly parts: AuthenticatorParts;
}

function asking({ token, source, authenticate, turns, parts }: Asking): Promise<Identified | undefined> {
  return new Promise((resolve) => {
    turns.take({
      isUrgent: source.isKnown === true,
      isAwaited: source.isAwaited ?? (() => true),
      begin: async () => resolve(await asked(token, authenticate, parts)),
      skipped: () => resolve(undefined),
    });
  });
}

async function asked(
  token: string,
  authenticate: Authenticate,
  { runtime, onFailed }: AuthenticatorParts,
): Promise<Identified | undefined> {
  try {
    const identity = await within(runtime, ANSWER_WITHIN_MS, authenticate(token));
    return identity === null ? undefined : authenticated(identity, runtime);
  } catch (error) {
    onFailed(error);
    return undefined;
  }
}

function authenticated(identity: Identity, runtime: Runtime): Identified | undefined {
  const expiresAt = identity.expiresAt ?? runtime.now() + HOUR_MS;
  if (typeof identity.id !== "string" || identity.id === "" || !(expiresAt > runtime.now())) return undefined;
  const claims: JsonObject = identity.claims ?? {};
  const principal = { id: identity.id, roles: [...(identity.roles ?? [])], claims };
  // A welcome carries whole milliseconds; "never" is what an application may mean.
  const until = Math.floor(Math.min(expiresAt, Number.MAX_SAFE_INTEGER));
  return { principal, space: identity.space ?? "", grants: checkedGrants(identity.grants), expiresAt: until };
}

function within<Value>(runtime: Runtime, ms: number, value: Value | Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = runtime.setTimer(ms, () => reject(new Error(`authenticate did not answer within ${ms} ms`)));
    Promise.resolve(value).then(resolve, reject).finally(cancel);
  });
}
