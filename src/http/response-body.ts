// The body of a response that goes on. What its reader does not take is counted by Node's response and its socket, as on a
// WebSocket (R14).
import type { ServerResponse } from "node:http";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";

/** How long a peer may take to read what it is still owed, before its connection is destroyed. */
const CLOSE_GRACE_MS = 2_000;

/** One body. */
export class ResponseBody {
  /** Called whenever everything that was written was taken after it had been much. */
  onDrained: (() => void) | undefined = undefined;
  readonly #response: ServerResponse;
  readonly #runtime: Runtime;
  #writtenBytes = 0;
  #isOpen = true;
  #grace: CancelTimer | undefined = undefined;

  /** The head of the response was written. */
  constructor(response: ServerResponse, runtime: Runtime) {
    this.#response = response;
    this.#runtime = runtime;
    response.socket?.setNoDelay(true);
    response.on("drain", () => this.#isOpen && this.onDrained?.());
    response.on("error", () => response.destroy());
    response.on("close", () => {
      this.#isOpen = false;
      this.#grace?.();
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What was written and not taken. */
  get bufferedBytes(): number {
    return this.#response.writableLength;
  }

  get takenBytes(): number {
    return this.#writtenBytes - this.bufferedBytes;
  }

  /** Writes all with one call to the socket. */
  write(...pieces: readonly (string | Buffer)[]): void {
    if (!this.#isOpen) return;
    if (pieces.length > 1) this.#response.cork();
    for (const piece of pieces) {
      this.#response.write(piece);
      this.#writtenBytes += Buffer.byteLength(piece);
    }
    if (pieces.length > 1) this.#response.uncork();
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#response.end();
    this.#grace = this.#runtime.setTimer(CLOSE_GRACE_MS, () => this.#response.destroy());
  }
}
