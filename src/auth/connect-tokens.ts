// Tokens that a backend asks for in somebody's name, and that are shown once, soon: for applications with sessions of their
// own, whose pages hold nothing that could be signed or checked. They live in memory; a restart costs a page one more
// request to its backend.
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { Identity } from "../document/definition/define-app.js";
import { isCovered } from "../document/grants.js";
import { sha256 } from "../runtime/digest.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Identified } from "../session/identity.js";
import { KEY_SUBJECT } from "./api-key.js";

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

interface Waiting {
  readonly identity: Identified;
  readonly useBefore: number;
}

const SESSION_MS = { default: 3_600_000, max: 86_400_000 };
const WITHIN_MS = { default: 30_000, max: 300_000 };
const SECRET_BYTES = 32;
const WAITING_MAX = 65_536;
const SWEEP_EVERY_MS = 1_000;
const AFTER_MS = 1_000;

/** Whether a token says that it is a connect token. */
export const looksLikeConnectToken = (token: string): boolean => token.startsWith("tmc_");

/** The connect tokens that nobody has shown yet. */
export class ConnectTokens {
  readonly #runtime: Runtime;
  /** By hash: a look at the memory shows none. In the order in which they were made. */
  readonly #waiting = new Map<string, Waiting>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
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
    this.#sweep();
    if (this.#waiting.size >= WAITING_MAX) throw new TidemarkError("limit_reached", { afterMs: AFTER_MS });
    const expiresAt = now + within(request.sessionMs, SESSION_MS);
    const useBefore = now + within(request.withinMs, WITHIN_MS);
    const token = `tmc_${Buffer.from(this.#runtime.randomBytes(SECRET_BYTES)).toString("base64url")}`;
    const principal = { id: sub, roles: [...roles], claims };
    const { space, scope } = asker;
    this.#waiting.set(keyOf(token), {
      identity: { principal, space, grants, scope, powers: [], issuedAt: now, expiresAt, ...keyIdOf(asker) },
      useBefore,
    });
    return { token, useBefore, expiresAt };
  }

  /** Who shows it; undefined: it was shown before, too late, or is nobody's. It cannot be shown again. */
  take(token: string): Identified | undefined {
    const key = keyOf(token);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting !== undefined && this.#runtime.now() < waiting.useBefore ? waiting.identity : undefined;
  }

  /** At most each second: a look at all of them must not cost whoever asks for one. */
  #sweep(): void {
    const now = this.#runtime.now();
    if (this.#runtime.monotonicMs() - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = this.#runtime.monotonicMs();
    for (const [key, { useBefore }] of this.#waiting) if (useBefore <= now) this.#waiting.delete(key);
  }
}

const keyOf = (token: string): string => Buffer.from(sha256(token)).toString("base64");

/** Whoever withdraws a key withdraws what it made. */
const keyIdOf = ({ keyId }: Identified): { keyId: string } | Record<string, never> =>
  keyId === undefined ? {} : { keyId };

function within(ms: number | undefined, bounds: { readonly default: number; readonly max: number }): number {
  return Math.min(Math.max(ms ?? bounds.default, 0), bounds.max);
}

const invalid = (field: string): TidemarkError =>
  new TidemarkError("invalid_input", { data: [{ path: `/${field}`, expected: "the id of a person or program" }] });
