// Watches one connection from the server's side of the socket and compares what is said with the rules that can be seen
// there: chains (SEQ-2), answers (REQ-1, REQ-2), heads (HEAD-1), durability (GATE-1). It keeps what a perfect client
// would know, and says nothing as long as the server keeps to it.
import {
  type ClientMessage,
  type DeltaMessage,
  type Heads,
  LIMITS,
  type Open,
  type Opened,
  type ServerMessage,
  type SnapMessage,
} from "@tidemark/protocol";
import { NO_COUNTS, type Streamed } from "../history/counts.js";
import { Asked } from "./asked.js";
import { Audience, type TokenSays } from "./audience.js";
import { CompanyWatch } from "./company-watch.js";
import { Followed } from "./followed.js";
import { Losses } from "./losses.js";

/** What a watch compares with, and whom it tells. */
export interface LinkWatchParts {
  /** Seq up to which a document survives a power cut. */
  readonly syncedHead: (documentId: string) => number;
  /** Seq of its last deletion, as far as that; 0: there was none. */
  readonly lastDeletion: (documentId: string) => number;
  /** The client is told how a document is at a seq. */
  readonly revealed: (documentId: string, seq: number) => void;
  /** A fault took frames out of the stream. */
  readonly lossy: () => void;
  /** Until when something kept this connection, or either end of it, from working as it should. */
  readonly badUntilMs: () => number;
  /** Until when the server did not run: its timers come late. */
  readonly serverBadUntilMs: () => number;
  /** When the store last failed: what is opened has to wait. */
  readonly storeFailedAtMs: () => number;
  /** Within so many ms a client must notice that it is behind (R13). */
  readonly noticeMs: number;
  readonly problem: (rule: string, text: string) => void;
  readonly nowMs: () => number;
  /** The server holds what the client does not take. */
  readonly isSlow: () => boolean;
  /** What a token says. */
  readonly read: (token: string) => TokenSays;
}

/** A stream that was marked slow is back so soon after there was room again, ms. */
const CATCH_UP_MS = 3_000;

/** The rules of one connection. */
export class LinkWatch {
  readonly #parts: LinkWatchParts;
  readonly #audience: Audience;
  readonly #losses: Losses;
  readonly #asked = new Asked();
  readonly #company: CompanyWatch;
  readonly #followed = new Map<number, Followed>();
  readonly #byHandle = new Map<number, Followed>();
  /** Frames were lost: chains and heads prove nothing any more. */
  #isLossy = false;
  /** When the peer was last known to be slow: streams may have been marked, and not be back yet. */
  #slowAtMs = Number.NEGATIVE_INFINITY;
  #welcomed = false;
  #streamed = NO_COUNTS.streamed;
  /** The heads of the heartbeat that is being said: all its pings leave at one instant. */
  #beat: { readonly atMs: number; readonly named: Set<number>; readonly expected: readonly Followed[] } | undefined;

  constructor(parts: LinkWatchParts) {
    const { problem: complain, nowMs, badUntilMs, serverBadUntilMs, noticeMs, read } = parts;
    this.#parts = parts;
    this.#audience = new Audience({ nowMs, serverBadUntilMs, read, complain });
    this.#company = new CompanyWatch({ nowMs, complain, isLossy: () => this.#isLossy });
    this.#losses = new Losses({
      noticeMs,
      badUntilMs,
      nowMs,
      late: (id, tookMs) => complain("R13", `${id}: a lost frame was noticed after ${tookMs.toFixed(0)} ms`),
    });
  }

  /** How its streams went. */
  get streamed(): Streamed {
    return this.#streamed;
  }

  /** A fault has taken frames out of it. */
  get isLossy(): boolean {
    return this.#isLossy;
  }

  /** The server has read these. */
  received(messages: readonly ClientMessage[]): void {
    for (const message of messages) {
      if (message[0] === "hello" || message[0] === "auth") this.#greeted(message[1].token ?? "");
      else if (message[0] === "open") this.#open(message[1]);
      else if (message[0] === "close") this.#close(message[1]);
      else if (message[0] === "sig") this.#company.said(message);
      else if (message[0] === "c") this.#asked.call(message, (s) => this.#followed.get(s)?.documentId);
    }
  }

  /** The server has written this frame. `heldBytes`: what it held when it began to. */
  sent(messages: readonly ServerMessage[], bytes: Uint8Array, heldBytes: number): void {
    this.#audience.shown(bytes);
    this.#lookForSlowness();
    if (heldBytes > LIMITS.outboundSoftBytes && messages.some(isOfStream)) {
      this.#problem("SLOW-1", `${messages[0]?.[0]} is sent although ${heldBytes} bytes are unsent`);
    }
    for (const message of messages) {
      const [type] = message;
      if (!this.#welcomed && type !== "welcome" && type !== "err") this.#problem("HELLO-4", `${type} before welcome`);
      if (type !== "ping") this.#endBeat();
      this.#audience.sent(type);
      this.#sent(message);
    }
    this.#frameEnd();
  }

  /** What the server held of it was taken. */
  drained(): void {
    this.#lookForSlowness();
  }

  /** The documents that these are about. */
  documentsOf(messages: readonly ServerMessage[]): readonly string[] {
    return messages.flatMap((message) => {
      const followed = message[0] === "d" ? this.#byHandle.get(message[1]) : undefined;
      return followed?.documentId ?? [];
    });
  }

  /** A fault has taken this frame out of the stream. */
  lost(messages: readonly ServerMessage[]): void {
    this.#isLossy = true;
    this.#parts.lossy();
    for (const message of messages) {
      const followed = message[0] === "d" ? this.#byHandle.get(message[1]) : undefined;
      if (followed === undefined || message[0] !== "d") continue;
      // Nobody misses an advance: the next one, or a head, says as much.
      if (followed.delta(message, false)) this.#losses.lost(followed.documentId);
    }
    this.#frameEnd();
  }

  /** The connection is over, or the run is. */
  over(): void {
    this.#losses.over();
  }

  #frameEnd(): void {
    for (const followed of this.#followed.values()) followed.frameEnd(this.#parts.nowMs());
  }

  #greeted(token: string): void {
    this.#audience.is(token);
    for (const followed of this.#followed.values()) {
      this.#mayReopen(followed);
      followed.regroups();
    }
  }

  #mayReopen(followed: Followed): void {
    followed.mayReopen = true;
    followed.pace.disturbed(this.#parts.nowMs());
  }

  #sent(message: ServerMessage): void {
    switch (message[0]) {
      case "welcome":
        this.#welcomed = true;
        return;
      case "opened":
        return this.#opened(message[1]);
      case "snap":
        return this.#snap(message);
      case "part":
        this.#count("parts");
        return this.#byHandle.get(message[1])?.part(message[1]);
      case "d":
        return this.#delta(message);
      case "ok":
        return this.#ok(message[1], message[2]);
      case "no":
      case "unk":
        return this.#answered(message[1]);
      case "ended":
        return this.#ended(message[1].s);
      case "ping":
        return this.#ping(message[2]);
      case "pong":
        return void this.#heads(message[2]);
      case "sig":
        return this.#company.signal(message);
      case "pres":
        return this.#company.presence(message);
      default:
        return;
    }
  }

  // ------------------------------------------------------------------------------------------------ streams

  #open(open: Open): void {
    this.#followed.set(open.s, new Followed(open, (rule, text) => this.#problem(rule, text)));
    this.#losses.noticed(open.doc);
  }

  #opened(opened: Opened): void {
    const followed = this.#followed.get(opened.s);
    if (followed === undefined) return;
    if (followed.isResuming && !followed.isAnswered) {
      const how = opened.mode.includes("reset") ? "snapshot" : "replay";
      this.#count(how);
    }
    if (opened.mode.every((mode) => mode === "reset")) this.#losses.forgive(followed.documentId);
    this.#unroute(followed);
    this.#company.opened(opened, followed.documentId);
    followed.opened(opened, this.#parts.syncedHead(followed.documentId));
    followed.pace.disturbed(this.#parts.nowMs());
    for (const handle of followed.handles) this.#byHandle.set(handle, followed);
  }

  #snap(message: SnapMessage): void {
    const [, handle, , seq, , parts] = message;
    const followed = this.#byHandle.get(handle);
    this.#durable(followed?.documentId, seq, "snap");
    if (parts !== undefined) this.#count("inParts");
    followed?.snap(message);
  }

  #delta(message: DeltaMessage): void {
    const followed = this.#byHandle.get(message[1]);
    if (followed === undefined) return;
    const { documentId, openedHead } = followed;
    this.#durable(documentId, message[3], "d");
    if (followed.delta(message, !this.#isLossy) && followed.pace.everyMs > 0 && message[3] > message[2] + 1)
      this.#count("merged");
    const deletion = this.#parts.lastDeletion(documentId);
    if (deletion > openedHead && message[3] >= deletion)
      this.#problem("OPEN-8", `d of ${documentId} past its deletion`);
  }

  #ended(s: number): void {
    const followed = this.#followed.get(s);
    if (followed !== undefined) this.#losses.forgive(followed.documentId);
    this.#forget(s);
  }

  /** Nobody follows it any more: nothing is left to notice. */
  #close(s: number): void {
    const followed = this.#followed.get(s);
    if (followed !== undefined) this.#losses.noticed(followed.documentId);
    this.#forget(s);
  }

  #forget(s: number): void {
    this.#company.over(s);
    const followed = this.#followed.get(s);
    if (followed === undefined) return;
    this.#followed.delete(s);
    this.#unroute(followed);
  }

  #unroute(followed: Followed): void {
    for (const handle of followed.handles) {
      if (this.#byHandle.get(handle) === followed) this.#byHandle.delete(handle);
    }
  }

  #durable(documentId: string | undefined, seq: number, what: string): void {
    if (documentId === undefined) return;
    this.#parts.revealed(documentId, seq);
    const head = this.#parts.syncedHead(documentId);
    if (seq > head) this.#problem("GATE-1", `${what} reveals ${documentId} at ${seq}, durable is ${head}`);
  }

  // ------------------------------------------------------------------------------------------------ requests

  #answered(n: number): void {
    if (!this.#asked.answered(n)) this.#problem("REQ-1", `an answer to ${n}, which was not asked`);
  }

  #ok(n: number, at: readonly [number, number] | null): void {
    this.#answered(n);
    const documentId = this.#asked.documentOf(n);
    if (at === null || documentId === undefined || documentId === "$") return;
    this.#durable(documentId, at[1], "ok");
    for (const followed of this.#followed.values()) {
      if (followed.documentId !== documentId || !followed.isAnswered) continue;
      followed.pace.answered(this.#parts.nowMs());
      if (this.#isLossy) continue;
      if (!followed.hasReached(at[1])) this.#problem("REQ-2", `ok ${n} at ${at[1]} before its d of ${documentId}`);
    }
  }

  // ------------------------------------------------------------------------------------------------ heads

  #ping(heads: Heads): void {
    const atMs = this.#parts.nowMs();
    if (this.#beat?.atMs !== atMs) {
      this.#endBeat();
      const expected = [...this.#followed.values()].filter(({ isWhole }) => isWhole);
      this.#beat = { atMs, named: new Set(), expected };
    }
    for (const handle of this.#heads(heads)) this.#beat?.named.add(handle);
  }

  #heads(heads: Heads): readonly number[] {
    const handles: number[] = [];
    for (let index = 0; index + 2 < heads.length; index += 3) {
      const [handle = 0, epoch = 0, seq = 0] = heads.slice(index, index + 3);
      handles.push(handle);
      this.#company.head(handle, epoch, seq);
      if (!this.#isLossy) this.#byHandle.get(handle)?.head(handle, epoch, seq);
    }
    return handles;
  }

  /** When streams were last known to be marked slow, which heads leave out (SLOW-3): they may not be back yet. */
  get slowAtMs(): number {
    if (this.#slowAtMs < 0) return this.#slowAtMs;
    const isBack = [...this.#followed.values()].every(({ isMarked }) => !isMarked);
    const { storeFailedAtMs, serverBadUntilMs } = this.#parts;
    return isBack ? this.#slowAtMs : Math.max(this.#slowAtMs, storeFailedAtMs(), serverBadUntilMs());
  }

  #lookForSlowness(): void {
    if (!this.#parts.isSlow()) return;
    this.#slowAtMs = this.#parts.nowMs();
    for (const followed of this.#followed.values()) this.#mayReopen(followed);
  }

  #endBeat(): void {
    const beat = this.#beat;
    this.#beat = undefined;
    for (const followed of beat?.expected ?? []) this.#look(followed, beat?.named ?? new Set());
    if (beat !== undefined && beat.atMs - this.slowAtMs < CATCH_UP_MS) return;
    for (const { handles, documentId, s, isHeavy } of beat?.expected ?? []) {
      if (isHeavy || !this.#followed.has(s) || handles.every((handle) => beat?.named.has(handle))) continue;
      this.#problem("HEAD-1", `a heartbeat does not name ${documentId}`);
    }
  }

  #look(followed: Followed, named: ReadonlySet<number>): void {
    const isNamed = followed.handles.every((handle) => named.has(handle));
    if (!isNamed && !followed.isMarked) this.#count("marked");
    if (!isNamed && followed.isHeavy) this.#slowAtMs = this.#parts.nowMs();
    followed.isMarked = !isNamed;
  }

  #count(what: keyof Streamed): void {
    this.#streamed = { ...this.#streamed, [what]: this.#streamed[what] + 1 };
  }

  #problem(rule: string, text: string): void {
    this.#parts.problem(rule, text);
  }
}

/** What the limit of a slow reader is for: states and their changes, not answers and heads with what goes with them. */
function isOfStream(message: ServerMessage): boolean {
  if (message[0] === "d") return message[4].length > 0 || message[5]?.ev !== undefined;
  return message[0] === "snap" || message[0] === "part";
}
