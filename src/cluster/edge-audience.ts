// Those at this edge who follow one document of the owner: its fan-out takes what the owner delivers, and what they say to each
// other goes to the owner, and so to all others.
import { invariant } from "../runtime/invariant.js";
import type { FanOut, Place } from "../session/fan-out.js";
import type { Companion, Signal } from "../session/gathering.js";
import type { Shown } from "../session/present-list.js";
import { type FromEdge, fromSentRow, type SentRow, type SentShown } from "./link-messages.js";

/** What an audience at an edge is made of. */
export interface EdgeAudienceParts {
  readonly fanOut: FanOut;
  /** Where the document is. */
  readonly place: Place;
  readonly send: (message: FromEdge) => void;
}

/** One document at an edge. */
export class EdgeAudience implements Companion {
  readonly fanOut: FanOut;
  readonly #d: number;
  readonly #send: (message: FromEdge) => void;
  /** Who shows something elsewhere. */
  readonly #elsewhere = new Map<number, object>();
  /** Who shows something here. */
  readonly #here = new Map<object, number>();
  #last = 0;
  /** The seq of the last row; undefined: none came since it was begun. */
  #seq: number | undefined = undefined;

  constructor(d: number, { fanOut, place, send }: EdgeAudienceParts) {
    this.#d = d;
    this.fanOut = fanOut;
    this.#send = send;
    fanOut.beginAt(place);
    fanOut.gathering?.accompany(this);
  }

  rows(sent: readonly SentRow[]): void {
    const rows = sent.map(fromSentRow);
    for (const { seq } of rows) {
      invariant(this.#seq === undefined || seq === this.#seq + 1, "an edge is told of every row, in order");
      this.#seq = seq;
    }
    this.fanOut.deliver(rows);
  }

  shown({ id, meta, holder }: Shown): void {
    if (!this.#here.has(holder)) this.#last += 1;
    const p = this.#here.get(holder) ?? this.#last;
    this.#here.set(holder, p);
    this.#send(["show", this.#d, p, { id, meta }]);
  }

  hidden(_id: string, holder: object, mayReturn: boolean): void {
    const p = this.#here.get(holder);
    if (p === undefined) return;
    this.#here.delete(holder);
    this.#send(["hide", this.#d, p, mayReturn]);
  }

  signalled({ name, data, peer }: Signal): void {
    this.#send(["signal", this.#d, name, data, peer]);
  }

  takeShown(p: number, { id, meta }: SentShown): void {
    const { gathering } = this.fanOut;
    if (gathering === undefined) return;
    const holder = this.#elsewhere.get(p) ?? {};
    this.#elsewhere.set(p, holder);
    gathering.takeShown({ id, meta, holder, peer: gathering.peerOf(id) });
  }

  takeHidden(p: number, { id, mayReturn }: { readonly id: string; readonly mayReturn: boolean }): void {
    const holder = this.#elsewhere.get(p);
    this.#elsewhere.delete(p);
    if (holder !== undefined) this.fanOut.gathering?.takeHidden(id, holder, mayReturn);
  }

  takeSignal(signal: Signal): void {
    this.fanOut.gathering?.takeSignal(signal);
  }
}
