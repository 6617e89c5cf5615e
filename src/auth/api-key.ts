// API keys: how one is made, what it looks like, and what its holder may do. A key is 256 random bits, so that a plain hash
// of it cannot be turned back by guessing, and no slow one is needed; what is stored is only that hash.
import { timingSafeEqual } from "node:crypto";
import { sha256 } from "../runtime/digest.js";
import { randomHex } from "../runtime/ids.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Identified } from "../session/identity.js";
import type { StoredKey } from "./credential-store.js";

/** `tmk_`, the number of the key, and the secret. */
const KEY = /^tmk_([0-9a-f]{16})_[0-9A-Za-z_-]{43}$/;
const ID_BYTES = 8;
const SECRET_BYTES = 32;
/** Whoever stays longer shows the key again. */
const SESSION_MS = 3_600_000;

/** Subjects that begin so are API keys and nobody else. */
export const KEY_SUBJECT = "key:";

/** Whether a token says that it is an API key. */
export const looksLikeKey = (token: string): boolean => token.startsWith("tmk_");

/** A new key: what is shown once, and what is stored. */
export function makeKey(
  runtime: Runtime,
  fields: Pick<StoredKey, "name" | "space" | "grants" | "powers" | "expiresAt">,
): { readonly token: string; readonly stored: StoredKey } {
  const id = randomHex(runtime, ID_BYTES);
  const token = `tmk_${id}_${Buffer.from(runtime.randomBytes(SECRET_BYTES)).toString("base64url")}`;
  const { name, space, grants, powers, expiresAt } = fields;
  const stored = { id, name, space, grants, powers, expiresAt, hash: sha256(token) };
  return { token, stored: { ...stored, createdAt: runtime.now(), usedAt: undefined } };
}

/** The keys of a server, as they are stored. */
export class KeyRing {
  #keys: ReadonlyMap<string, StoredKey> = new Map();
  #askedAt = 0;

  get size(): number {
    return this.#keys.size;
  }

  /** These and no others. */
  replace(keys: readonly StoredKey[]): void {
    this.#keys = new Map(keys.map((key) => [key.id, key]));
  }

  /** Whether one has expired since that was asked last. */
  hasExpired(now: number): boolean {
    const since = this.#askedAt;
    this.#askedAt = now;
    return [...this.#keys.values()].some(({ expiresAt = now + 1 }) => expiresAt > since && expiresAt <= now);
  }

  /** Whether the key of that number is there and in force. */
  holds(id: string, now: number): boolean {
    const key = this.#keys.get(id);
    return key !== undefined && (key.expiresAt === undefined || now < key.expiresAt);
  }

  /** Whose key a token is; undefined: nobody's, or nobody's any more. Compares in constant time. */
  find(token: string, now: number): StoredKey | undefined {
    const id = KEY.exec(token)?.[1];
    const key = id === undefined ? undefined : this.#keys.get(id);
    if (key === undefined || !timingSafeEqual(sha256(token), key.hash)) return undefined;
    return this.holds(key.id, now) ? key : undefined;
  }
}

/** Who holds a key: a service, and nothing beyond the key's grants (ACCESS-5). */
export function holderOf(
  { id, name, space, grants, powers, createdAt, expiresAt }: StoredKey,
  now: number,
): Identified {
  return {
    principal: { id: `${KEY_SUBJECT}${name}`, roles: ["service"], claims: {} },
    space,
    grants,
    scope: grants,
    powers,
    keyId: id,
    issuedAt: createdAt,
    expiresAt: Math.min(expiresAt ?? Number.MAX_SAFE_INTEGER, now + SESSION_MS),
  };
}
