// One connection among the others that follow a document: what it shows of itself, whether it is told who is present, what
// it signals. However many subscriptions it has there, it says and hears everything once. Made for those alone that say
// something to the others or follow a type that lets them; deltas never come here.
import { type Codec, type Json, LIMITS } from "@tidemark/protocol";
import type { RefusedAnswer, Speech } from "../document/documents.js";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { Gathering, Participant } from "./gathering.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { faultMessage } from "./refusal.js";
import type { OutgoingFrame } from "./wire.js";

/** A subscription to the document. */
export interface Attending {
  readonly s: number;
  /** Has it checked; `said` hears of it. */
  say(speech: Speech): void;
  /** There is no room for what its connection must be told: it is brought up to date when there is. */
  fallBehind(): void;
}

/** What an attendance needs of its connection. */
export interface AttendanceParts {
  readonly codec: Codec;
  readonly runtime: Runtime;
  readonly out: OutboundQueue;
  /** The principal. */
  readonly id: string;
}

/** One connection's part in a gathering. */
export class Attendance implements Participant {
  readonly codec: Codec;
  readonly #parts: AttendanceParts;
  /** Its subscriptions that are open. */
  readonly #open = new Set<Attending>();
  /** What each of them wants to show, the newest last; null: only to watch. */
  readonly #wanted = new Map<Attending, Json>();
  /** Of a type that has neither signals nor presence there is none, but an answer. */
  #gathering: Gathering | undefined = undefined;
  #isShown = false;
  #isWatching = false;
  /** What its socket was told of those present; undefined: nothing yet. */
  #rev: number | undefined = undefined;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #sayLater: CancelTimer | undefined = undefined;

  constructor(parts: AttendanceParts) {
    this.#parts = parts;
    this.codec = parts.codec;
  }

  /** `[h, 0, rev]` of what this socket was told of those present. */
  get head(): readonly [h: number, epoch: number, seq: number] | undefined {
    const gathering = this.#gathering;
    return gathering === undefined || this.#rev === undefined ? undefined : [gathering.handle, 0, this.#rev];
  }

  /** A subscription is open. */
  attach(one: Attending, gathering: Gathering | undefined): void {
    this.#gathering = gathering;
    if (this.#open.size === 0) gathering?.attach(this);
    this.#open.add(one);
    if (this.#wanted.has(one)) this.#sayAnew();
  }

  /** A subscription is slow, or about to be over. What is shown stays. */
  detach(one: Attending): void {
    if (!this.#open.delete(one) || this.#open.size > 0) return;
    this.#gathering?.detach(this);
    this.#forgetTold();
    this.#sayLater?.();
    this.#sayLater = undefined;
  }

  /** A subscription is over. `mayReturn`: it was cut off (PRES-5). */
  leave(one: Attending, mayReturn: boolean): void {
    this.detach(one);
    if (!this.#wanted.delete(one)) return;
    if (this.#wanted.size > 0) return this.#sayWanted();
    this.#gathering?.unwatch(this);
    this.#forgetTold();
    this.#hide(mayReturn);
  }

  /** What a subscription wants to show, null to be told only. The last one counts. */
  want(one: Attending, meta: Json): void {
    const bytes = bytesOf(meta);
    if (bytes > LIMITS.presenceBytesMax) return this.#refused("pres", one, tooLarge("presenceBytesMax", bytes));
    const isNew = !this.#wanted.delete(one);
    this.#wanted.set(one, meta);
    if (!this.#open.has(one)) return;
    if (isNew) this.#sayAnew();
    else this.#sayWanted();
  }

  /** Its client wants the list, again or for the first time. */
  ask(one: Attending): void {
    if (!this.#wanted.has(one)) this.want(one, null);
    else if (this.#isWatching) this.#gathering?.watch(this);
  }

  /** Its caller has other rights. */
  refreshed(): void {
    if (this.#wanted.size > 0) this.#sayNow();
  }

  /** Whoever is not followed up to date is not heard. */
  signal(one: Attending, name: string, data: Json): void {
    if (!this.#open.has(one)) return;
    const bytes = bytesOf(data);
    if (bytes > LIMITS.signalBytesMax) return this.#refused("sig", one, tooLarge("signalBytesMax", bytes));
    one.say({ kind: "signal", name, data });
  }

  /** What a subscription wanted to say was checked. */
  said(one: Attending, speech: Speech, refusal: RefusedAnswer | undefined): void {
    const gathering = this.#gathering;
    const about = speech.kind === "signal" ? "sig" : "pres";
    if (refusal !== undefined) {
      if (speech.kind === "presence") this.#unshown(refusal, gathering);
      this.#refused(about, one, refusal);
    } else if (gathering !== undefined && speech.kind === "signal") {
      const { name, data } = speech;
      const peer = gathering.peerOf(this.#parts.id);
      if (!gathering.signal(this, { name, data, peer })) this.#refused(about, one, { code: "rate_limited" });
    } else if (gathering !== undefined && speech.kind === "presence") {
      this.#show(speech.meta, gathering);
    }
  }

  hear(frame: OutgoingFrame): void {
    const { out } = this.#parts;
    if (out.fits(frame.bytes)) out.sendShared(frame);
  }

  hearPresence(frame: OutgoingFrame, rev: number): void {
    const { out } = this.#parts;
    if (!out.admits(frame.bytes)) return this.#fallBehind();
    out.sendShared(frame);
    this.#rev = rev;
  }

  #fallBehind(): void {
    for (const one of [...this.#open]) one.fallBehind();
  }

  /** It needs the list. */
  #sayAnew(): void {
    this.#isWatching = false;
    this.#sayWanted();
  }

  /** Not at every word of a client that says it over and over. */
  #sayWanted(): void {
    if (this.#sayLater !== undefined) return;
    const { runtime } = this.#parts;
    const inMs = this.#saidAtMs + LIMITS.presenceIntervalMs - runtime.monotonicMs();
    if (inMs <= 0) return this.#sayNow();
    this.#sayLater = runtime.setTimer(inMs, () => {
      this.#sayLater = undefined;
      this.#sayNow();
    });
  }

  /** Through one that is open; while none is, it waits for the next that will be. */
  #sayNow(): void {
    const [one] = this.#open;
    if (one === undefined) return;
    this.#saidAtMs = this.#parts.runtime.monotonicMs();
    const shown = [...this.#wanted.values()].findLast((meta) => meta !== null);
    one.say({ kind: "presence", meta: shown ?? null });
  }

  #show(meta: Json, gathering: Gathering): void {
    const { id } = this.#parts;
    if (meta === null) this.#hide(false);
    else gathering.show({ id, peer: gathering.peerOf(id), holder: this, meta });
    this.#isShown = meta !== null;
    this.#watch(gathering);
  }

  /** What does not fit leaves what is shown as it is, and does not keep anybody from watching. Whoever may not, and whose
   * type has none, is told of nobody. */
  #unshown({ code }: RefusedAnswer, gathering: Gathering | undefined): void {
    if (code !== "denied" && code !== "unknown_message") return this.#watch(gathering);
    gathering?.unwatch(this);
    this.#forgetTold();
    this.#hide(false);
  }

  #watch(gathering: Gathering | undefined): void {
    if (this.#isWatching || gathering === undefined) return;
    this.#isWatching = true;
    gathering.watch(this);
  }

  #hide(mayReturn: boolean): void {
    if (this.#isShown) this.#gathering?.hide(this.#parts.id, this, mayReturn);
    this.#isShown = false;
  }

  #forgetTold(): void {
    this.#isWatching = false;
    this.#rev = undefined;
  }

  #refused(about: "sig" | "pres", { s }: Attending, refusal: RefusedAnswer): void {
    this.#parts.out.send(faultMessage(refusal, { about, s }));
  }
}

const bytesOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value));

const tooLarge = (limit: "signalBytesMax" | "presenceBytesMax", yours: number): RefusedAnswer => ({
  code: "too_large",
  data: { limit, value: LIMITS[limit], yours },
});
