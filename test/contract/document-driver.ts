// Drives one document of a store the way a host does: loads, commits, and after a commit in doubt loads again and sees
// what became of it. It keeps what was acknowledged, which is what the contract compares with.
import type {
  DocumentName,
  DocumentStore,
  Loaded,
  LogRow,
  Transaction,
  TransactionRequest,
} from "../../src/document/document-store.js";
import { StoreError, TransactionKind } from "../../src/document/document-store.js";

/** What a test says about a transaction; the driver fills in the position. */
export interface Draft {
  readonly kind?: TransactionKind;
  readonly at?: number;
  readonly typeVersion?: number;
  readonly operations?: string;
  readonly events?: string;
  readonly request?: Partial<TransactionRequest> & { readonly n: number };
}

export const named = (key: string, type = "note", space = ""): DocumentName => ({ space, type, key });

export const BORN = 1_700_000_000_000;

export class DocumentDriver {
  readonly name: DocumentName;
  /** Every acknowledged transaction, oldest first, trimmed or not. */
  readonly committed: Transaction[] = [];
  #store: DocumentStore;
  #loaded: Loaded | undefined;

  constructor(store: DocumentStore, name: DocumentName) {
    this.#store = store;
    this.name = name;
  }

  get head(): number {
    return this.committed.length;
  }

  get rows(): LogRow[] {
    return this.committed.map(({ request: _, ...row }) => row);
  }

  get deleted(): boolean {
    return this.committed.at(-1)?.kind === TransactionKind.delete;
  }

  /** The document as the store has it now. */
  async load(): Promise<Loaded> {
    this.#loaded = await this.#store.load(this.name);
    return this.#loaded;
  }

  /** As a new owner of the same document, in the same store or one opened on the same file. */
  moveTo(store: DocumentStore): void {
    this.#store = store;
    this.#loaded = undefined;
  }

  /** The current owner's ref and epoch. */
  async owner(): Promise<Loaded> {
    return this.#loaded ?? this.load();
  }

  /** The transactions that come next, under the current owner. */
  async next(drafts: readonly Draft[]): Promise<Transaction[]> {
    const { epoch } = await this.owner();
    return drafts.map((draft, index) => transaction(draft, this.head + 1 + index, epoch));
  }

  /** Commits, whatever the store does on the way, exactly once. */
  async commit(...drafts: readonly Draft[]): Promise<void> {
    await commitAll(this.#store, [{ driver: this, drafts }]);
  }

  /** Notes what the store has acknowledged. */
  acknowledged(transactions: readonly Transaction[]): void {
    this.committed.push(...transactions);
  }
}

/** What one document takes part with. */
export interface Part {
  readonly driver: DocumentDriver;
  readonly drafts: readonly Draft[];
}

/** Commits to several documents in one append. After a commit in doubt all of it is there, or nothing. */
export async function commitAll(store: DocumentStore, parts: readonly Part[]): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const batch = await Promise.all(
      parts.map(async ({ driver, drafts }) => ({
        ref: (await driver.owner()).ref,
        transactions: await driver.next(drafts),
      })),
    );
    try {
      const outcomes = await store.append(batch);
      if (outcomes.some((outcome) => outcome !== "committed")) throw new Error(`unexpected ${outcomes.join()}`);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.certainty !== "indeterminate") continue;
      if (!(await arrived(parts))) continue;
    }
    for (const [index, { driver }] of parts.entries()) driver.acknowledged(batch[index]?.transactions ?? []);
    return;
  }
  throw new Error("the store refused a hundred times");
}

async function arrived(parts: readonly Part[]): Promise<boolean> {
  const found = new Set<boolean>();
  for (const { driver, drafts } of parts) {
    const loaded = await driver.load();
    const head = "head" in loaded ? loaded.head.seq : 0;
    if (head !== driver.head && head !== driver.head + drafts.length) throw new Error(`half a commit: ${head}`);
    found.add(head !== driver.head);
  }
  if (found.size > 1) throw new Error("a commit in doubt is there for some of its documents only");
  return found.has(true);
}

function transaction(draft: Draft, seq: number, epoch: number): Transaction {
  const { request } = draft;
  const kind = draft.kind ?? (seq === 1 ? TransactionKind.create : TransactionKind.message);
  return {
    seq,
    epoch,
    typeVersion: draft.typeVersion ?? 1,
    kind,
    at: draft.at ?? BORN + seq,
    subject: request?.subject ?? "ann",
    operations: draft.operations ?? `[["=","/n",${seq}]]`,
    events: draft.events,
    request: request && {
      subject: request.subject ?? "ann",
      client: request.client ?? "c1",
      n: request.n,
      low: request.low ?? 0,
      born: request.born ?? BORN,
      hash: request.hash ?? hashOf(request.n),
      result: request.result,
    },
  };
}

/** Differs with n, and needs all 53 bits. */
export const hashOf = (n: number): number => Number.MAX_SAFE_INTEGER - n * 31;
