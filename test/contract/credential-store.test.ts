// One suite for every credential store: what is written is read, by others too, and others' writing is noticed.
import { afterEach, describe, expect, it } from "vitest";
import { makeKey } from "../../src/auth/api-key.js";
import type { CredentialStore, Revocation, StoredKey } from "../../src/auth/credential-store.js";
import { MemoryCredentials } from "../../src/storage/memory/memory-credentials.js";
import { openKeyFile } from "../../src/storage/sqlite/key-file.js";
import { openSqliteStore } from "../../src/storage/sqlite/sqlite-store.js";
import { VirtualRuntime } from "../support/virtual-runtime.js";
import { Folder } from "../unit/storage/sqlite/sqlite-files.js";

interface Bench {
  readonly store: CredentialStore;
  /** Another process writes these keys, and no others. */
  writeKeys(keys: readonly StoredKey[]): void;
  close(): Promise<void>;
}

const runtime = new VirtualRuntime();
const stores: readonly [string, () => Promise<Bench>][] = [
  [
    "memory",
    async () => {
      const store = new MemoryCredentials();
      return { store, writeKeys: (keys) => store.replaceKeys(keys), close: async () => undefined };
    },
  ],
  [
    "sqlite",
    async () => {
      const folder = new Folder();
      const { file } = folder;
      const store = await openSqliteStore({ file, runtime });
      const other = openKeyFile(file, { create: false });
      return {
        store,
        writeKeys(keys) {
          const kept = keys.map(({ id }) => id);
          other.remove(other.keys().flatMap(({ id }) => (kept.includes(id) ? [] : [id])));
          other.save(keys);
        },
        async close() {
          other.close();
          await store.close();
          folder.remove();
        },
      };
    },
  ],
];

const grants = [{ doc: "board/*", may: ["open", "call"] as const }];
const key = (name: string): StoredKey =>
  makeKey(runtime, { name, grants, powers: ["tokens"], space: "north", expiresAt: 1_800_000_000_000 }).stored;
const revocation = (name: string, more: Partial<Revocation> = {}): Revocation => ({
  ...{ space: "", kind: "sub", name, at: 1_000, until: 2_000, ...more },
});

describe.each(stores)("a credential store in %s", (_name, make) => {
  let bench: Bench | undefined;
  afterEach(() => bench?.close());
  const started = async (): Promise<Bench> => {
    bench = await make();
    return bench;
  };

  it("[AUTH-7] gives what another has written, whole, and says when there is nothing new", async () => {
    const { store, writeKeys } = await started();
    expect(await store.credentials()).toEqual({ keys: [], revocations: [], damaged: 0 });
    expect(await store.credentials()).toBeUndefined();
    const [one, two] = [key("a"), key("b")];
    writeKeys([one, two]);
    const keys = (await store.credentials())?.keys.map((found) => ({ ...found, hash: Buffer.from(found.hash) }));
    expect(keys).toEqual([one, two].map((stored) => ({ ...stored, hash: Buffer.from(stored.hash) })));
    expect(await store.credentials()).toBeUndefined();
    writeKeys([two]);
    expect((await store.credentials())?.keys).toMatchObject([{ id: two.id }]);
  });

  it("[AUTH-6] keeps revocations until they are over, and its own writing is no news", async () => {
    const { store, writeKeys } = await started();
    await store.credentials();
    await store.revoke(revocation("ann"));
    await store.revoke(revocation("ann", { space: "north" }));
    await store.revoke(revocation("t1", { kind: "jti", until: 9_000 }));
    expect(await store.credentials()).toBeUndefined();
    writeKeys([key("a")]);
    expect((await store.credentials())?.revocations).toHaveLength(3);
    await store.revoke(revocation("bob", { at: 5_000, until: 9_000 }));
    writeKeys([key("b")]);
    expect((await store.credentials())?.revocations.map(({ name }) => name).sort()).toEqual(["bob", "t1"]);
  });

  it("notes when a key was used, of one that is gone too", async () => {
    const { store, writeKeys } = await started();
    const [one, two] = [key("a"), key("b")];
    writeKeys([one]);
    await store.noteUse([
      { id: one.id, at: 7_000 },
      { id: two.id, at: 7_000 },
    ]);
    expect((await store.credentials())?.keys).toMatchObject([{ id: one.id, usedAt: 7_000 }]);
  });
});
