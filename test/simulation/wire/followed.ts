// One subscription of one connection, as it must look from the server's side of the socket: its layers, where each of
// them stands, and whether what is said next may follow (OPEN, SEQ, VIEW-3). It holds no state of documents.
import type { DeltaMessage, Open, Opened, SnapMessage } from "@tidemark/protocol";
import { types } from "../app/app.js";
import { BALLAST } from "../app/ballast.js";
import { typeOf } from "../workload/deeds.js";
import { PaceWatch } from "./pace-watch.js";

/** One layer: the number of its stream, and what was sent of it. */
interface Layer {
  readonly handle: number;
  /** Its snapshot has not come, or not all of it. */
  isAwaited: boolean;
  /** What is under way of it in parts, and how many of them are still to come. */
  parts: { readonly epoch: number; readonly seq: number; left: number } | undefined;
  chain: number;
  epoch: number;
  seq: number;
}

/** Who is told what is wrong. */
export type Complain = (rule: string, text: string) => void;

/** What one subscription was sent. */
export class Followed {
  readonly s: number;
  readonly documentId: string;
  readonly #held: Open["at"];
  readonly #complain: Complain;
  #layers: Layer[] = [];
  readonly pace: PaceWatch;
  /** A heartbeat left it out: it is marked slow (SLOW-3). */
  isMarked = false;
  /** The frame that is being sent has something of it. */
  #moved = false;
  /** How far the document was when it was opened: what comes after that comes live. */
  openedHead = 0;
  /** It may be opened anew: an identity was refreshed since (VIEW-5), or its peer was slow (SLOW-2). */
  mayReopen = false;
  #regroups = 0;

  constructor({ s, doc, at, every }: Open, complain: Complain) {
    this.s = s;
    this.documentId = doc;
    this.#held = at;
    this.#complain = complain;
    this.pace = new PaceWatch(every ?? types.get(typeOf(doc))?.everyMs ?? 0, complain);
  }

  get handles(): readonly number[] {
    return this.#layers.map(({ handle }) => handle);
  }

  /** The client claimed to hold something, and knows nothing against it. */
  get isResuming(): boolean {
    return this.#held?.every(([, , tag]) => tag !== "!") ?? false;
  }

  /** It may be marked whenever: more comes between two beats than may wait for them (PACE-5), and what it is sent in parts
   * waits for its share of what all openings may hold (PART-7). */
  get isHeavy(): boolean {
    return this.documentId === BALLAST;
  }

  /** `opened` was sent. */
  get isAnswered(): boolean {
    return this.#layers.length > 0;
  }

  /** All of a state was sent. */
  get isWhole(): boolean {
    return this.isAnswered && !this.#layers.some(({ isAwaited }) => isAwaited);
  }

  /** Its viewer has other rights, and may be in another group. */
  regroups(): void {
    this.#regroups += 1;
  }

  /** All layers have reached this. */
  hasReached(seq: number): boolean {
    return this.#layers.every((layer) => layer.seq >= seq);
  }

  opened({ h, mode, prev }: Opened, head: number): void {
    this.openedHead = head;
    if (this.isAnswered && !this.mayReopen && this.#regroups === 0 && !this.isHeavy)
      this.#complain("OPEN-1", `opened twice for subscription ${this.s}`);
    // What was made for the rights of before may have been on its way from the owner when they changed at an edge.
    if (this.isAnswered && !this.mayReopen && this.#regroups > 0) this.#regroups -= 1;
    const before = this.#layers;
    this.mayReopen = false;
    this.#layers = h.map((handle, index) => {
      if (mode[index] === "reset") return { handle, isAwaited: true, parts: undefined, chain: 0, epoch: 0, seq: 0 };
      return this.#resumed(handle, prev[index] ?? 0, before[index] ?? this.#claimed(index));
    });
  }

  snap([, handle, epoch, seq, , parts]: SnapMessage): void {
    const layer = this.#layer(handle);
    if (layer === undefined) return;
    if (!layer.isAwaited || layer.parts !== undefined) {
      this.#complain("OPEN-4", `a snap without a reset of ${this.documentId}`);
    }
    if (parts === undefined) Object.assign(layer, { isAwaited: false, chain: seq, epoch, seq });
    else layer.parts = { epoch, seq, left: parts.parts };
  }

  part(handle: number): void {
    const layer = this.#layer(handle);
    const { parts } = layer ?? {};
    if (layer === undefined || parts === undefined) return this.#complain("PART-1", "a part of nothing");
    parts.left -= 1;
    if (parts.left > 0) return;
    const { epoch, seq } = parts;
    Object.assign(layer, { isAwaited: false, parts: undefined, chain: seq, epoch, seq });
  }

  /** True: it moved the chain. `isTold`: nothing was lost before it, so that it must link. */
  delta([, handle, prev, seq, operations, extension]: DeltaMessage, isTold: boolean): boolean {
    const layer = this.#layer(handle);
    if (layer === undefined) return false;
    const isEmpty = operations.length === 0 && extension?.ev === undefined;
    const links = !layer.isAwaited && prev === layer.chain && seq >= layer.seq;
    if (!links && isTold) {
      const after = `chain ${layer.chain}, position ${layer.seq}`;
      this.#complain("SEQ-2", `${this.documentId}: d ${prev}-${seq} after ${after}`);
    }
    if (isEmpty && extension?.e === undefined) this.#complain("SEQ-3", "an advance without its epoch");
    if (!isEmpty) {
      layer.chain = seq;
      this.#moved = true;
    }
    layer.epoch = extension?.e ?? layer.epoch;
    layer.seq = seq;
    return !isEmpty;
  }

  /** A head that was stated. */
  head(handle: number, epoch: number, seq: number): void {
    const layer = this.#layer(handle);
    if (layer?.isAwaited === true) this.#complain("HEAD-1", `${this.documentId}: a head before its snapshot`);
    if (layer === undefined || (layer.seq === seq && layer.epoch === epoch)) return;
    const sent = `${layer.epoch},${layer.seq}`;
    this.#complain("HEAD-1", `${this.documentId}: head ${epoch},${seq}, but sent was ${sent}`);
  }

  /** A frame is over. */
  frameEnd(atMs: number): void {
    if (this.#moved) this.pace.sent(atMs);
    this.#moved = false;
    const [first, ...others] = this.#layers;
    if (first === undefined || others.length === 0 || !this.isWhole) return;
    if (others.every(({ epoch, seq }) => epoch === first.epoch && seq === first.seq)) return;
    const stand = this.#layers.map(({ epoch, seq }) => `${epoch},${seq}`).join(" and ");
    this.#complain("VIEW-3", `${this.documentId}: after a frame its layers stand at ${stand}`);
  }

  #layer(handle: number): Layer | undefined {
    return this.#layers.find((layer) => layer.handle === handle);
  }

  #claimed(index: number): Omit<Layer, "handle"> | undefined {
    const held = this.#held?.[index];
    return held === undefined
      ? undefined
      : { isAwaited: false, parts: undefined, chain: held[1], epoch: held[0], seq: held[1] };
  }

  #resumed(handle: number, prev: number, from: Omit<Layer, "handle"> | undefined): Layer {
    if (from === undefined) this.#complain("OPEN-4", `subscription ${this.s} resumes from nothing`);
    return { isAwaited: false, parts: undefined, epoch: from?.epoch ?? 0, seq: from?.seq ?? 0, handle, chain: prev };
  }
}
