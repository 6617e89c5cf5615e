// What is stored about who may come in, kept in memory and up to date with the file, which the command line writes beside a
// running server. It tells when something was withdrawn, so that what rests on it ends.
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { Identified } from "../session/identity.js";
import { holderOf, KeyRing } from "./api-key.js";
import type { CredentialStore, Revocation } from "./credential-store.js";
import { Revocations } from "./revocations.js";

/** What credentials are made of. */
export interface CredentialsParts {
  readonly store: CredentialStore;
  readonly runtime: Runtime;
  /** The longest that a token can live: revocations are kept as long. */
  readonly lifetimeMaxMs: number;
  /** Storage did not answer, or rows are damaged. */
  readonly onFailed: (error: unknown) => void;
}

/** What is revoked: all tokens of a subject that were issued until now, or the one of a number. */
export type Revoked = { readonly sub: string } | { readonly jti: string };

/** With the time in which what was withdrawn is noticed, and what rests on it ended, within 5 s (R17). */
const LOOK_EVERY_MS = 2_000;
const NOTE_USE_EVERY_MS = 60_000;

/** Keys and revocations of a running server. */
export class Credentials {
  readonly #parts: CredentialsParts;
  readonly #keys = new KeyRing();
  readonly #revocations = new Revocations();
  /** Key numbers, when used last; to be noted. */
  readonly #used = new Map<string, number>();
  #notedAtMs = Number.NEGATIVE_INFINITY;
  #whenWithdrawn: () => void = () => undefined;
  #stopLooking: CancelTimer = () => undefined;
  #isStopped = false;

  private constructor(parts: CredentialsParts) {
    this.#parts = parts;
  }

  /** Reads what is stored, and goes on looking until stopped. Rejects with StoreError. */
  static async open(parts: CredentialsParts): Promise<Credentials> {
    const credentials = new Credentials(parts);
    await credentials.#look();
    credentials.#lookLater();
    return credentials;
  }

  /** How many keys there are, expired ones too. */
  get keyCount(): number {
    return this.#keys.size;
  }

  /** `hear` is called when something may have been withdrawn: then `isOver` is to be asked about whatever is open. */
  onWithdrawn(hear: () => void): void {
    this.#whenWithdrawn = hear;
  }

  /** Whether it rests on a key or a token that was withdrawn. */
  isOver(identity: Identified): boolean {
    const now = this.#parts.runtime.now();
    if (identity.keyId !== undefined && !this.#keys.holds(identity.keyId, now)) return true;
    return this.#revocations.includes(identity, now);
  }

  /** Who shows this API key; undefined: nobody does. */
  holder(token: string): Identified | undefined {
    const now = this.#parts.runtime.now();
    const key = this.#keys.find(token, now);
    if (key === undefined) return undefined;
    this.#used.set(key.id, now);
    return holderOf(key, now);
  }

  /**
   * Revokes in a space; in force at once, and for as long as such a token can live, or until `untilMs`. Resolves when it
   * survives a restart; rejects with StoreError, in force nevertheless. Throws TidemarkError `invalid_input`.
   */
  async revoke(
    what: Revoked,
    { space, untilMs }: { readonly space: string; readonly untilMs?: number | undefined },
  ): Promise<void> {
    const { runtime, store, lifetimeMaxMs } = this.#parts;
    const at = runtime.now();
    const until = Math.min(untilMs ?? Number.POSITIVE_INFINITY, at + lifetimeMaxMs);
    const named: Pick<Revocation, "kind" | "name"> =
      "sub" in what ? { kind: "sub", name: what.sub } : { kind: "jti", name: what.jti };
    if (named.name === "" || named.name.length > LIMITS.claimLengthMax) throw new TidemarkError("invalid_input");
    const revocation = this.#revocations.add({ space, ...named, at, until });
    this.#whenWithdrawn();
    await store.revoke(revocation);
  }

  /** Notes what is still to be noted, and looks no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopLooking();
    this.#notedAtMs = Number.NEGATIVE_INFINITY;
    await this.#noteUse();
  }

  #lookLater(): void {
    if (this.#isStopped) return;
    this.#stopLooking = this.#parts.runtime.setTimer(LOOK_EVERY_MS, () => {
      this.#look()
        .then(() => this.#noteUse())
        .catch((error: unknown) => this.#parts.onFailed(error))
        .finally(() => this.#lookLater());
    });
  }

  async #look(): Promise<void> {
    const { store, runtime, onFailed } = this.#parts;
    const stored = await store.credentials();
    const now = runtime.now();
    if (stored === undefined) return this.#expire(now);
    this.#keys.replace(stored.keys);
    // None is ever taken back, and one that is being written may not be among them.
    for (const revocation of stored.revocations) this.#revocations.add(revocation);
    if (stored.damaged > 0) onFailed(new Error(`${stored.damaged} of the stored keys and revocations are damaged`));
    this.#whenWithdrawn();
  }

  /** Keys may have expired meanwhile. */
  #expire(now: number): void {
    this.#revocations.sweep(now);
    if (this.#keys.hasExpired(now)) this.#whenWithdrawn();
  }

  async #noteUse(): Promise<void> {
    const { runtime, store } = this.#parts;
    if (this.#used.size === 0 || runtime.monotonicMs() - this.#notedAtMs < NOTE_USE_EVERY_MS) return;
    this.#notedAtMs = runtime.monotonicMs();
    const uses = [...this.#used].map(([id, at]) => ({ id, at }));
    this.#used.clear();
    await store.noteUse(uses);
  }
}
