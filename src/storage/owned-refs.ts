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
  /** The newest batch it was part of, by number. */
  batch = 0;
  /** Who gave it out. */
  readonly issuer: OwnedRefs;

  constructor(name: DocumentName, epoch: number, issuer: OwnedRefs) {
    this.name = name;
    this.epoch = epoch;
    this.issuer = issuer;
  }
}

/** The refs of one store. */
export class OwnedRefs {
  readonly #owners = new Map<string, OwnedRef>();
  #batch = 0;

  /** A new owner; the one before it is fenced from now on. */
  claim(name: DocumentName, epoch: number): OwnedRef {
    const key = nameKey(name);
    const before = this.#owners.get(key);
    if (before !== undefined) before.state = "fenced";
    const ref = new OwnedRef({ space: name.space, type: name.type, key: name.key }, epoch, this);
    this.#owners.set(key, ref);
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
    this.#batch++;
    const outcomes: AppendOutcome[] = [];
    for (const { ref, transactions } of batch) {
      const own = this.#own(ref);
      if (own.batch === this.#batch) throw new InvariantError(`${keyText(ref.name)} is twice in one append`);
      own.batch = this.#batch;
      outcomes.push(admitOne(own, transactions));
    }
    return outcomes;
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
    if (ref instanceof OwnedRef && ref.issuer === this) return ref;
    throw new InvariantError(`${keyText(ref.name)} was not loaded from this store`);
  }

  #forget(ref: OwnedRef): void {
    const key = nameKey(ref.name);
    if (this.#owners.get(key) === ref) this.#owners.delete(key);
  }
}

function admitOne(own: OwnedRef, transactions: readonly Transaction[]): AppendOutcome {
  if (own.state !== "owned") return "fenced";
  for (const { epoch } of transactions) if (epoch !== own.epoch) return "fenced";
  let seq = own.head;
  for (const transaction of transactions) check(own, transaction, ++seq);
  return "committed";
}

function check(ref: OwnedRef, transaction: Transaction, seq: number): void {
  const { request } = transaction;
  // Messages are made only for what fails: a row is checked far more often than one is wrong.
  if (transaction.seq !== seq) {
    throw new InvariantError(`${keyText(ref.name)} is appended at ${transaction.seq}, its next is ${seq}`);
  }
  if (request === undefined) return;
  invariant(request.subject === transaction.subject, "a request's subject is its transaction's subject");
  invariant(Number.isSafeInteger(request.hash), "a request's hash is an integer below 2^53");
}

const keyText = (name: DocumentName): string => `${name.type}/${name.key}`;
