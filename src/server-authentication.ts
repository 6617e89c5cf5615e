// Puts a server's ways to come in together, and refuses to go on when there is none.
import { OperatorError } from "@tidemark/protocol";
import { makeAuthenticator } from "./auth/authenticator.js";
import { fetchText } from "./auth/fetch-text.js";
import { type JwtOptions, JwtVerifier } from "./auth/jwt.js";
import { RefusalLog } from "./auth/refusal-log.js";
import type { ResolvedApp } from "./document/definition/define-app.js";
import type { Logger } from "./observability/logger.js";
import type { Runtime } from "./runtime/runtime.js";
import type { IdentityCheck } from "./session/identity.js";

/** What decides who comes in. */
export interface AuthenticationOptions {
  readonly app: ResolvedApp;
  /** Which signed tokens are accepted. */
  readonly jwt?: JwtOptions | undefined;
  /** Accept `dev:<id>` from this machine. */
  readonly devTokens: boolean;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Throws OperatorError `auth_invalid` when nobody could come in. */
export function identityCheck({ app, jwt, devTokens, runtime, logger }: AuthenticationOptions): IdentityCheck {
  if (app.authenticate === undefined && jwt === undefined && !devTokens) throw nobodyComesIn();
  const refusals = new RefusalLog(runtime, (refused) => logger.warn(refused, "tokens were refused"));
  const onKeysFailed = (err: unknown): void => logger.error({ err }, "the key set of the issuer cannot be had");
  return makeAuthenticator({
    authenticate: app.authenticate,
    jwt: jwt === undefined ? undefined : new JwtVerifier(jwt, { runtime, fetchText, onKeysFailed }),
    devTokens,
    runtime,
    onFailed: (error) => logger.error({ err: error }, "authenticate failed"),
    onRefused: (reason) => refusals.note(reason),
  });
}

const nobodyComesIn = (): OperatorError =>
  new OperatorError(
    "auth_invalid",
    "nobody could come in: there is no way to say who one is",
    "Give --jwt-secret, --jwt-public-key or --jwks, or give `defineApp` an `authenticate`; on your own machine use `tidemark dev`. See docs/AUTH.md.",
  );
