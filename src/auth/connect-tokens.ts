// Tokens that a backend asks for in somebody's name, and that are shown once, soon: for applications with sessions of their
// own, whose pages hold nothing that could be signed or checked.
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { Identity } from "../document/definition/define-app.js";
import { isCovered } from "../document/grants.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Identified } from "../session/identity.js";
import { KEY_SUBJECT } from "./api-key.js";
import { ShownOnce } from "./shown-once.js";

/** For whom a connect token is, and for how long. */
export interface ConnectRequest extends Pick<Identity, "roles" | "claims" | "grants"> {
  readonly sub: string;
  /** How long what was connected with it stays; default an hour, at most a day. */
  readonly sessionMs?: number;
  /** How soon it must be shown; default 30 s, at most five minutes. */
  readonly withinMs?: number;
}

/** A connect token. */
export interface ConnectToken {
  readonly token: string;
  /** Unix ms: shown later, it is refused. */
  readonly useBefore: number;
  /** Unix ms: what was connected with it ends. */
  readonly expiresAt: number;
}

const SESSION_MS = { default: 3_600_000, max: 86_400_000 };
const WITHIN_MS = { default: 30_000, max: 300_000 };
const PREFIX = "tmc_";

/** Whether a token says that it is a connect token. */
export const looksLikeConnectToken = (token: string): boolean => token.startsWith(PREFIX);

/** The connect tokens that nobody has shown yet. */
export class ConnectTokens {
  readonly #runtime: Runtime;
  readonly #waiting: ShownOnce<Identified>;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#waiting = new ShownOnce(PREFIX, runtime);
  }

  /**
   * Makes one. It reaches no further than whoever asks for it: the same space, the same scope. Throws TidemarkError
   * `denied`, `invalid_input`, `limit_reached`.
   */
  make(request: ConnectRequest, asker: Identified): ConnectToken {
    const now = this.#runtime.now();
    const { sub, roles = [], claims = {}, grants = [] } = request;
    if (sub === "" || sub.length > LIMITS.claimLengthMax || sub.startsWith(KEY_SUBJECT)) throw invalid("sub");
    const outside =
      asker.scope === undefined ? undefined : grants.find((grant) => !isCovered(asker.scope ?? [], grant));
    if (outside !== undefined) throw new TidemarkError("denied", { message: "A grant is beyond those of the key." });
    const expiresAt = now + within(request.sessionMs, SESSION_MS);
    const useBefore = now + within(request.withinMs, WITHIN_MS);
    const principal = { id: sub, roles: [...roles], claims };
    const { space, scope } = asker;
    const identity = { principal, space, grants, scope, powers: [], issuedAt: now, expiresAt, ...keyIdOf(asker) };
    const token = this.#waiting.make(identity, useBefore);
    return { token, useBefore, expiresAt };
  }

  /** Who shows it; undefined: it was shown before, too late, or is nobody's. It cannot be shown again. */
  take(token: string): Identified | undefined {
    return this.#waiting.take(token);
  }
}

/** Whoever withdraws a key withdraws what it made. */
const keyIdOf = ({ keyId }: Identified): { keyId: string } | Record<string, never> =>
  keyId === undefined ? {} : { keyId };

function within(ms: number | undefined, bounds: { readonly default: number; readonly max: number }): number {
  return Math.min(Math.max(ms ?? bounds.default, 0), bounds.max);
}

const invalid = (field: string): TidemarkError =>
  new TidemarkError("invalid_input", { data: [{ path: `/${field}`, expected: "the id of a person or program" }] });
