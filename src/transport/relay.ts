// One reader of an edge, followed at another server by a socket of its own: what that server tells is written to the reader's
// wire as it came. It decides nothing: who somebody is, and what they may see, is asked of that server each time.
import {
  CLOSE,
  type ClientMessage,
  type Heads,
  type Hello,
  jsonCodec,
  LIMITS,
  ONE_WAY,
  parseServerMessage,
  type ReceivedMessage,
  type ServerMessage,
} from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { OutgoingFrame, type Wire } from "../session/wire.js";
import type { Upstream, UpstreamListener } from "./upstream.js";

/** What a relay is made of. */
export interface RelayParts {
  readonly runtime: Runtime;
  readonly wire: Wire;
  readonly hello: Hello;
  readonly token: string;
  readonly open: (listener: UpstreamListener) => Upstream;
  /** It is over. */
  readonly onOver: () => void;
}

/** Anything, so that the answer says where everything stands. */
const ASKING: Heads = [0, 0, 0];
/** The server was not reached. */
const UNREACHED = 0;
const TOO_MANY = 429;

/** One reader's way to the server. */
export class Relay implements UpstreamListener {
  readonly #parts: RelayParts;
  readonly #upstream: Upstream;
  /** What was said before the welcome. */
  #waiting: ClientMessage[] | undefined = [];
  #welcomedAtMs: number | undefined;
  #pings = 0;
  /** How long after the welcome was asked where everything stands. */
  #askedAfterMs = 0;
  #isPaused = false;
  #isOver = false;

  constructor(parts: RelayParts) {
    const { wire, open } = parts;
    this.#parts = parts;
    wire.onDrained = () => this.#drained();
    this.#upstream = open(this);
  }

  /** It is known to the server. What is owed is asked about when it matters. */
  get isSettled(): boolean {
    return this.#welcomedAtMs !== undefined;
  }

  receive(messages: readonly ClientMessage[]): void {
    if (this.#waiting === undefined) this.#upstream.send(JSON.stringify(messages));
    else this.#waiting.push(...messages);
  }

  beat(): void {
    if (this.#isOver || this.#welcomedAtMs === undefined) return;
    this.#askedAfterMs = Math.floor(this.#parts.runtime.monotonicMs() - this.#welcomedAtMs);
    this.#pings += 1;
    this.receive([["ping", this.#pings, ASKING]]);
  }

  socketClosed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#upstream.close();
    this.#parts.onOver();
  }

  /** This edge stops. */
  drain(): void {
    if (this.#isOver) return;
    this.#parts.wire.close(CLOSE.draining, "draining");
    this.socketClosed();
  }

  opened(): void {
    const { hello, token } = this.#parts;
    const greeting: ClientMessage = ["hello", { ...hello, token, caps: [ONE_WAY] }];
    this.#upstream.send(JSON.stringify([greeting]));
  }

  heard(text: string): void {
    if (this.#isOver) return;
    const said = messagesIn(text);
    if (said === undefined) return this.#fail();
    const pieces = said.flatMap((message) => this.#passedOn(message)).map((message) => jsonCodec.encode(message));
    const { wire } = this.#parts;
    if (pieces.length > 0) wire.write([new OutgoingFrame(jsonCodec, pieces, text.length)]);
    // What its reader does not take is not taken from the server, which knows what to do with slow readers (R14).
    if (wire.bufferedBytes <= LIMITS.outboundSoftBytes || this.#isPaused) return;
    this.#isPaused = true;
    this.#upstream.pause();
  }

  closed(code: number, status: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.wire.close(closeCodeOf(code, status), "connection_lost");
    this.#parts.onOver();
  }

  /** What came is no frame: whoever is there is no server of ours. */
  #fail(): void {
    this.#upstream.close();
    this.closed(CLOSE.restart, undefined);
  }

  #passedOn(message: ServerMessage): readonly ServerMessage[] {
    switch (message[0]) {
      case "welcome":
        this.#welcomed();
        return [message];
      case "err":
        // Before the welcome the close code says why.
        return this.isSettled ? [message] : [];
      case "ping":
        // So that the server hears that somebody is here.
        this.receive([["pong", message[1], []]]);
        return [message];
      case "pong": {
        const [, , heads, extension] = message;
        const isSettled = extension?.left === undefined;
        return isSettled ? [["ping", this.#pings, heads, { ms: this.#askedAfterMs }]] : [];
      }
      default:
        return [message];
    }
  }

  #welcomed(): void {
    this.#welcomedAtMs = this.#parts.runtime.monotonicMs();
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    if (waiting.length > 0) this.receive(waiting);
  }

  #drained(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#upstream.resume();
  }
}

/** Messages of types that are not known are left out: whoever knows them is not followed through us. */
function messagesIn(text: string): readonly ServerMessage[] | undefined {
  try {
    const frame: readonly ReceivedMessage[] = JSON.parse(text);
    return frame.map(parseServerMessage).filter((message) => message !== undefined);
  } catch {
    return undefined;
  }
}

/** What a reader hears: what the server said, or that it is to come back. */
function closeCodeOf(code: number, status: number | undefined): number {
  if (status === TOO_MANY) return CLOSE.overloaded;
  return code === UNREACHED || code < 4_000 ? CLOSE.restart : code;
}
