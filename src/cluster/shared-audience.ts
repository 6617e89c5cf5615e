// Everybody who follows one document of this owner: those on its own sockets, and the edges that have followers, each of which
// is told everything once, in a text that all edges share. Who is present and what is signalled goes to all of them.
import type { DocumentName, StoredPosition } from "../document/document-store.js";
import type { Audience, AudienceOptions, Committed, LayerDelta } from "../document/documents.js";
import type { FanOut } from "../session/fan-out.js";
import type { Companion, Signal } from "../session/gathering.js";
import type { Shown } from "../session/present-list.js";
import { type FromOwner, type SentShown, toSentRow } from "./link-messages.js";

/** The end of a link, as far as it is told things. */
export interface ToEdge {
  sendText(messageJson: string): void;
}

/** The audience of one document on all processes. */
export class SharedAudience implements Audience, Companion {
  readonly #name: DocumentName;
  readonly #options: AudienceOptions;
  readonly #local: FanOut;
  readonly #retired: () => void;
  readonly #seats = new Set<EdgeSeat>();
  /** What is shown, by holders, and the number that edges know each by. */
  readonly #showings = new Map<object, { readonly p: number; readonly shown: Shown }>();
  #lastShowing = 0;

  constructor(name: DocumentName, options: AudienceOptions, parts: { local: FanOut; retired: () => void }) {
    this.#name = name;
    this.#options = options;
    this.#local = parts.local;
    this.#retired = parts.retired;
    parts.local.gathering?.accompany(this);
  }

  /** An edge follows from here on; it is told where the document is. */
  join(d: number, to: ToEdge): EdgeSeat {
    const seat = new EdgeSeat(d, to, this);
    const begin: FromOwner = ["begin", d, this.#name, this.#options, this.#local.place];
    to.sendText(JSON.stringify(begin));
    for (const { p, shown } of this.#showings.values()) seat.tell("shown", `${p},${JSON.stringify(plain(shown))}`);
    this.#seats.add(seat);
    return seat;
  }

  /** The edge hears nothing more. */
  leave(seat: EdgeSeat): void {
    if (this.#seats.delete(seat)) seat.tell("retire", "");
  }

  begin(at: StoredPosition): void {
    this.#local.begin(at);
  }

  deliver(transactions: readonly Committed[]): void {
    this.#local.deliver(transactions);
    if (this.#seats.size > 0) this.#tell("rows", JSON.stringify(transactions.map(toSentRow)));
  }

  beginLayer(layer: number, chain: StoredPosition): void {
    this.#local.beginLayer(layer, chain);
    if (this.#seats.size > 0) this.#tell("layer", `${layer},${pointJson(chain)}`);
  }

  endLayer(layer: number): void {
    this.#local.endLayer(layer);
    if (this.#seats.size > 0) this.#tell("unlayer", String(layer));
  }

  release(head: StoredPosition, deltas: ReadonlyMap<number, LayerDelta>): void {
    this.#local.release(head, deltas);
    if (this.#seats.size > 0) this.#tell("release", `${pointJson(head)},${JSON.stringify([...deltas])}`);
  }

  retire(): void {
    this.#local.retire();
    for (const seat of [...this.#seats]) this.leave(seat);
    this.#retired();
  }

  shown(shown: Shown): void {
    this.#shownBy(shown, undefined);
  }

  hidden(id: string, holder: object, mayReturn: boolean): void {
    this.#hiddenBy(holder, { id, mayReturn }, undefined);
  }

  signalled(signal: Signal): void {
    this.#signalledBy(signal, undefined);
  }

  /** Somebody at an edge shows something, through `holder`. */
  showFrom(seat: EdgeSeat, holder: object, { id, meta }: SentShown): void {
    const { gathering } = this.#local;
    if (gathering === undefined) return;
    const shown = { id, meta, holder, peer: gathering.peerOf(id) };
    gathering.takeShown(shown);
    this.#shownBy(shown, seat);
  }

  hideFrom(seat: EdgeSeat, holder: object, hidden: { readonly id: string; readonly mayReturn: boolean }): void {
    this.#local.gathering?.takeHidden(hidden.id, holder, hidden.mayReturn);
    this.#hiddenBy(holder, hidden, seat);
  }

  signalFrom(seat: EdgeSeat, signal: Signal): void {
    this.#local.gathering?.takeSignal(signal);
    this.#signalledBy(signal, seat);
  }

  #shownBy(shown: Shown, from: EdgeSeat | undefined): void {
    const known = this.#showings.get(shown.holder);
    if (known === undefined) this.#lastShowing += 1;
    const p = known?.p ?? this.#lastShowing;
    this.#showings.set(shown.holder, { p, shown });
    if (this.#seats.size > 0) this.#tell("shown", `${p},${JSON.stringify(plain(shown))}`, from);
  }

  #hiddenBy(holder: object, { id, mayReturn }: { id: string; mayReturn: boolean }, from: EdgeSeat | undefined): void {
    const known = this.#showings.get(holder);
    if (known === undefined) return;
    this.#showings.delete(holder);
    if (this.#seats.size > 0) this.#tell("hidden", `${known.p},${JSON.stringify(id)},${mayReturn}`, from);
  }

  #signalledBy({ name, data, peer }: Signal, from: EdgeSeat | undefined): void {
    if (this.#seats.size > 0) this.#tell("signalled", JSON.stringify([name, data, peer]).slice(1, -1), from);
  }

  /** The rest of a message, behind the document's number, as JSON. */
  #tell(kind: FromOwner[0], rest: string, except?: EdgeSeat): void {
    for (const seat of this.#seats) if (seat !== except) seat.tell(kind, rest);
  }
}

/** An edge that follows a document, and what is shown there. */
export class EdgeSeat {
  /** The document's number on the link. */
  readonly d: number;
  readonly #to: ToEdge;
  readonly #audience: SharedAudience;
  readonly #holders = new Map<number, { readonly id: string }>();

  constructor(d: number, to: ToEdge, audience: SharedAudience) {
    this.d = d;
    this.#to = to;
    this.#audience = audience;
  }

  tell(kind: FromOwner[0], rest: string): void {
    this.#to.sendText(rest === "" ? `["${kind}",${this.d}]` : `["${kind}",${this.d},${rest}]`);
  }

  show(p: number, shown: SentShown): void {
    const holder = this.#holders.get(p) ?? { id: shown.id };
    this.#holders.set(p, holder);
    this.#audience.showFrom(this, holder, shown);
  }

  hide(p: number, mayReturn: boolean): void {
    const holder = this.#holders.get(p);
    if (holder === undefined) return;
    this.#holders.delete(p);
    this.#audience.hideFrom(this, holder, { id: holder.id, mayReturn });
  }

  signal(signal: Signal): void {
    this.#audience.signalFrom(this, signal);
  }

  /** Nobody there follows any more. Whoever is shown all the same was cut off. */
  leave(): void {
    for (const p of [...this.#holders.keys()]) this.hide(p, true);
    this.#audience.leave(this);
  }
}

const plain = ({ id, meta }: Shown): SentShown => ({ id, meta });

const pointJson = ({ epoch, seq }: StoredPosition): string => `{"epoch":${epoch},"seq":${seq}}`;
