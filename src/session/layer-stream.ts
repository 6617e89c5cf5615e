// One stream of bytes: a handle, the chain its next delta links to, and the snapshot of all who reset there. The log of
// a document without views is one, and so is each layer of a view.
import type { Codec, Piece } from "@tidemark/protocol";
import type { Snapshot } from "../document/documents.js";
import { encodeAdvance, type Point } from "./delta-chain.js";
import { type SentSnapshot, sentSnapshot } from "./sent-snapshot.js";
import { SharedReplays } from "./shared-replays.js";

/** How the layers of an opening are called. */
export interface LayerNames {
  readonly handles: readonly number[];
  readonly tags: readonly string[];
}

/** Bytes under one handle. */
export class LayerStream {
  /** Never reused on this process. */
  readonly handle: number;
  /** Undefined while there is none. */
  #snapshots: Map<Codec, { readonly of: Snapshot; readonly head: number; readonly sent: SentSnapshot }> | undefined;
  /** Whose chain it has: with another handle, this is the same layer at another pace. */
  readonly #source: LayerStream | undefined;
  #replays: SharedReplays | undefined = undefined;
  /** The chain: two numbers, because it moves with every commit and is seldom asked for. */
  #epoch = 0;
  #seq = 0;
  /** The same as all get it who stand there: undefined until one asks. */
  #chain: Point | undefined = undefined;
  #names: LayerNames | undefined = undefined;

  constructor(handle: number, source?: LayerStream) {
    this.handle = handle;
    this.#source = source;
  }

  /** The layer's last change: what the next delta links to, for those who hold everything. */
  get chain(): Point {
    if (this.#source !== undefined) return this.#source.chain;
    this.#chain ??= { epoch: this.#epoch, seq: this.#seq };
    return this.#chain;
  }

  /** What whoever follows nothing but this layer remembers of it: the same object for all of them. */
  named(tag: string): LayerNames {
    if (this.#names?.tags[0] !== tag) this.#names = { handles: [this.handle], tags: [tag] };
    return this.#names;
  }

  /** Its seq. */
  get chainSeq(): number {
    return this.#source?.chainSeq ?? this.#seq;
  }

  /** What those who come back are sent of a log. */
  get replays(): SharedReplays {
    this.#replays ??= new SharedReplays(this.handle);
    return this.#replays;
  }

  /** It has changed: the next delta links to this. */
  moveTo({ epoch, seq }: Point): void {
    this.#epoch = epoch;
    this.#seq = seq;
    this.#chain = undefined;
  }

  /** The head has moved. */
  forgetSnapshots(): void {
    this.#snapshots = undefined;
  }

  /** An advance to the head. */
  advance(codec: Codec, head: Point): Piece {
    return encodeAdvance({ codec, handle: this.handle }, this.chain, head);
  }

  /** A snapshot at `head`, encoded once for all who reset there. It bears the chain's point, so that the next delta links
   * to it; an advance to the head follows, in its frame when it has but one. */
  snapshot(codec: Codec, snapshot: Snapshot, head: Point): SentSnapshot {
    const known = this.#snapshots?.get(codec);
    if (known?.of === snapshot && known.head === head.seq) return known.sent;
    const { handle, chain } = this;
    const advance = head.seq > chain.seq ? this.advance(codec, head) : undefined;
    const sent = sentSnapshot({ codec, handle, chain }, snapshot, advance);
    this.#snapshots ??= new Map();
    this.#snapshots.set(codec, { of: snapshot, head: head.seq, sent });
    return sent;
  }
}
