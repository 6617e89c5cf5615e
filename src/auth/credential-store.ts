// What the auth room needs of storage: keys and revocations that survive a restart, and word of what others have written
// into the same file.
import type { Grant } from "../document/grants.js";

/** What a key may do besides its grants: make connect tokens for others, or revoke tokens. */
export type Power = "tokens" | "revocations";

/** One secret of an API key. Several have the same name while one is being replaced by another. */
export interface StoredKey {
  /** Not secret. */
  readonly id: string;
  readonly name: string;
  readonly space: string;
  /** SHA-256 of the whole key. */
  readonly hash: Uint8Array;
  readonly grants: readonly Grant[];
  readonly powers: readonly Power[];
  /** Unix ms. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  /** When it was used last, to the minute. */
  readonly usedAt: number | undefined;
}

/** Tokens that are not accepted any more: all of a subject that were issued by then, or the one of that number. */
export interface Revocation {
  readonly space: string;
  readonly kind: "sub" | "jti";
  readonly name: string;
  /** Unix ms. */
  readonly at: number;
  /** No such token lives any more then. */
  readonly until: number;
}

/** All that is stored. */
export interface Credentials {
  readonly keys: readonly StoredKey[];
  readonly revocations: readonly Revocation[];
  /** Rows that fail their checksum: keys among them are left out, revocations count as they are. */
  readonly damaged: number;
}

/** Keys and revocations on disk. All reject with StoreError when they cannot. */
export interface CredentialStore {
  /** All that is stored; undefined when nobody else has written since it was asked for last. */
  credentials(): Promise<Credentials | undefined>;
  /** Resolves when it is durable. Of two of the same name the later counts. Those that are over by `at` are removed. */
  revoke(revocation: Revocation): Promise<void>;
  /** Notes when keys were used last. */
  noteUse(uses: readonly { readonly id: string; readonly at: number }[]): Promise<void>;
}
