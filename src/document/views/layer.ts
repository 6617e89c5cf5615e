// One layer of a view: what it shows now, its place in the chain, and the tag that names what it is a function of. It
// knows how to bring itself to another state; who follows it, and what becomes of the delta, is decided elsewhere.
import { type Json, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { StoredPosition } from "../document-store.js";
import type { Snapshot } from "../documents.js";
import { refusePromise, TooLargeError } from "../refusal.js";
import { Reads, tracked } from "./reads.js";
import { shownValue } from "./shown-value.js";
import { viewDiff } from "./view-diff.js";

/** What a layer is. */
export interface LayerParts {
  /** Its number, never used again. */
  readonly id: number;
  readonly kind: "shared" | "mine";
  /** The view key; empty for `shared`. */
  readonly group: string;
  readonly tag: string;
  /** What it is found by. */
  readonly name: string;
  /** The author's function. */
  readonly view: (state: object) => unknown;
}

const NO_OPERATIONS = "[]";

/** One stream of a document with views. */
export class Layer {
  readonly id: number;
  readonly kind: "shared" | "mine";
  readonly group: string;
  readonly tag: string;
  readonly name: string;
  /** How many follow it. */
  followers = 0;
  /** The last change; snapshots bear it, deltas link to it. */
  chain: StoredPosition;
  /** Without followers: the state it was last brought to. */
  leftAt: StoredPosition;
  /** What was read for the value it shows. */
  reads = new Reads();
  readonly #view: LayerParts["view"];
  #value: Json;
  #text: string | undefined;
  #snapshot: Snapshot | undefined;
  /** What the value took as JSON text when it was last measured, and the most it has grown since. */
  #measuredBytes = 0;
  #grownBytes = 0;

  /** Throws what the author's function throws, TypeError for what is no JSON, TooLargeError. */
  constructor(parts: LayerParts, tree: JsonObject, at: StoredPosition) {
    this.id = parts.id;
    this.kind = parts.kind;
    this.group = parts.group;
    this.tag = parts.tag;
    this.name = parts.name;
    this.#view = parts.view;
    this.chain = at;
    this.leftAt = at;
    this.#value = this.#shown(tree);
    this.#measure();
  }

  /** Brings it to another state; the operations as JSON text. Throws as the constructor; then it is worthless. */
  moveTo(tree: JsonObject): string {
    const value = this.#shown(tree);
    const operations = viewDiff(this.#value, value);
    if (operations.length === 0) return NO_OPERATIONS;
    this.#value = value;
    this.#text = undefined;
    this.#snapshot = undefined;
    const text = JSON.stringify(operations);
    this.#grownBytes += text.length;
    if (this.#measuredBytes + this.#grownBytes > LIMITS.stateBytesMax) this.#measure();
    return text;
  }

  /** All of it, at its last change: serialised once and shared. */
  snapshot(): Snapshot {
    const { seq, epoch } = this.chain;
    if (this.#snapshot?.seq !== seq || this.#snapshot.epoch !== epoch) {
      this.#snapshot = { seq, epoch, stateJson: this.#json() };
    }
    return this.#snapshot;
  }

  /** About how long a snapshot is, at most twice as long. */
  get bytesAbout(): number {
    if (this.#grownBytes > this.#measuredBytes) this.#measure();
    return this.#measuredBytes + this.#grownBytes;
  }

  #shown(tree: JsonObject): Json {
    const reads = new Reads();
    const made = this.#view(tracked(tree, reads));
    refusePromise(made);
    const value = shownValue(made);
    if (this.kind === "shared" && !isObject(value)) throw new TypeError("the view `shared` must return an object");
    this.reads = reads;
    return value;
  }

  #json(): string {
    this.#text ??= JSON.stringify(this.#value);
    return this.#text;
  }

  #measure(): void {
    this.#measuredBytes = Buffer.byteLength(this.#json());
    this.#grownBytes = 0;
    if (this.#measuredBytes > LIMITS.stateBytesMax) throw new TooLargeError("stateBytesMax", this.#measuredBytes);
  }
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
