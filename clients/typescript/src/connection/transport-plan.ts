// Which transport the next connection is made over. Pure bookkeeping of what came of those before:
//
//   websocket -not got through-> stream -held back, or silent-> poll -held back, too-> websocket
//       ^                          |  \                          |
//       \--- a trial got through --+---\---- nobody there -------/
import { CLOSE } from "@tidemark/protocol";
import type { Transport, TransportChoice } from "../api/tide.js";

/** How a connection, or a try, came to its end. */
export interface Outcome {
  readonly code: number;
  /** It got as far as `welcome`, and went on for a while. */
  readonly hasWorked: boolean;
}

/** So many in a row are no accident. */
const FAILURES_MAX = 2;
/** The same where one has worked: a server that is started again refuses a few, and a WebSocket is what it is spared most by
 * when all come back. */
const PROVEN_FAILURES_MAX = 4;
/** To get no answer at all takes long. */
const SILENT_FAILURES = 2;

export class TransportPlan {
  readonly #choice: TransportChoice;
  #next: Transport;
  #failures = 0;
  /** A WebSocket has worked on this network, as far as is known. */
  #isProven = false;

  constructor(choice: TransportChoice) {
    this.#choice = choice;
    this.#next = choice === "http" ? "stream" : "websocket";
  }

  /** The one to use next. */
  get next(): Transport {
    return this.#next;
  }

  /** Whether there is another, should this one not get through. */
  get mayFallBack(): boolean {
    return this.#choice === "auto";
  }

  /** Whether to look now and then for a better one. */
  get mayImprove(): boolean {
    return this.#choice === "auto" && this.#next !== "websocket";
  }

  /** A WebSocket got through. */
  improve(): void {
    if (this.mayImprove) this.#use("websocket");
  }

  /** A connection was welcomed. */
  welcomed(transport: Transport): void {
    if (transport === "websocket") this.#isProven = true;
  }

  /** It may be another network from now on. */
  forget(): void {
    this.#isProven = false;
  }

  /** A connection is over. */
  ended(transport: Transport, { code, hasWorked }: Outcome): void {
    // Another connection knows better by now.
    if (transport !== this.#next) return;
    if (hasWorked) this.#failures = 0;
    if (code === CLOSE.silent && this.#next === "stream") this.#use("poll");
    // Whoever says why is there.
    if (hasWorked || (isSaid(code) && code !== CLOSE.helloTimeout)) return;
    if (this.#next === "websocket") this.#socketFailed(code);
    else if (this.#next === "stream" && code === CLOSE.helloTimeout) this.#use("poll");
    else this.#use(this.#choice === "http" ? "stream" : "websocket");
  }

  #socketFailed(code: number): void {
    this.#failures += code === CLOSE.helloTimeout ? SILENT_FAILURES : 1;
    if (this.#choice !== "auto" || this.#failures < (this.#isProven ? PROVEN_FAILURES_MAX : FAILURES_MAX)) return;
    this.#isProven = false;
    this.#use("stream");
  }

  #use(transport: Transport): void {
    this.#next = transport;
    this.#failures = 0;
  }
}

const isSaid = (code: number): boolean => code >= 4_000;
