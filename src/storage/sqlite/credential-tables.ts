// Keys and revocations through one connection. Other connections write them too, while a server serves the file: whether
// one has is asked of SQLite and costs next to nothing.
import type { Credentials, Power, Revocation, StoredKey } from "../../auth/credential-store.js";
import { checkedGrants } from "../../document/grants.js";
import { checksum } from "./checksum.js";
import { bytes, columns, DamageError, integer, integerOrNull, text, verify } from "./columns.js";
import type { Connection } from "./connection.js";

const POWERS: ReadonlySet<unknown> = new Set<Power>(["tokens", "revocations"]);

/** The two tables. All writes are inside a transaction of the caller. */
export class CredentialTables {
  readonly #db: Connection;
  readonly #keys;
  readonly #revocations;
  readonly #saveKey;
  readonly #saveRevocation;
  readonly #removeOver;
  readonly #noteUse;
  readonly #removeKey;
  /** What SQLite counted of others' commits when all was read last. */
  #version: number | undefined;

  constructor(db: Connection) {
    this.#db = db;
    this.#keys = db
      .prepare(
        "SELECT id, name, space, hash, grants, powers, created, expires, used, crc FROM keys ORDER BY name, created",
      )
      .raw();
    this.#revocations = db.prepare("SELECT space, kind, name, at, until, crc FROM revocations").raw();
    this.#saveKey = db.prepare(`INSERT INTO keys(id, name, space, hash, grants, powers, created, expires, used, crc)
      VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT(id) DO UPDATE SET expires = excluded.expires, crc = excluded.crc`);
    this.#saveRevocation = db.prepare(
      "INSERT OR REPLACE INTO revocations(space, kind, name, at, until, crc) VALUES(?, ?, ?, ?, ?, ?)",
    );
    this.#removeOver = db.prepare("DELETE FROM revocations WHERE until < ?");
    this.#noteUse = db.prepare("UPDATE keys SET used = ? WHERE id = ?");
    this.#removeKey = db.prepare("DELETE FROM keys WHERE id = ?");
  }

  /** Undefined when no other connection has written since the last time. */
  readIfChanged(): Credentials | undefined {
    const version = integer(this.#db.pragma("data_version", { simple: true }));
    if (version === this.#version) return undefined;
    const read = this.read();
    this.#version = version;
    return read;
  }

  read(): Credentials {
    const keys: StoredKey[] = [];
    const revocations: Revocation[] = [];
    let damaged = 0;
    for (const row of this.#keys.iterate()) {
      const key = keyOf(row);
      if (key === undefined) damaged += 1;
      else keys.push(key);
    }
    for (const row of this.#revocations.iterate()) {
      const { revocation, intact } = revocationOf(row);
      revocations.push(revocation);
      if (!intact) damaged += 1;
    }
    return { keys, revocations, damaged };
  }

  revoke(revocation: Revocation): void {
    const { space, kind, name, at, until } = revocation;
    this.#removeOver.run(at);
    this.#saveRevocation.run(space, kind, name, at, until, revocationChecksum(revocation));
  }

  noteUse(uses: readonly { readonly id: string; readonly at: number }[]): void {
    for (const { id, at } of uses) this.#noteUse.run(at, id);
  }

  /** A new key, or one that expires at another time. */
  saveKey(key: StoredKey): void {
    const { id, name, space, hash, createdAt, expiresAt = null, usedAt = null } = key;
    const [grants, powers] = [JSON.stringify(key.grants), JSON.stringify(key.powers)];
    const crc = checksum(id, name, space, hash, grants, powers, createdAt, expiresAt);
    this.#saveKey.run(id, name, space, hash, grants, powers, createdAt, expiresAt, usedAt, crc);
  }

  removeKey(id: string): void {
    this.#removeKey.run(id);
  }
}

/** Undefined: it is damaged, and lets nobody in. */
function keyOf(row: unknown): StoredKey | undefined {
  try {
    const [id, name, space, hash, grants, powers, created, expires, used, crc] = columns(row);
    const fields = [text(id), text(name), text(space), bytes(hash), text(grants), text(powers)] as const;
    const [createdAt, expiresAt] = [integer(created), integerOrNull(expires)];
    verify(crc, checksum(...fields, createdAt, expiresAt), "a key");
    return {
      ...{ id: fields[0], name: fields[1], space: fields[2], hash: fields[3] },
      grants: checkedGrants(JSON.parse(fields[4])),
      powers: powersOf(JSON.parse(fields[5])),
      createdAt,
      expiresAt: expiresAt ?? undefined,
      usedAt: integerOrNull(used) ?? undefined,
    };
  } catch (error) {
    if (error instanceof DamageError || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

const powersOf = (value: unknown): readonly Power[] => (Array.isArray(value) ? value.filter(isPower) : []);

const isPower = (value: unknown): value is Power => POWERS.has(value);

/** One that is damaged still counts, as far as it can be read: who was sent away must not come back for it. */
function revocationOf(row: unknown): { readonly revocation: Revocation; readonly intact: boolean } {
  const [space, kind, name, at, until, crc] = columns(row);
  const revocation: Revocation = {
    ...{ space: text(space), kind: kind === "jti" ? "jti" : "sub", name: text(name) },
    ...{ at: integer(at), until: integer(until) },
  };
  return { revocation, intact: crc === revocationChecksum(revocation) };
}

const revocationChecksum = ({ space, kind, name, at, until }: Revocation): number =>
  checksum(space, kind, name, at, until);
