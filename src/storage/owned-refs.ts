// Who owns which document inside one store: the newest `load` does. Whoever held it before, or was part of a commit in
// doubt, can never commit again (R9, R10).
import type { Append, AppendOutcome, DocumentName, DocumentRef, Transaction } from "../document/document-store.js";
import { StoreError } from "../document/document-store.js";
import { InvariantError, invariant } from "../runtime/invariant.js";
import { nameKey } from "./name-key.js";

/** A document as this store knows it. */
export class OwnedRef implements DocumentRef {
  readonly name: DocumentName;
  /** The epoch its owner writes. */
  readonly epoch: number;
  /** The store's number of the document; 0 while nobody has created it. */
  doc = 0;
  /** Seq of the last durable row. */
  head = 0;
  state: "owned" | "fenced" | "released" = "owned";

  constructor(name: DocumentName, epoch: number) {
    this.name = name;
    this.epoch = epoch;
  }
}

/** The refs of one store. */
export class OwnedRefs {
  readonly #owners = new Map<string, OwnedRef>();
  readonly #issued = new WeakSet<OwnedRef>();

  /** A new owner; the one before it is fenced from now on. */
  claim(name: DocumentName, epoch: number): OwnedRef {
    const key = nameKey(name);
    const before = this.#owners.get(key);
    if (before !== undefined) before.state = "fenced";
    const ref = new OwnedRef({ space: name.space, type: name.type, key: name.key }, epoch);
    this.#owners.set(key, ref);
    this.#issued.add(ref);
    return ref;
  }

  /** The store's own view of a ref that may be read through. Throws InvariantError for a released or foreign one. */
  readable(ref: DocumentRef): OwnedRef {
    const own = this.#own(ref);
    invariant(own.state !== "released", `${keyText(ref.name)} is used after its release`);
    return own;
  }

  /** Like readable, for writes. Throws StoreError `failed` when another owner has the document. */
  writable(ref: DocumentRef): OwnedRef {
    const own = this.readable(ref);
    if (own.state === "fenced") throw new StoreError("failed", `${keyText(ref.name)} has another owner`);
    return own;
  }

  /**
   * Whether each entry may be committed: contiguous after its head and under its owner's epoch. Throws InvariantError
   * for a batch that no correct owner sends.
   */
  admit(batch: readonly Append[]): AppendOutcome[] {
    const seen = new Set<DocumentRef>();
    return batch.map(({ ref, transactions }) => {
      invariant(!seen.has(ref), `${keyText(ref.name)} is twice in one append`);
      seen.add(ref);
      const own = this.#own(ref);
      if (own.state !== "owned" || transactions.some(({ epoch }) => epoch !== own.epoch)) return "fenced";
      transactions.forEach((transaction, index) => {
        check(own, transaction, own.head + 1 + index);
      });
      return "committed";
    });
  }

  /** Nothing is committed through this ref any more. */
  fence(ref: DocumentRef): void {
    const own = this.#own(ref);
    this.#forget(own);
    if (own.state === "owned") own.state = "fenced";
  }

  release(ref: DocumentRef): void {
    const own = this.#own(ref);
    this.#forget(own);
    own.state = "released";
  }

  #own(ref: DocumentRef): OwnedRef {
    if (ref instanceof OwnedRef && this.#issued.has(ref)) return ref;
    throw new InvariantError(`${keyText(ref.name)} was not loaded from this store`);
  }

  #forget(ref: OwnedRef): void {
    const key = nameKey(ref.name);
    if (this.#owners.get(key) === ref) this.#owners.delete(key);
  }
}

function check(ref: OwnedRef, transaction: Transaction, seq: number): void {
  const { request } = transaction;
  invariant(transaction.seq === seq, `${keyText(ref.name)} is appended at ${transaction.seq}, its next is ${seq}`);
  if (request === undefined) return;
  invariant(request.subject === transaction.subject, "a request's subject is its transaction's subject");
  invariant(Number.isSafeInteger(request.hash), "a request's hash is an integer below 2^53");
}

const keyText = (name: DocumentName): string => `${name.type}/${name.key}`;
