// Keys and revocations in memory: the port's simplest implementation, for tests and for servers that keep nothing.
import type { CredentialStore, Credentials, Revocation, StoredKey } from "../../auth/credential-store.js";

/** A CredentialStore that forgets with its process. What is put in from outside counts as written by another. */
export class MemoryCredentials implements CredentialStore {
  #keys: readonly StoredKey[] = [];
  readonly #revocations = new Map<string, Revocation>();
  #changed = true;

  get keys(): readonly StoredKey[] {
    return this.#keys;
  }

  /** Another process has written these keys. */
  replaceKeys(keys: readonly StoredKey[]): void {
    this.#keys = keys;
    this.#changed = true;
  }

  async credentials(): Promise<Credentials | undefined> {
    if (!this.#changed) return undefined;
    this.#changed = false;
    return { keys: this.#keys, revocations: [...this.#revocations.values()], damaged: 0 };
  }

  async revoke(revocation: Revocation): Promise<void> {
    for (const [name, { until }] of this.#revocations) if (until < revocation.at) this.#revocations.delete(name);
    this.#revocations.set(JSON.stringify([revocation.space, revocation.kind, revocation.name]), revocation);
  }

  async noteUse(uses: readonly { readonly id: string; readonly at: number }[]): Promise<void> {
    const times = new Map(uses.map(({ id, at }) => [id, at]));
    this.#keys = this.#keys.map((key) => ({ ...key, usedAt: times.get(key.id) ?? key.usedAt }));
  }
}
