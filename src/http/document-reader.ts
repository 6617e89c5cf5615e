// Follows one document for a reader that is told of it: a session with one subscription, over the same checks, gate and
// fan-out as a socket's. Nothing is kept when it is over but what its reader holds.
import { type HeldPosition, type JsonObject, type OpenMessage, PROTOCOL_VERSION } from "@tidemark/protocol";
import { randomHex } from "../runtime/ids.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Following, Follows, Sessions } from "./sessions.js";
import { Teller } from "./teller.js";
import { endOf, type Held } from "./told.js";
import { type Listener, ToldWire } from "./told-wire.js";

/** What is followed, from where, for whom. */
export interface DocumentReaderParts<From extends Following> {
  readonly sessions: Sessions<From>;
  readonly runtime: Runtime;
  readonly visit: From;
  /** `type/key`. */
  readonly doc: string;
  readonly params: JsonObject | undefined;
  /** Of a channel: how many of its newest messages to begin with. */
  readonly newest: number | undefined;
  /** Of a type whose documents begin with whoever comes first. */
  readonly create: boolean;
  readonly held: Held | undefined;
  readonly listener: Listener;
}

const CLIENT_BYTES = 16;
/** No layer has it: what is held is the point alone, and the states come whole. */
const NO_TAG = "-";

/** One reader. */
export class DocumentReader<From extends Following> {
  readonly #parts: DocumentReaderParts<From>;
  readonly #teller: Teller;
  readonly #wire: ToldWire;
  #follows: Follows | undefined;
  #s = 1;
  #isOver = false;

  constructor(parts: DocumentReaderParts<From>) {
    const { runtime, held, listener } = parts;
    this.#parts = parts;
    this.#teller = new Teller(held);
    const onStatesNeeded = (): void => runtime.defer(() => this.#openAnew());
    const onFailed = (error: unknown): void => this.#failed(error);
    this.#wire = new ToldWire({ teller: this.#teller, listener, onStatesNeeded, onFailed });
  }

  /** Begins to follow. */
  begin(): void {
    const { sessions, runtime, visit, held } = this.#parts;
    const client = randomHex(runtime, CLIENT_BYTES);
    this.#try(() => {
      const hello = { v: PROTOCOL_VERSION, client, conn: 1, sdk: "http", caps: [] };
      this.#follows = sessions.begin(this.#wire, hello, visit);
      this.#follows.receive([this.#open(held)]);
    });
  }

  /** Everything that there is was told. */
  get isSettled(): boolean {
    return this.#follows?.isSettled === true && this.#teller.isOpened && !this.#teller.needsStates;
  }

  /** There is room again for what is to be told. */
  drained(): void {
    this.#wire.onDrained?.();
  }

  /** It is over: nothing more is told. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#wire.stop();
    this.#follows?.socketClosed();
  }

  #openAnew(): void {
    const closed = this.#s;
    this.#s += 1;
    const { epoch, seq, tags } = this.#teller.held;
    this.#try(() =>
      this.#follows?.receive([["close", closed], this.#open({ epoch, seq, tags: tags.map(() => NO_TAG) })]),
    );
  }

  #try(say: () => void): void {
    if (this.#isOver) return;
    try {
      say();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { sessions, listener } = this.#parts;
    sessions.onBug(error);
    listener.told([endOf({ code: "internal" })], this.#teller.held);
    this.stop();
  }

  #open(held: Held | undefined): OpenMessage {
    const { doc, params, create, newest } = this.#parts;
    const at = held === undefined ? undefined : positionsOf(held);
    return [
      "open",
      {
        s: this.#s,
        doc,
        ...(at === undefined ? {} : { at }),
        ...(params === undefined ? {} : { params }),
        ...(create ? { create: true } : {}),
        ...(newest === undefined ? {} : { last: newest }),
      },
    ];
  }
}

const positionsOf = ({ epoch, seq, tags }: Held): readonly HeldPosition[] =>
  (tags.length === 0 ? [NO_TAG] : tags).map((tag) => [epoch, seq, tag]);
