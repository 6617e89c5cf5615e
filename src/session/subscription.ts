// One session following one document: from `open` to `opened`, the deltas, and `ended` or `close`. It knows the
// position its socket was sent, stops being sent anything while its peer is slow, and holds back answers that must not
// overtake what it is owed.
//
//   asking --opened--> open          asking --no room--> slow         open --no room--> slow
//   asking --opened--> sending --all sent--> open, or slow when there is more by then
//   slow --room--> asking            any --ended, close--> over
import type { Codec, ErrorCode, HeldPosition, Json, JsonObject, Peers } from "@tidemark/protocol";
import { LIMITS } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Caller, Documents, Follower, Opening, RefusedAnswer, Speech } from "../document/documents.js";
import type { Attendance, Attending } from "./attendance.js";
import type { Backlog, Backlogged } from "./backlog.js";
import type { Point } from "./delta-chain.js";
import type { FanOut, HeadWatcher } from "./fan-out.js";
import type { LayerNames, LayerStream } from "./layer-stream.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { endedMessage } from "./refusal.js";
import { positionsOf, type Reached, type Step, type Transfer, transferOf } from "./transfer.js";
import type { TransferBudget, Waiter } from "./transfer-budget.js";
import type { FollowedStream, Receiver } from "./view-stream.js";
import type { OutgoingFrame } from "./wire.js";

/** What a subscription is asked for. */
export interface Asked {
  readonly s: number;
  /** Its parameters, as canonical text. */
  readonly view: string;
  readonly document: DocumentName;
  readonly params: JsonObject | undefined;
  /** What it wants to show to the others; undefined: nothing, and it does not ask who is present. */
  readonly presence: Json | undefined;
  /** The pace it asks for, ms; undefined: that of its document. */
  readonly every: number | undefined;
  /** How many of a channel's newest messages it begins with. */
  readonly last: number | undefined;
  readonly caller: Caller;
}

/** What all subscriptions of a connection share. One object for them: there are as many of them as connections. */
export interface SubscriptionHolder {
  readonly codec: Codec;
  readonly documents: Documents;
  readonly out: OutboundQueue;
  readonly budget: TransferBudget;
  /** What waits for its peer; made when something does. */
  readonly backlog: Backlog;
  /** Undefined while nothing has waited. */
  readonly knownBacklog: Backlog | undefined;
  /** Hears that a document moved, perhaps without anything to send; undefined: nobody needs to know. */
  readonly advances: HeadWatcher | undefined;
  /** The fan-out of a document, which is loaded when an opening arrives. */
  fanOut(document: DocumentName): FanOut;
  /** The connection's part among the others of a document. */
  attend(document: DocumentName): Attendance;
  /** It is over, for a reason of the server's. */
  over(subscription: Subscription): void;
}

/** What an opening is about. */
interface Shown {
  readonly fanOut: FanOut;
  readonly everyMs: number;
  /** Numbers of its layers; undefined: the log. */
  readonly ids: readonly number[] | undefined;
  readonly layers: readonly LayerStream[];
  /** Their chains when it was made. */
  readonly chains: readonly number[];
}

type State =
  | { readonly state: "asking"; readonly fromBacklog: boolean }
  | { readonly state: "slow" }
  | { readonly state: "sending"; readonly shown: Shown; readonly transfer: Transfer; next: Step }
  | { readonly state: "open"; readonly fanOut: FanOut; readonly view: FollowedStream }
  | { readonly state: "over" };

/** Of those who have said nothing else: the same objects for all. */
const ASKING: State = { state: "asking", fromBacklog: false };
const NOWHERE: Point = { epoch: 0, seq: 0 };
const NOTHING: readonly never[] = [];
const UNNAMED: LayerNames = { handles: NOTHING, tags: NOTHING };

/** A stream of one document to one socket. */
export class Subscription implements Follower, Receiver, Backlogged, Attending, HeadWatcher, Waiter {
  readonly s: number;
  readonly view: string;
  readonly codec: Codec;
  caller: Caller;
  readonly #holder: SubscriptionHolder;
  #document: DocumentName;
  readonly #params: JsonObject | undefined;
  readonly #every: number | undefined;
  readonly #last: number | undefined;
  #state: State = ASKING;
  /** Answers that must come behind what this socket is still owed; undefined: none. */
  #heldBack: (() => void)[] | undefined = undefined;
  /** What this socket was sent, of all layers, and what the next delta of the first links to. */
  #at = NOWHERE;
  #chain = NOWHERE;
  /** Its client has a whole state, which goes on from there. Else it holds what `#held` says. */
  #running = false;
  #held: readonly (HeldPosition | undefined)[] = NOTHING;
  #names: LayerNames = UNNAMED;
  /** Undefined: it says nothing to the others, and its type has nothing to say. */
  #attendance: Attendance | undefined = undefined;

  constructor(holder: SubscriptionHolder, { s, view, document, params, presence, every, last, caller }: Asked) {
    this.#holder = holder;
    this.s = s;
    this.view = view;
    this.#document = document;
    this.#params = params;
    this.#every = every;
    this.#last = last;
    this.caller = caller;
    this.codec = holder.codec;
    if (presence !== undefined) this.#attend().want(this, presence);
  }

  get document(): DocumentName {
    return this.#document;
  }

  /** `[h, epoch, seq]` of what this socket was sent, for each layer; none while there is nothing to compare with. */
  get heads(): readonly (readonly [h: number, epoch: number, seq: number])[] {
    if (this.#state.state !== "open") return [];
    return this.#state.view.layers.map(({ handle }) => [handle, this.#at.epoch, this.#at.seq]);
  }

  /** Its socket is still owed something, which answers must not overtake. */
  get isOwed(): boolean {
    return this.#state.state !== "open" && this.#state.state !== "over";
  }

  /** The seq that this socket was sent up to. */
  get reached(): number {
    return this.#at.seq;
  }

  /** Asks for the first time. */
  open({ at, create }: { readonly at: readonly HeldPosition[] | undefined; readonly create: Json | undefined }): void {
    this.#held = at ?? NOTHING;
    this.#request(create);
  }

  /** Sends an answer once nothing is owed any more. Only while something is. */
  holdBack(send: () => void): void {
    this.#heldBack ??= [];
    this.#heldBack.push(send);
  }

  opened(opening: Opening): void {
    const { state } = this.#state;
    if (state === "over") return;
    if (opening.kind === "ended") return this.#end(opening.code, opening);
    if (this.#state.state === "asking" && this.#state.fromBacklog) this.#holder.backlog.answered();
    // Its viewer has another group by now: what was not sent yet is asked for again, from what its client holds.
    if (state === "slow") return;
    if (state === "sending" || this.#isLate) return this.fallBehind();
    this.#begin(opening);
  }

  receive(frame: OutgoingFrame, at: Point, chain: Point): void {
    if (!this.#holder.out.admits(frame.bytes)) return this.fallBehind();
    this.#holder.out.sendShared(frame);
    this.#at = at;
    this.#chain = chain;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#holder.out.admits(bytes);
  }

  overrun(): void {
    this.fallBehind();
  }

  /** Sends at once what waits for its pace: an answer rests on it (REQ-2). */
  hurry(): void {
    if (this.#state.state === "open") this.#state.view.hurry(this);
  }

  /** Tells this socket of what was delivered and changed nothing, before an answer or heads that speak of it. All layers
   * at once: none is advanced past what another still has to send. */
  catchUp(): void {
    if (this.#state.state !== "open") return;
    const { fanOut, view } = this.#state;
    const { head } = fanOut;
    if (head.seq <= this.#at.seq || this.#isLate) return;
    for (const layer of view.layers) this.#holder.out.sendPiece(layer.advance(this.codec, head));
    this.#at = head;
  }

  headMoved(): void {
    this.#holder.advances?.headMoved();
  }

  ask(): void {
    if (this.#state.state !== "slow") return this.#holder.backlog.answered();
    this.#state = { state: "asking", fromBacklog: true };
    this.#request(undefined);
  }

  sendOn(): boolean {
    if (this.#state.state !== "sending") return false;
    const sending = this.#state;
    const { transfer, shown } = sending;
    this.#send(sending.next, transfer);
    const next = transfer.steps.next();
    if (next.done !== true) sending.next = next.value;
    // With the last frame, not after it: from then on its client holds what it says.
    else this.#land(transfer, shown);
    return next.done !== true;
  }

  yields(): void {
    if (this.#state.state === "sending" && this.#holder.budget.isWanted) this.fallBehind();
  }

  ended(code: ErrorCode): void {
    this.#end(code);
  }

  /** It signals the others, if it is up to date with them. */
  signal(name: string, data: Json): void {
    this.#attend().signal(this, name, data);
  }

  /** It shows something to the others; null: nothing. Undefined: it asks who is present. */
  present(meta: Json | undefined): void {
    if (meta === undefined) this.#attend().ask(this);
    else this.#attend().want(this, meta);
  }

  say(speech: Speech): void {
    this.#holder.documents.say(this.document, this, speech);
  }

  said(speech: Speech, refusal: RefusedAnswer | undefined): void {
    this.#attendance?.said(this, speech, refusal);
  }

  /** Its caller has other rights. */
  refreshed(caller: Caller): void {
    this.caller = caller;
    this.#holder.documents.refresh(this.document, this);
  }

  /** The client closed it, or its connection is gone; then it `mayReturn`. Returns the answers that were held back. */
  leave(mayReturn: boolean): readonly (() => void)[] {
    this.#over(mayReturn);
    return this.#takeHeldBack();
  }

  roomAgain(): void {
    if (this.#state.state === "slow") this.#holder.backlog.ask(this);
  }

  /** Nothing more is sent until the peer has taken what there is; then it is brought up to date from there (SLOW-1). */
  fallBehind(): void {
    this.#detach();
    this.#state = { state: "slow" };
    this.#holder.backlog.ask(this);
  }

  /** Something waits for its pace. */
  get #isLate(): boolean {
    return this.#state.state === "open" && this.#state.view.owes(this);
  }

  #request(create: Json | undefined): void {
    const [held, heldMine] = this.#claimed();
    const [document, params, last] = [this.#document, this.#params, this.#last];
    this.#holder.documents.open({ document, held, heldMine, params, create, last, follower: this });
  }

  /** What its client has completed. */
  #claimed(): readonly (HeldPosition | undefined)[] {
    return this.#running ? positionsOf(this.#at, this.#names.tags) : this.#held;
  }

  #begin(opening: Exclude<Opening, { kind: "ended" }>): void {
    const holder = this.#holder;
    const { out } = holder;
    const shown = this.#shownBy(opening);
    const { codec, s } = this;
    const { layers } = shown;
    const running = this.#goesOn(shown);
    const transfer = transferOf(opening, { codec, s, layers, running, peers: this.#peers(shown.fanOut) });
    if (!transfer.inParts && out.fits(transfer.bytes)) return this.#sendAll(transfer, shown);
    // No room: what was made for it is not kept, and is asked for again.
    if (out.unsentBytes >= LIMITS.outboundAheadBytes) return this.fallBehind();
    const next = transfer.steps.next();
    if (next.done === true) return this.#land(transfer, shown);
    if (!holder.budget.take(transfer.holds)) return this.#waitForBudget();
    this.#detach();
    this.#state = { state: "sending", shown, transfer, next: next.value };
    while (out.unsentBytes < LIMITS.outboundAheadBytes) if (!this.sendOn()) return;
    holder.backlog.send(this);
  }

  #shownBy(opening: Exclude<Opening, { kind: "ended" }>): Shown {
    const fanOut = this.#holder.fanOut(this.#document);
    this.#document = fanOut.document;
    const ids = opening.kind === "view" ? opening.layers.map(({ layer }) => layer) : undefined;
    const everyMs = Math.min(this.#every ?? fanOut.everyMs, LIMITS.paceMsMax);
    const layers = fanOut.layersAt(everyMs, ids);
    return { fanOut, everyMs, ids, layers, chains: layers.map(({ chainSeq }) => chainSeq) };
  }

  /** The chain it goes on from, if these are the very handles that its client follows. */
  #goesOn({ layers }: Shown): Point | undefined {
    const { handles } = this.#names;
    const same = layers.length === handles.length && layers.every(({ handle }, i) => handle === handles[i]);
    return this.#running && same ? this.#chain : undefined;
  }

  #sendAll(transfer: Transfer, shown: Shown): void {
    for (let next = transfer.steps.next(); next.done !== true; next = transfer.steps.next())
      this.#send(next.value, transfer);
    this.#land(transfer, shown);
  }

  #send({ frame, reached }: Step, transfer: Transfer): void {
    if (transfer.resets && this.#running) {
      this.#held = this.#claimed();
      this.#running = false;
    }
    this.#holder.out.sendShared(frame);
    if (reached !== undefined) this.#reach(reached, transfer);
  }

  #reach({ at, chain }: Reached, { names }: Transfer): void {
    // All who stand at the chain keep the same object.
    this.#at = at.seq === chain.seq && at.epoch === chain.epoch ? chain : at;
    this.#chain = chain;
    this.#names = names;
    this.#running = true;
    this.#held = NOTHING;
  }

  /** All of it was sent: it follows on, unless there is more by now. */
  #land(transfer: Transfer, { fanOut, everyMs, ids, layers, chains }: Shown): void {
    // Sending may have ended it.
    if (this.#state.state === "over") return;
    this.#reach(transfer.end, transfer);
    if (layers.some(({ chainSeq }, index) => chainSeq !== chains[index])) return this.fallBehind();
    const view = fanOut.viewAt(everyMs, ids);
    view.attach(this);
    // A view that was seen before goes once the new one has its layers.
    if (this.#state.state !== "open" || this.#state.view !== view) this.#detach();
    this.#state = { state: "open", fanOut, view };
    if (fanOut.gathering !== undefined || this.#attendance !== undefined) this.#attend().attach(this, fanOut.gathering);
    if (this.#holder.advances !== undefined) fanOut.watch(this);
    this.#release();
  }

  /** Where it meets the others. */
  #peers({ gathering }: FanOut): Peers | undefined {
    return gathering && { h: gathering.handle, you: gathering.peerOf(this.caller.principal.id) };
  }

  #attend(): Attendance {
    this.#attendance ??= this.#holder.attend(this.#document);
    return this.#attendance;
  }

  #waitForBudget(): void {
    this.#detach();
    this.#state = { state: "slow" };
    this.#holder.budget.wait(this);
  }

  #end(code: ErrorCode, details: { readonly afterMs?: number; readonly data?: Json } = {}): void {
    if (this.#state.state === "over") return;
    this.#over(false);
    this.#holder.out.send(endedMessage(this.s, code, details));
    this.#holder.over(this);
    this.#release();
  }

  #release(): void {
    for (const send of this.#takeHeldBack()) send();
  }

  #takeHeldBack(): readonly (() => void)[] {
    const heldBack = this.#heldBack;
    this.#heldBack = undefined;
    return heldBack ?? NOTHING;
  }

  #over(mayReturn: boolean): void {
    if (this.#state.state === "asking" && this.#state.fromBacklog) this.#holder.backlog.answered();
    this.#detach();
    this.#attendance?.leave(this, mayReturn);
    this.#state = { state: "over" };
  }

  /** Lets go of whatever its state holds. */
  #detach(): void {
    const { knownBacklog, budget, advances } = this.#holder;
    if (this.#state.state === "open") {
      this.#state.view.detach(this);
      this.#attendance?.detach(this);
      if (advances !== undefined) this.#state.fanOut.unwatch(this);
    }
    if (this.#state.state === "sending") budget.give(this.#state.transfer.holds);
    if (this.#state.state === "slow") budget.forget(this);
    knownBacklog?.leave(this);
  }
}
