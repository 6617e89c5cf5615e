// What one reader is told within one request, gathered until there is something to tell, or its time is over and it was
// told everything.
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import { refusalOf } from "./event-stream.js";
import type { Unmet } from "./problem.js";
import { type Held, heldText, type Told } from "./told.js";
import type { Listener } from "./told-wire.js";

/** One poll. */
export class LongPoll implements Listener {
  /** Resolves when it is to be answered. */
  readonly finished: Promise<void>;
  readonly bufferedBytes = 0;
  readonly #runtime: Runtime;
  readonly #changes: Told[] = [];
  readonly #cancelWait: CancelTimer;
  #isSettled: () => boolean = () => false;
  #finish: () => void = () => undefined;
  #held: Held | undefined;
  #isOpened = false;
  #isDue = false;
  #takenBytes = 0;

  /** `waitMs`: how long there may be nothing to tell. */
  constructor(runtime: Runtime, waitMs: number) {
    this.#runtime = runtime;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#cancelWait = runtime.setTimer(waitMs, () => {
      this.#isDue = true;
      this.#look();
    });
  }

  /** `isSettled`: whether everything that there is was told. */
  of(isSettled: () => boolean): void {
    this.#isSettled = isSettled;
  }

  /** Whoever waits for the answer takes all there is. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  get isOpened(): boolean {
    return this.#isOpened;
  }

  opened(): void {
    this.#isOpened = true;
    this.#runtime.defer(() => this.#look());
  }

  told(told: readonly Told[], held: Held): void {
    this.#takenBytes += 1;
    this.#held = held;
    this.#changes.push(...told.filter(({ kind }) => kind !== "ping"));
    // What happens in this turn is told together.
    this.#runtime.defer(() => this.#look());
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#cancelWait();
  }

  #look(): void {
    if (this.#changes.length > 0 || (this.#isDue && this.#isSettled())) this.#finish();
  }

  /** Why there is nothing to answer with; undefined: there is. */
  get refusal(): Unmet | undefined {
    const end = this.#changes.find((one) => one.kind === "end");
    return end === undefined || this.#isOpened ? undefined : refusalOf(end);
  }

  /** The answer, as JSON. `before`: what was held. */
  textFrom(before: Held | undefined): string {
    const held = this.#held ?? before;
    const changes = this.#changes.map(({ kind, ...change }) => ({ event: kind, ...change }));
    return JSON.stringify({ ...(held === undefined ? {} : { position: heldText(held) }), changes });
  }
}
