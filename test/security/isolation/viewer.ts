// Somebody who tries things, over a session of their own: says them on the wire, and sorts what comes back.
import type { ClientMessage, Json, ServerMessage } from "@tidemark/protocol";
import type { BenchClient } from "../../support/session-bench.js";
import type { Deed } from "./cases.js";

const BORN = 1_700_000_000_000;
const GUARDED_INPUT = 5;

/** How each deed is said to a document. */
const CALLS: Partial<Record<Deed, readonly [name: string, input: Json, extension?: object]>> = {
  write: ["write", { text: "by the viewer" }],
  unknown: ["nothing", null],
  guarded: ["guarded", null],
  guardedBadly: ["guarded", GUARDED_INPUT],
  peek: ["peek", null, { q: 1 }],
  guardedPeek: ["guardedPeek", null, { q: 1 }],
  guardedPeekBadly: ["guardedPeek", GUARDED_INPUT, { q: 1 }],
  head: ["$head", null, { q: 1 }],
  messages: ["history", {}, { q: 1 }],
  ifSeq: ["write", { text: "too late" }, { if: 1_000 }],
};

/** How the same is said to a channel. */
const CHANNEL_CALLS: typeof CALLS = {
  ...CALLS,
  write: ["publish", { event: "said", data: "by the viewer" }],
  ifSeq: ["publish", { event: "said", data: "too late" }, { if: 1_000 }],
};

const SERVICE: Partial<Record<Deed, (doc: string) => readonly [name: string, input: Json, extension?: object]>> = {
  get: (doc) => ["get", { doc }, { q: 1 }],
  past: (doc) => ["get", { doc, seq: 1 }, { q: 1 }],
  history: (doc) => ["history", { doc }, { q: 1 }],
  create: (doc) => ["create", { doc, input: true }],
  delete: (doc) => ["delete", { doc }],
  list: (doc) => ["list", { type: doc.slice(0, doc.indexOf("/")) }, { q: 1 }],
};

/** What came of the last thing that was tried. */
export interface Outcome {
  /** `ok`, a code, or nothing. */
  readonly answer: string | undefined;
  /** Codes of streams that ended besides. */
  readonly ended: readonly string[];
}

export class Viewer {
  readonly #client: BenchClient;
  readonly #doc: string;
  readonly #transcript: ServerMessage[] = [];
  #n = 0;
  #s = 0;
  #awaits: { readonly n: number } | { readonly s: number } | undefined;
  /** The subscription that is open. */
  #open: number | undefined;

  constructor(client: BenchClient, doc: string) {
    this.#client = client;
    this.#doc = doc;
  }

  /** Everything that ever came, but for the numbers of handles, which tell only how many there are. */
  get transcript(): string {
    const handles = new Map<number, number>();
    const known = (handle: number): number => {
      handles.set(handle, handles.get(handle) ?? handles.size);
      return handles.get(handle) ?? 0;
    };
    const named = this.#transcript.map((message): readonly unknown[] => {
      if (message[0] === "opened") return [message[0], { ...message[1], h: message[1].h.map(known) }];
      if (message[0] === "d" || message[0] === "snap") return [message[0], known(message[1]), ...message.slice(2)];
      return message;
    });
    return JSON.stringify(named);
  }

  /** `held`: a position that is true, whoever told. */
  try(deed: Deed, held: readonly [epoch: number, seq: number]): void {
    const calls = this.#doc.startsWith("channel/") ? CHANNEL_CALLS : CALLS;
    const call = calls[deed] ?? SERVICE[deed]?.(this.#doc);
    if (deed === "close") {
      if (this.#open !== undefined) this.#client.say(["close", this.#open]);
      this.#open = undefined;
      this.#awaits = undefined;
    } else if (call === undefined) {
      this.#s += 1;
      const at = deed === "resume" ? { at: [[...held, ""] as const] } : {};
      const create = deed === "openCreate" ? { create: true } : {};
      const last = deed === "openLast" ? { last: 3 } : {};
      const some = deed === "openSome" ? { params: { events: ["said"] }, last: 3 } : {};
      this.#client.say(["open", { s: this.#s, doc: this.#doc, ...at, ...create, ...last, ...some }]);
      this.#awaits = { s: this.#s };
    } else {
      const [name, input, extension] = call;
      this.#n += 1;
      const target = SERVICE[deed] === undefined ? this.#doc : "$";
      this.#client.say(callOf(this.#n, target, name, input, extension));
      this.#awaits = { n: this.#n };
    }
  }

  refresh(token: string): void {
    this.#client.say(["auth", { token }]);
    this.#awaits = undefined;
  }

  /** What has come since the last time. */
  heard(): Outcome {
    const messages = this.#client.wire.take();
    this.#transcript.push(...messages);
    const awaits = this.#awaits;
    this.#awaits = undefined;
    let answer: string | undefined;
    const ended: string[] = [];
    for (const message of messages) {
      const [kind] = message;
      if (kind === "ok" || kind === "no" || kind === "unk") {
        if (awaits !== undefined && "n" in awaits && message[1] === awaits.n)
          answer = kind === "ok" ? "ok" : message[2];
      } else if (kind === "opened" && awaits !== undefined && "s" in awaits && message[1].s === awaits.s) {
        answer = "ok";
        this.#open = awaits.s;
      } else if (
        kind === "ended" &&
        awaits !== undefined &&
        "s" in awaits &&
        message[1].s === awaits.s &&
        answer === undefined
      ) {
        answer = message[1].code;
      } else if (kind === "ended") ended.push(message[1].code);
    }
    return { answer, ended };
  }
}

/** A call as it is sent. */
export const callOf = (n: number, target: string, name: string, input: Json, extension: object = {}): ClientMessage => [
  "c",
  n,
  target,
  name,
  input,
  { born: BORN, low: 1, ...extension },
];
