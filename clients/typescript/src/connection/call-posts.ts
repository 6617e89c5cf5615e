// Calls as requests of their own: a few at a time, one at a time for each document, so that no copy overtakes another. Each
// says until when it may begin, and one that was lost is reported with that time: before it nothing may be sent again
// (POST-3).
import { type CallMessage, CLOSE, type Hello, type Json, type JsonObject, jsonCodec, LIMITS } from "@tidemark/protocol";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";
import type { RequestSource } from "./line.js";
import { closeCodeOf, problemIn } from "./problem.js";

interface CallPostsOptions {
  readonly platform: Platform;
  readonly url: string;
  readonly source: RequestSource;
  /** Answers. */
  readonly frame: (frame: string) => void;
  /** The server will not have this client now, or not at all; a close code. */
  readonly refused: (code: number) => void;
}

/** A call that waits. */
interface Waiting {
  readonly n: number;
  readonly document: string;
  readonly piece: string;
  readonly bytes: number;
}

/** A request under way. */
interface Sent {
  readonly calls: readonly Waiting[];
  readonly untilMs: number;
  readonly cancel: Cancel;
}

const utf8 = new TextEncoder();
/** What a greeting and the brackets around it take, about. */
const ENVELOPE_BYTES = 1_024;

export class CallPosts {
  readonly #options: CallPostsOptions;
  #waiting: Waiting[] = [];
  readonly #sent = new Set<Sent>();
  #hello: Hello | undefined;
  /** The server's clock less our monotonic one, as it was at the least. */
  #offsetMs: number | undefined;
  #isScheduled = false;
  token = "";

  constructor(options: CallPostsOptions) {
    this.#options = options;
  }

  /** None is under way. */
  get isIdle(): boolean {
    return this.#sent.size === 0;
  }

  greeted(hello: Hello): void {
    this.#hello = hello;
  }

  /** The server's clock showed this before its word of it came. */
  welcomed(nowMs: number): void {
    this.#offsetMs = nowMs - this.#options.platform.monotonicMs();
  }

  /** False: no request can hold it. */
  add(message: CallMessage): boolean {
    const piece = jsonCodec.encode(message);
    const bytes = utf8.encode(piece).length + 1;
    if (bytes + ENVELOPE_BYTES > LIMITS.frameBytesMax) return false;
    this.#waiting.push({ n: message[1], document: documentOf(message), piece, bytes });
    if (this.#isScheduled) return true;
    this.#isScheduled = true;
    this.#options.platform.microtask(() => this.flush());
    return true;
  }

  /** Sends what may leave. */
  flush(): void {
    this.#isScheduled = false;
    while (this.#hello !== undefined && this.#sent.size < CLIENT_LIMITS.callPostsMax) {
      const calls = this.#next();
      if (calls.length === 0) return;
      this.#send(calls, this.#hello);
    }
  }

  /** Nobody hears answers any more. */
  close(): void {
    this.#hello = undefined;
    for (const { calls, untilMs, cancel } of [...this.#sent]) {
      cancel();
      this.#lost(calls, untilMs);
    }
    this.#sent.clear();
    const unsent = this.#waiting.map(({ n }) => n);
    this.#waiting = [];
    if (unsent.length > 0) this.#options.source.lost({ sent: [], unsent, untilMs: 0 });
  }

  /** In order, none of a document that has some under way. */
  #next(): readonly Waiting[] {
    const busy = new Set([...this.#sent].flatMap(({ calls }) => calls.map(({ document }) => document)));
    const taken: Waiting[] = [];
    const kept: Waiting[] = [];
    let bytes = ENVELOPE_BYTES;
    for (const call of this.#waiting) {
      const fits = taken.length < LIMITS.inFlightMax && bytes + call.bytes <= LIMITS.frameBytesMax;
      if (fits && !busy.has(call.document)) {
        taken.push(call);
        bytes += call.bytes;
      } else {
        busy.add(call.document);
        kept.push(call);
      }
    }
    this.#waiting = kept;
    return taken;
  }

  #send(calls: readonly Waiting[], hello: Hello): void {
    const { platform, url, source } = this.#options;
    const nowMs = platform.monotonicMs();
    const until = Math.floor(nowMs + (this.#offsetMs ?? 0)) + CLIENT_LIMITS.notAfterMs;
    const greeting = jsonCodec.encode(["hello", { ...hello, conn: source.nextConn(), until }]);
    const body = jsonCodec.join([greeting, ...calls.map(({ piece }) => piece)]);
    // Whatever our clock says, the server's is not behind it.
    const untilMs = nowMs + CLIENT_LIMITS.notAfterMs + CLIENT_LIMITS.notAfterMarginMs;
    let status = 0;
    let text = "";
    const stopPost = platform.post(
      { url, token: this.token, body },
      {
        answered: (code) => {
          status = code;
        },
        text: (chunk) => {
          text += chunk;
        },
        ended: (isWhole) => {
          if (!this.#over(sent)) return;
          if (isWhole && status === 200) this.#answered(sent, text);
          else this.#failed(sent, isWhole ? text : "");
          this.flush();
        },
      },
    );
    const stopTimer = platform.setTimer(CLIENT_LIMITS.callPostMs, () => {
      if (!this.#over(sent)) return;
      this.#lost(calls, untilMs);
      this.flush();
    });
    const cancel = (): void => {
      stopTimer();
      stopPost();
    };
    const sent: Sent = { calls, untilMs, cancel };
    this.#sent.add(sent);
  }

  /** False: it was over already. */
  #over(sent: Sent): boolean {
    sent.cancel();
    return this.#sent.delete(sent);
  }

  #answered({ calls, untilMs }: Sent, frame: string): void {
    const told = numbersIn(frame);
    if (told === undefined) return this.#lost(calls, untilMs);
    // Before the answers, which may make room for what must not overtake these.
    this.#lost(
      calls.filter(({ n }) => !told.has(n)),
      untilMs,
    );
    this.#options.frame(frame);
  }

  /** A refusal of the server itself is one of each call; anything else leaves open what became of them. */
  #failed({ calls, untilMs }: Sent, body: string): void {
    const problem = problemIn(body);
    if (problem === undefined) return this.#lost(calls, untilMs);
    const { code, message, refusal } = problem;
    if (closeCodeOf(problem) === CLOSE.unauthenticated || refusal.retry === "reconnect") {
      this.#lost(calls, this.#options.platform.monotonicMs());
      return this.#options.refused(closeCodeOf(problem));
    }
    this.#options.frame(jsonCodec.join(calls.map(({ n }) => jsonCodec.encode(["no", n, code, message, refusal]))));
  }

  #lost(calls: readonly Waiting[], untilMs: number): void {
    if (calls.length === 0) return;
    const documents = new Set(calls.map(({ document }) => document));
    const unsent = this.#waiting.filter(({ document }) => documents.has(document));
    this.#waiting = this.#waiting.filter(({ document }) => !documents.has(document));
    this.#options.source.lost({ sent: calls.map(({ n }) => n), unsent: unsent.map(({ n }) => n), untilMs });
  }
}

/** Whose order a call is part of. */
function documentOf([, , target, , input]: CallMessage): string {
  const named = target === "$" && isObject(input) ? input["doc"] : undefined;
  return typeof named === "string" ? named : String(target);
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Which calls a frame of answers is about; undefined: it is no frame. */
function numbersIn(frame: string): ReadonlySet<unknown> | undefined {
  try {
    const messages: unknown = JSON.parse(frame);
    return Array.isArray(messages)
      ? new Set(messages.map((message) => Array.isArray(message) && message[1]))
      : undefined;
  } catch {
    return undefined;
  }
}
