// Finds out now and then whether a WebSocket gets through by now, both ways, while something else carries the connection.
// It greets in a version that no server speaks: to be refused is the answer, and costs the server next to nothing.
import { type Codec, LIMITS } from "@tidemark/protocol";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";
import { SocketLine } from "./socket-line.js";

interface SocketTrialOptions {
  readonly platform: Platform;
  readonly codec: Codec;
  readonly url: URL;
  readonly sdk: string;
  /** One got through. */
  readonly worked: () => void;
}

const NO_VERSION = 0;
const NOBODY = "0".repeat(32);

export class SocketTrial {
  readonly #options: SocketTrialOptions;
  #cancel: Cancel = () => undefined;
  /** Trials since a WebSocket last carried the connection. */
  #trials = 0;

  constructor(options: SocketTrialOptions) {
    this.#options = options;
  }

  /** Tries, soon and then ever less often, until it works or is stopped. */
  start(): void {
    this.stop();
    const { platform } = this.#options;
    const waitMs = Math.min(CLIENT_LIMITS.trialCapMs, CLIENT_LIMITS.trialBaseMs * 2 ** Math.min(this.#trials, 16));
    this.#cancel = platform.setTimer(waitMs * (1 + platform.random() / 2), () => this.#try());
  }

  stop(): void {
    this.#cancel();
  }

  /** It may be another network than the last trials were in, or a WebSocket has proved itself. */
  forget(): void {
    this.#trials = 0;
  }

  #try(): void {
    const { platform, codec, url, sdk, worked } = this.#options;
    this.#trials += 1;
    let isOver = false;
    const over = (then: () => void): void => {
      if (isOver) return;
      stop();
      then();
    };
    const line = new SocketLine({
      platform,
      codec,
      url,
      listener: {
        opened: () => {
          line.push(["hello", { v: NO_VERSION, client: NOBODY, conn: 0, sdk, caps: [] }]);
        },
        frame: () => over(worked),
        closed: () => over(() => this.start()),
      },
    });
    const stopTimer = platform.setTimer(LIMITS.firstPayloadMs, () => over(() => this.start()));
    const stop = (): void => {
      isOver = true;
      stopTimer();
      line.close(1_000);
    };
    this.#cancel = stop;
  }
}
