// One session following one document: from `open` to `opened`, the deltas, and `ended` or `close`. It knows the
// position its socket was sent, and holds back answers that must not overtake its first payload.
import type { Codec, ErrorCode } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Caller, Follower, Opening, PastEvent } from "../document/documents.js";
import { encodeAdvance, encodeChain, isEmpty, type Point } from "./delta-chain.js";
import type { FanOut, Receiver } from "./fan-out.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { endedMessage } from "./refusal.js";
import type { OutgoingFrame } from "./wire.js";

/** What a subscription is made of. */
export interface SubscriptionParts {
  readonly s: number;
  readonly document: DocumentName;
  readonly caller: Caller;
  readonly codec: Codec;
  readonly out: OutboundQueue;
  /** The fan-out of the document, which is loaded when an opening arrives. */
  readonly fanOut: () => FanOut;
  /** It is over, for a reason of the server's. */
  readonly onEnded: (subscription: Subscription) => void;
}

type State =
  | { readonly state: "opening"; readonly heldBack: (() => void)[] }
  | { readonly state: "open"; readonly fanOut: FanOut }
  | { readonly state: "over" };

/** A stream of one document to one socket. */
export class Subscription implements Follower, Receiver {
  readonly s: number;
  readonly document: DocumentName;
  readonly caller: Caller;
  readonly codec: Codec;
  readonly #parts: SubscriptionParts;
  #state: State = { state: "opening", heldBack: [] };
  #at: Point = { epoch: 0, seq: 0 };

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.s = parts.s;
    this.document = parts.document;
    this.caller = parts.caller;
    this.codec = parts.codec;
  }

  /** `[h, epoch, seq]` of what this socket was sent; undefined while there is nothing to compare with. */
  get head(): readonly [h: number, epoch: number, seq: number] | undefined {
    return this.#state.state === "open" ? [this.#state.fanOut.handle, this.#at.epoch, this.#at.seq] : undefined;
  }

  /** True until its first payload is on its way. */
  get isOpening(): boolean {
    return this.#state.state === "opening";
  }

  /** Sends an answer right after the first payload. Only while it is opening. */
  holdBack(send: () => void): void {
    if (this.#state.state === "opening") this.#state.heldBack.push(send);
  }

  opened(opening: Opening): void {
    if (this.#state.state !== "opening") return;
    const { heldBack } = this.#state;
    if (opening.kind === "ended") {
      this.#end(opening.code, opening.afterMs);
    } else {
      const fanOut = this.#parts.fanOut();
      this.#state = { state: "open", fanOut };
      if (opening.kind === "resume") this.#resume(opening, fanOut);
      else this.#reset(opening, fanOut);
      fanOut.attach(this);
    }
    for (const send of heldBack) send();
  }

  receive(frame: OutgoingFrame, through: Point): void {
    this.#parts.out.sendShared(frame);
    this.#at = through;
  }

  /** Tells this socket of what was delivered and changed nothing, before an answer or heads that speak of it. */
  catchUp(): void {
    if (this.#state.state !== "open") return;
    const { fanOut } = this.#state;
    const { handle, chain, head } = fanOut;
    if (head.seq <= this.#at.seq) return;
    this.#parts.out.sendPiece(encodeAdvance({ codec: this.codec, handle }, chain, head));
    this.#at = head;
  }

  ended(code: ErrorCode): void {
    const heldBack = this.#state.state === "opening" ? this.#state.heldBack : [];
    this.#end(code, undefined);
    for (const send of heldBack) send();
  }

  /** The client closed it, or its connection is gone. Returns the answers that were held back. */
  leave(): readonly (() => void)[] {
    const heldBack = this.#state.state === "opening" ? this.#state.heldBack : [];
    this.#detach();
    return heldBack;
  }

  #resume({ tag, prev, missed }: Extract<Opening, { kind: "resume" }>, fanOut: FanOut): void {
    const { out, s, codec } = this.#parts;
    const { handle, chain } = fanOut;
    const held = { epoch: prev[0], seq: prev[1] };
    const changed = missed.some((row) => !isEmpty(row));
    out.send(["opened", { s, h: [handle], mode: ["resume"], prev: [changed ? held.seq : chain.seq], tag: [tag] }]);
    for (const piece of encodeChain({ codec, handle }, held, missed, chain)) out.sendPiece(piece);
    this.#at = pointOf(missed.at(-1) ?? held);
  }

  #reset({ tag, snapshot, events, gap }: Extract<Opening, { kind: "reset" }>, fanOut: FanOut): void {
    const { out, s, codec } = this.#parts;
    const past = events.length === 0 ? {} : { events: events.map(toWire) };
    const lost = gap ? { gap } : {};
    out.send([
      "opened",
      { s, h: [fanOut.handle], mode: ["reset"], prev: [fanOut.chain.seq], tag: [tag], ...past, ...lost },
    ]);
    out.sendShared(fanOut.snapFrame(codec, snapshot));
    this.#at = pointOf(snapshot);
  }

  #end(code: ErrorCode, afterMs: number | undefined): void {
    if (this.#state.state === "over") return;
    this.#detach();
    this.#parts.out.send(endedMessage(this.s, code, afterMs));
    this.#parts.onEnded(this);
  }

  #detach(): void {
    if (this.#state.state === "open") this.#state.fanOut.detach(this);
    this.#state = { state: "over" };
  }
}

/** Held for as long as the subscription lasts: nothing but the numbers. */
const pointOf = ({ epoch, seq }: Point): Point => ({ epoch, seq });

const toWire = ({ seq, at, name, data }: PastEvent) => [seq, at, name, data] as const;
