// Puts a server's ways to come in together, and refuses to go on when there is none.
import { LIMITS, OperatorError } from "@tidemark/protocol";
import { makeAuthenticator } from "./auth/authenticator.js";
import { ConnectTokens } from "./auth/connect-tokens.js";
import type { CredentialStore } from "./auth/credential-store.js";
import { Credentials } from "./auth/credentials.js";
import { fetchText } from "./auth/fetch-text.js";
import { type JwtOptions, JwtVerifier } from "./auth/jwt.js";
import { RefusalLog } from "./auth/refusal-log.js";
import { Tickets } from "./auth/tickets.js";
import type { ResolvedApp } from "./document/definition/define-app.js";
import type { Logger } from "./observability/logger.js";
import type { Runtime } from "./runtime/runtime.js";
import type { Identified, IdentityCheck } from "./session/identity.js";

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

/** Everything about who comes in. What is stored is there once the store is. */
export class Authentication {
  readonly identify: IdentityCheck;
  readonly connectTokens: ConnectTokens;
  readonly tickets: Tickets;
  readonly #options: AuthenticationOptions;
  #credentials: Credentials | undefined;

  /** Throws OperatorError `auth_invalid` for keys that cannot be used. */
  constructor(options: AuthenticationOptions) {
    const { app, jwt, devTokens, runtime, logger } = options;
    const refusals = new RefusalLog(runtime, (refused) => logger.warn(refused, "tokens were refused"));
    const onKeysFailed = (err: unknown): void => logger.error({ err }, "the key set of the issuer cannot be had");
    this.#options = options;
    this.connectTokens = new ConnectTokens(runtime);
    this.tickets = new Tickets(runtime);
    this.identify = makeAuthenticator({
      authenticate: app.authenticate,
      jwt: jwt === undefined ? undefined : new JwtVerifier(jwt, { runtime, fetchText, onKeysFailed }),
      credentials: () => this.#credentials,
      connectTokens: this.connectTokens,
      devTokens,
      runtime,
      onFailed: (error) => logger.error({ err: error }, "authenticate failed"),
      onRefused: (reason) => refusals.note(reason),
    });
  }

  /** Keys and revocations; undefined before `open`. */
  get credentials(): Credentials | undefined {
    return this.#credentials;
  }

  /** Throws OperatorError `auth_invalid` when nobody could come in, whatever a store may hold of keys if there is one. */
  requireWayIn({ mayHaveKeys }: { readonly mayHaveKeys: boolean }): void {
    const { app, jwt, devTokens } = this.#options;
    if (app.authenticate === undefined && jwt === undefined && !devTokens && !mayHaveKeys) throw nobodyComesIn();
  }

  /** Reads what is stored. Throws OperatorError `auth_invalid` when nobody could come in. */
  async open(store: CredentialStore): Promise<void> {
    const { jwt, runtime, logger } = this.#options;
    const credentials = await Credentials.open({
      ...{ store, runtime },
      lifetimeMaxMs: jwt?.lifetimeMaxMs ?? LIMITS.tokenLifetimeMaxMs,
      onFailed: (err) => logger.error({ err }, "keys and revocations"),
    });
    this.#credentials = credentials;
    try {
      this.requireWayIn({ mayHaveKeys: credentials.keyCount > 0 });
    } catch (error) {
      await credentials.stop();
      throw error;
    }
  }

  /** `hear` is called when something may have been withdrawn, with what is to be asked about whatever is open. */
  onWithdrawn(hear: (isOver: (identity: Identified) => boolean) => void): void {
    const credentials = this.#credentials;
    credentials?.onWithdrawn(() => hear((identity) => credentials.isOver(identity)));
  }

  async close(): Promise<void> {
    // What was not noted is not worth failing for.
    await this.#credentials
      ?.stop()
      .catch((err: unknown) => this.#options.logger.error({ err }, "keys and revocations"));
  }
}

const nobodyComesIn = (): OperatorError =>
  new OperatorError(
    "auth_invalid",
    "nobody could come in: there is no way to say who one is",
    "Give --jwt-secret, --jwt-public-key or --jwks, make a key with `tidemark key create`, or give `defineApp` an `authenticate`; on your own machine use `tidemark dev`. See docs/AUTH.md.",
  );
