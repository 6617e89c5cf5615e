// Watches one connection from the server's side of the socket and compares what is said with the rules that can be seen
// there: chains (SEQ-2), answers (REQ-1, REQ-2), heads (HEAD-1), durability (GATE-1). It keeps what a perfect client
// would hold, and says nothing as long as the server keeps to it.
import type { CallMessage, ClientMessage, Heads, Open, ServerMessage } from "@tidemark/protocol";

/** What a watch compares with, and whom it tells. */
export interface LinkWatchParts {
  /** Seq up to which a document survives a power cut. */
  readonly syncedHead: (documentId: string) => number;
  /** A fault took frames out of the stream. */
  readonly lossy: () => void;
  /** Until when something kept this connection, or either end of it, from working as it should. */
  readonly badUntilMs: () => number;
  /** Until when the server did not run: its timers come late. */
  readonly serverBadUntilMs: () => number;
  /** Within so many ms a client must notice that it is behind (R13). */
  readonly noticeMs: number;
  readonly problem: (rule: string, text: string) => void;
  readonly nowMs: () => number;
  /** How long what a token says is good for, ms. */
  readonly lifeOf: (token: string) => number;
}

/** R17. */
const EXPIRED_GRACE_MS = 5_000;

interface Followed {
  readonly s: number;
  readonly documentId: string;
  /** What the client claimed to hold. */
  readonly held: readonly [epoch: number, seq: number] | undefined;
  state: "asked" | "reset" | "open";
  handle: number;
  chain: number;
  epoch: number;
  seq: number;
  openedAtMs: number;
}

interface Asked {
  readonly documentId: string | undefined;
  copies: number;
}

/** The rules of one connection. */
export class LinkWatch {
  readonly #parts: LinkWatchParts;
  readonly #followed = new Map<number, Followed>();
  readonly #byHandle = new Map<number, Followed>();
  readonly #asked = new Map<number, Asked>();
  /** Documents of which frames were lost, until the client asks for them anew. */
  readonly #losses = new Map<string, number>();
  /** Chains and heads prove nothing any more. */
  #isLossy = false;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #welcomed = false;
  /** Openings of clients that held something, by how they were answered. */
  readonly resumes = { replay: 0, snapshot: 0 };
  /** The heads of the heartbeat that is being said: all its pings leave at one instant. */
  #beat: { readonly atMs: number; readonly named: Set<number>; readonly expected: readonly Followed[] } | undefined;

  constructor(parts: LinkWatchParts) {
    this.#parts = parts;
  }

  /** The server has read these. */
  received(messages: readonly ClientMessage[]): void {
    for (const message of messages) {
      if (message[0] === "hello" || message[0] === "auth") this.#greeted(message[1].token ?? "");
      else if (message[0] === "open") this.#open(message[1]);
      else if (message[0] === "close") this.#close(message[1]);
      else if (message[0] === "c") this.#call(message);
    }
  }

  /** The server has written these. */
  sent(messages: readonly ServerMessage[]): void {
    for (const message of messages) {
      if (!this.#welcomed && message[0] !== "welcome" && message[0] !== "err")
        this.#problem("HELLO-4", `${message[0]} before welcome`);
      if (message[0] !== "ping") this.#endBeat();
      this.#sent(message);
    }
  }

  #greeted(token: string): void {
    this.#expiresAtMs = this.#parts.nowMs() + this.#parts.lifeOf(token);
  }

  #sent(message: ServerMessage): void {
    const lateMs = this.#parts.nowMs() - Math.max(this.#expiresAtMs, this.#parts.serverBadUntilMs());
    if (lateMs > EXPIRED_GRACE_MS)
      this.#problem("R17", `${message[0]} was sent ${lateMs.toFixed(0)} ms after the token had expired`);
    switch (message[0]) {
      case "welcome":
        this.#welcomed = true;
        return;
      case "opened":
        return this.#opened(message[1]);
      case "snap":
        return this.#snap(message[1], message[2], message[3]);
      case "d":
        return this.#delta(message);
      case "ok":
        return this.#ok(message[1], message[2]);
      case "no":
      case "unk":
        return void this.#answered(message[1]);
      case "ended":
        return this.#ended(message[1].s);
      case "ping":
        return this.#ping(message[2]);
      case "pong":
        return void this.#heads(message[2]);
      default:
        return;
    }
  }

  // ------------------------------------------------------------------------------------------------ streams

  #open({ s, doc, at }: Open): void {
    const held = at?.[0];
    this.#followed.set(s, {
      s,
      documentId: doc,
      held: held === undefined ? undefined : [held[0], held[1]],
      state: "asked",
      handle: 0,
      chain: 0,
      epoch: 0,
      seq: 0,
      openedAtMs: 0,
    });
    this.#noticed(doc);
  }

  /** A fault has taken these out of the stream. */
  lost(messages: readonly ServerMessage[]): void {
    this.#isLossy = true;
    this.#parts.lossy();
    for (const message of messages) {
      const followed = message[0] === "d" ? this.#byHandle.get(message[1]) : undefined;
      if (followed === undefined) continue;
      const chainBefore = followed.chain;
      this.#delta(message);
      // Nobody misses an advance: the next one, or a head, says as much.
      if (followed.chain === chainBefore) continue;
      if (!this.#losses.has(followed.documentId)) this.#losses.set(followed.documentId, this.#parts.nowMs());
    }
  }

  /** The connection is over, or the run is: what was lost must have been noticed, or there was no time for it. */
  over(): void {
    for (const documentId of [...this.#losses.keys()]) this.#noticed(documentId);
  }

  #noticed(documentId: string): void {
    const lostAtMs = this.#losses.get(documentId);
    this.#losses.delete(documentId);
    if (lostAtMs === undefined || this.#parts.badUntilMs() >= lostAtMs) return;
    const tookMs = this.#parts.nowMs() - lostAtMs;
    if (tookMs <= this.#parts.noticeMs) return;
    this.#problem("R13", `${documentId}: a lost frame was noticed after ${tookMs.toFixed(0)} ms`);
  }

  #forget(s: number): void {
    const followed = this.#followed.get(s);
    if (followed === undefined) return;
    this.#followed.delete(s);
    if (this.#byHandle.get(followed.handle) === followed) this.#byHandle.delete(followed.handle);
  }

  /** Whoever is sent away has nothing left to notice. */
  #ended(s: number): void {
    this.#losses.delete(this.#followed.get(s)?.documentId ?? "");
    this.#forget(s);
  }

  /** Nobody follows it any more: nothing is left to notice. */
  #close(s: number): void {
    const followed = this.#followed.get(s);
    if (followed !== undefined) this.#noticed(followed.documentId);
    this.#forget(s);
  }

  #opened({ s, h, mode, prev }: Extract<ServerMessage, readonly ["opened", ...unknown[]]>[1]): void {
    const followed = this.#followed.get(s);
    if (followed === undefined) return;
    if (followed.state !== "asked") this.#problem("OPEN-1", `opened twice for subscription ${s}`);
    followed.handle = h[0] ?? 0;
    followed.openedAtMs = this.#parts.nowMs();
    this.#byHandle.set(followed.handle, followed);
    if (followed.held !== undefined) this.resumes[mode.includes("reset") ? "snapshot" : "replay"] += 1;
    if (mode[0] === "reset") {
      followed.state = "reset";
      return;
    }
    followed.state = "open";
    followed.chain = prev[0] ?? 0;
    if (followed.held === undefined) this.#problem("OPEN-4", `subscription ${s} resumes from nothing`);
    [followed.epoch, followed.seq] = followed.held ?? [0, 0];
  }

  #snap(handle: number, epoch: number, seq: number): void {
    const followed = this.#byHandle.get(handle);
    if (followed === undefined) return;
    if (followed.state !== "reset") this.#problem("OPEN-4", `a snap without a reset of ${followed.documentId}`);
    followed.state = "open";
    followed.chain = seq;
    followed.epoch = epoch;
    followed.seq = seq;
    this.#durable(followed.documentId, seq, "snap");
  }

  #delta(message: ServerMessage): void {
    if (message[0] !== "d") return;
    const [, handle, prev, seq, operations, extension] = message;
    const followed = this.#byHandle.get(handle);
    if (followed === undefined) return;
    this.#durable(followed.documentId, seq, "d");
    const empty = operations.length === 0 && extension?.ev === undefined;
    const links = followed.state === "open" && prev === followed.chain && seq >= followed.seq;
    if (!links && !this.#isLossy) {
      this.#problem(
        "SEQ-2",
        `${followed.documentId}: d ${prev}-${seq} after chain ${followed.chain}, position ${followed.seq}`,
      );
    }
    if (empty && extension?.e === undefined) this.#problem("SEQ-3", "an advance without its epoch");
    if (!empty) followed.chain = seq;
    followed.epoch = extension?.e ?? followed.epoch;
    followed.seq = seq;
  }

  #durable(documentId: string, seq: number, what: string): void {
    const head = this.#parts.syncedHead(documentId);
    if (seq > head) this.#problem("GATE-1", `${what} reveals ${documentId} at ${seq}, durable is ${head}`);
  }

  // ------------------------------------------------------------------------------------------------ requests

  #call([, n, target]: CallMessage): void {
    const known = this.#asked.get(n);
    if (known !== undefined) {
      known.copies += 1;
      return;
    }
    const documentId = typeof target === "number" ? this.#followed.get(target)?.documentId : target;
    this.#asked.set(n, { documentId, copies: 1 });
  }

  #answered(n: number): Asked | undefined {
    const asked = this.#asked.get(n);
    if (asked === undefined || asked.copies === 0) this.#problem("REQ-1", `an answer to ${n}, which was not asked`);
    else asked.copies -= 1;
    return asked;
  }

  #ok(n: number, at: readonly [number, number] | null): void {
    const documentId = this.#answered(n)?.documentId;
    if (at === null || documentId === undefined || documentId === "$") return;
    this.#durable(documentId, at[1], "ok");
    for (const followed of this.#followed.values()) {
      if (followed.documentId !== documentId || followed.state === "asked" || this.#isLossy) continue;
      if (followed.seq < at[1])
        this.#problem("REQ-2", `ok ${n} at ${at[1]} before its d: ${documentId} was sent ${followed.seq}`);
    }
  }

  // ------------------------------------------------------------------------------------------------ heads

  #ping(heads: Heads): void {
    const atMs = this.#parts.nowMs();
    if (this.#beat?.atMs !== atMs) {
      this.#endBeat();
      const expected = [...this.#followed.values()].filter(({ state }) => state === "open");
      this.#beat = { atMs, named: new Set(), expected };
    }
    for (const handle of this.#heads(heads)) this.#beat?.named.add(handle);
  }

  #heads(heads: Heads): readonly number[] {
    const handles: number[] = [];
    for (let index = 0; index + 2 < heads.length; index += 3) {
      const [handle = 0, epoch = 0, seq = 0] = heads.slice(index, index + 3);
      handles.push(handle);
      const followed = this.#byHandle.get(handle);
      if (followed === undefined || this.#isLossy) continue;
      if (followed.seq === seq && followed.epoch === epoch) continue;
      this.#problem(
        "HEAD-1",
        `${followed.documentId}: head ${epoch},${seq}, but sent was ${followed.epoch},${followed.seq}`,
      );
    }
    return handles;
  }

  #endBeat(): void {
    const beat = this.#beat;
    this.#beat = undefined;
    for (const { handle, documentId, s } of beat?.expected ?? []) {
      if (beat?.named.has(handle) === true || !this.#followed.has(s)) continue;
      this.#problem("HEAD-1", `a heartbeat does not name ${documentId}`);
    }
  }

  #problem(rule: string, text: string): void {
    this.#parts.problem(rule, text);
  }
}
