// What holds of every connection whatever the dialogue is about: shapes, one welcome, one answer per request, deltas
// before answers, heads that tell the truth. A breach is a fault with the number of its rule.
import {
  type ClientMessage,
  type EndedMessage,
  type FaultMessage,
  FrameError,
  type Heads,
  type Json,
  LIMITS,
  type NoMessage,
  type OkMessage,
  type Opened,
  type PresenceMessage,
  parseClientMessage,
  parseServerMessage,
  type ServerMessage,
  type UnknownMessage,
} from "@tidemark/protocol";
import { Failure } from "../dialogue/failure.js";
import { isObject } from "../dialogue/names.js";
import { shown } from "../dialogue/pattern.js";
import { Followed } from "./followed.js";
import { isAdvance } from "./followed-layer.js";
import type { KnownStates } from "./known-states.js";

/** Who is present in a document, as this connection was told. */
interface Present {
  rev: number | undefined;
  peers: Set<string>;
}

/** One connection, as far as rules go. */
export class StandingRules {
  readonly #known: KnownStates;
  readonly #followed = new Map<number, Followed>();
  readonly #byHandle = new Map<number, Followed>();
  /** Documents of the calls that were said, for each answer that is due. */
  readonly #due = new Map<number, (string | undefined)[]>();
  /** Who is present, by the handle it is told under. */
  readonly #gatherings = new Map<number, Present>();
  #server: string | undefined;

  constructor(known: KnownStates) {
    this.#known = known;
  }

  /** What is followed under a number. */
  followed(s: number): Followed | undefined {
    return this.#followed.get(s);
  }

  /** Calls that were not answered yet. */
  get unanswered(): number[] {
    return [...this.#due.keys()];
  }

  /** A message is said; what is none is said all the same. */
  said(raw: Json): void {
    const message = clientMessage(raw);
    if (message?.[0] === "open") {
      const { s, doc, at } = message[1];
      // A number that is used twice is a breach of ours: what was opened first stays what it is.
      if (!this.#followed.has(s)) this.#followed.set(s, new Followed(doc, at, this.#known));
    }
    if (message?.[0] === "close") this.#close(message[1]);
    if (message?.[0] === "c") {
      const [, n, target, , input] = message;
      this.#due.set(n, [...(this.#due.get(n) ?? []), this.#documentOf(target, input)]);
    }
  }

  /** Messages of one frame, as they were decoded. Returns those that a dialogue may be about. */
  heard(messages: readonly Json[]): Json[] {
    if (messages.length > LIMITS.frameMessagesMax) {
      const came = `${messages.length} messages`;
      throw new Failure({ rule: "FRAME-11", expected: `at most ${LIMITS.frameMessagesMax} messages in a frame`, came });
    }
    const known = messages.filter((raw) => {
      const message = serverMessage(raw);
      if (message !== undefined) this.#take(message);
      return message !== undefined;
    });
    if (known.length > 0 && known.every((raw) => isLonelyAdvance(raw))) {
      broken("SEQ-8", "an advance with what it comes before", `a frame of nothing else: ${shown(known)}`);
    }
    for (const followed of this.#followed.values()) followed.frameOver();
    return known;
  }

  #take(message: ServerMessage): void {
    if (message[0] === "welcome") {
      if (this.#server !== undefined) broken("HELLO-4", "one welcome", "two");
      this.#server = message[1].server;
      return;
    }
    if (this.#server === undefined && message[0] !== "err") broken("HELLO-4", "welcome first", shown(message));
    switch (message[0]) {
      case "opened":
        return this.#opened(message[1]);
      case "snap":
        return this.#stream(message[1])?.snap(message);
      case "d":
        return this.#stream(message[1])?.delta(message);
      case "sig":
        return void this.#gathering(message[1]);
      case "pres":
        return this.#presence(message);
      case "err":
        return this.#fault(message);
      case "ended":
        return this.#ended(message);
      case "ok":
      case "no":
      case "unk":
        return this.#answer(message);
      case "ping":
      case "pong":
        return this.#heads(message[2]);
      default:
        return;
    }
  }

  #opened(opened: Opened): void {
    const followed = this.#followed.get(opened.s);
    if (followed === undefined) return broken("OPEN-1", "opened for an open that was said", shown({ s: opened.s }));
    if (followed.phase === "ended") broken("OPEN-1", `nothing for ${followed.doc} after ended`, "opened");
    if (followed.phase === "closed") return;
    followed.opened(opened);
    const { peers } = opened;
    if (peers !== undefined && !this.#gatherings.has(peers.h)) {
      this.#known.handle(this.#server ?? "", peers.h, `${followed.doc}, peers`);
      this.#gatherings.set(peers.h, { rev: undefined, peers: new Set() });
    }
    for (const [index, h] of opened.h.entries()) {
      const tag = opened.tag[index] ?? "";
      this.#known.handle(
        this.#server ?? "",
        h,
        tag === "" ? followed.doc : `${followed.doc}, layer ${index} of ${tag}`,
      );
      this.#byHandle.set(h, followed);
    }
  }

  #gathering(h: number): Present {
    return this.#gatherings.get(h) ?? broken("SIG-2", "the handle that an opened names for peers", `handle ${h}`);
  }

  #presence([, h, rev, { all, join, leave, count }]: PresenceMessage): void {
    const present = this.#gathering(h);
    if (all === undefined && rev !== (present.rev ?? Number.NaN) + 1) {
      broken("PRES-2", present.rev === undefined ? "the list first" : `revision ${present.rev + 1}`, `revision ${rev}`);
    }
    if (all !== undefined) present.peers = new Set();
    for (const peer of leave ?? []) {
      if (!present.peers.delete(peer)) broken("PRES-2", "who leaves to have been listed", shown({ leave: peer }));
    }
    for (const [peer] of [...(all ?? []), ...(join ?? [])]) present.peers.add(peer);
    present.rev = rev;
    const listed = Math.min(count, LIMITS.presenceListedMax);
    if (present.peers.size !== listed) broken("PRES-3", `${listed} of ${count} to be listed`, `${present.peers.size}`);
  }

  #fault([, { retry, afterMs }]: FaultMessage): void {
    if (retry === "after" && afterMs === undefined) broken("ERR-1", "an err with retry after to have afterMs", "none");
  }

  /** Undefined: what was under way for a subscription that was closed. */
  #stream(h: number): Followed | undefined {
    const followed = this.#byHandle.get(h);
    if (followed === undefined) return broken("OPEN-6", "the handle of an opened", `handle ${h}`);
    if (followed.phase === "ended") return broken("OPEN-1", `nothing for ${followed.doc} after ended`, `handle ${h}`);
    // Of a view that was seen under this number before, nothing more comes.
    if (followed.phase !== "closed" && followed.layer(h) === undefined) {
      return broken("VIEW-5", `nothing on handle ${h}, which another opened has replaced`, "a message");
    }
    return followed.phase === "closed" ? undefined : followed;
  }

  #ended([, { s, retry, afterMs }]: EndedMessage): void {
    const followed = this.#followed.get(s);
    if (followed === undefined) return broken("OPEN-1", "ended for an open that was said", shown({ s }));
    if (followed.phase === "ended") broken("OPEN-1", `one end of subscription ${s}`, "two");
    followed.end("ended");
    if (retry === "after" && afterMs === undefined) broken("ERR-1", "ended with retry after to have afterMs", "none");
  }

  #answer(message: OkMessage | NoMessage | UnknownMessage): void {
    const due = this.#due.get(message[1]);
    if (due === undefined) return broken("REQ-1", "an answer to a call that waits for one", shown(message));
    const [doc, ...rest] = due;
    if (rest.length > 0) this.#due.set(message[1], rest);
    else this.#due.delete(message[1]);
    if (message[0] === "no") {
      const { retry, afterMs } = message[4];
      if (retry === "after" && afterMs === undefined) broken("ERR-1", "retry after to come with afterMs", "none");
    }
    if (message[0] === "ok" && message[2] !== null) this.#afterItsDelta(doc, message);
  }

  #afterItsDelta(doc: string | undefined, message: OkMessage): void {
    const seq = message[2]?.[1] ?? 0;
    for (const followed of this.#followed.values()) {
      if (followed.doc !== doc) continue;
      if (followed.phase === "asked" || followed.phase === "snap") {
        broken("REQ-2", `the first payload of ${doc} before an answer about it`, shown(message));
      }
      if (followed.phase === "open" && followed.at.seq < seq) {
        broken("REQ-2", `the d that covers ${seq} before its ok; ${doc} is at ${followed.at.seq}`, shown(message));
      }
    }
  }

  #heads(heads: Heads): void {
    for (let index = 0; index < heads.length; index += 3) {
      const [h = 0, epoch = 0, seq = 0] = heads.slice(index, index + 3);
      const present = this.#gatherings.get(h);
      if (present !== undefined) {
        const head = `[${h}, 0, ${present.rev}]`;
        if (epoch !== 0 || seq !== present.rev)
          broken("PRES-8", `the revision that was sent: ${head}`, `${[h, epoch, seq]}`);
        continue;
      }
      const followed = this.#byHandle.get(h);
      if (followed?.phase === "closed") continue;
      const at = followed?.layer(h)?.at;
      if (followed?.phase !== "open" || at === undefined) {
        broken("HEAD-1", "heads of what is open", `[${h}, ${epoch}, ${seq}]`);
      } else if (at.epoch !== epoch || at.seq !== seq) {
        const { doc } = followed;
        broken(
          "HEAD-1",
          `the head of ${doc} that was sent: [${h}, ${at.epoch}, ${at.seq}]`,
          `[${h}, ${epoch}, ${seq}]`,
        );
      }
    }
  }

  #close(s: number): void {
    this.#followed.get(s)?.end("closed");
  }

  #documentOf(target: string | number, input: Json): string | undefined {
    if (typeof target === "number") return this.#followed.get(target)?.doc;
    if (target !== "$") return target;
    const doc = isObject(input) ? input["doc"] : undefined;
    return typeof doc === "string" ? doc : undefined;
  }
}

function broken(rule: string, expected: string, came: string): never {
  throw new Failure({ rule, expected, came });
}

function isLonelyAdvance(raw: Json): boolean {
  const message = serverMessage(raw);
  return message?.[0] === "d" && isAdvance(message);
}

function clientMessage(raw: Json): ClientMessage | undefined {
  try {
    return parseClientMessage(raw);
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}

function serverMessage(raw: Json): ServerMessage | undefined {
  try {
    return parseServerMessage(raw);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new Failure({ rule: "FRAME-9", expected: "a message of its shape", came: `${shown(raw)}: ${error.message}` });
  }
}
