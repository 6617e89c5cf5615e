// Follows one document for a reader that is told of it: a session with one subscription, over the same checks, gate and
// fan-out as a socket's. Nothing is kept when it is over but what its reader holds.
import { type HeldPosition, type JsonObject, type OpenMessage, PROTOCOL_VERSION } from "@tidemark/protocol";
import { randomHex } from "../runtime/ids.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Identified } from "../session/identity.js";
import type { Session } from "../session/session.js";
import type { Sessions } from "./sessions.js";
import { Teller } from "./teller.js";
import { endOf, type Held } from "./told.js";
import { type Listener, ToldWire } from "./told-wire.js";

/** What is followed, from where, for whom. */
export interface DocumentReaderParts {
  readonly sessions: Sessions;
  readonly runtime: Runtime;
  readonly identity: Identified;
  /** `type/key`. */
  readonly doc: string;
  readonly params: JsonObject | undefined;
  /** Of a type whose documents begin with whoever comes first. */
  readonly create: boolean;
  readonly held: Held | undefined;
  readonly listener: Listener;
}

const CLIENT_BYTES = 16;
/** No layer has it: what is held is the point alone, and the states come whole. */
const NO_TAG = "-";

/** One reader. */
export class DocumentReader {
  readonly #parts: DocumentReaderParts;
  readonly #teller: Teller;
  readonly #wire: ToldWire;
  readonly #session: Session;
  #s = 1;
  #isOver = false;

  constructor(parts: DocumentReaderParts) {
    const { sessions, runtime, held, listener } = parts;
    this.#parts = parts;
    this.#teller = new Teller(held);
    const onStatesNeeded = (): void => runtime.defer(() => this.#openAnew());
    const onFailed = (error: unknown): void => this.#failed(error);
    this.#wire = new ToldWire({ teller: this.#teller, listener, onStatesNeeded, onFailed });
    this.#session = sessions.begin(this.#wire);
  }

  /** Begins to follow. */
  begin(): void {
    const { runtime, identity, held } = this.#parts;
    const client = randomHex(runtime, CLIENT_BYTES);
    this.#try(() => {
      this.#session.greeted({ v: PROTOCOL_VERSION, client, conn: 1, sdk: "http", caps: [] }, identity);
      this.#session.receive([this.#open(held)]);
    });
  }

  /** Everything that there is was told. */
  get isSettled(): boolean {
    return this.#session.isSettled && this.#teller.isOpened && !this.#teller.needsStates;
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
    this.#session.socketClosed();
  }

  #openAnew(): void {
    const closed = this.#s;
    this.#s += 1;
    const { epoch, seq, tags } = this.#teller.held;
    this.#try(() =>
      this.#session.receive([["close", closed], this.#open({ epoch, seq, tags: tags.map(() => NO_TAG) })]),
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
    const { doc, params, create } = this.#parts;
    const at = held === undefined ? undefined : positionsOf(held);
    return [
      "open",
      {
        s: this.#s,
        doc,
        ...(at === undefined ? {} : { at }),
        ...(params === undefined ? {} : { params }),
        ...(create ? { create: true } : {}),
      },
    ];
  }
}

const positionsOf = ({ epoch, seq, tags }: Held): readonly HeldPosition[] =>
  (tags.length === 0 ? [NO_TAG] : tags).map((tag) => [epoch, seq, tag]);
