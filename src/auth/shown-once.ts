// Secrets that are made, shown once, soon, and then are nothing: what each stands for is kept by its hash, so that a look at
// the memory shows none. They live in this process; a restart costs whoever holds one another request.
import { TidemarkError } from "@tidemark/protocol";
import { sha256 } from "../runtime/digest.js";
import type { Runtime } from "../runtime/runtime.js";

interface Waiting<Value> {
  readonly value: Value;
  readonly useBefore: number;
}

const SECRET_BYTES = 32;
const WAITING_MAX = 65_536;
const SWEEP_EVERY_MS = 1_000;
const AFTER_MS = 1_000;

/** Those that nobody has shown yet. */
export class ShownOnce<Value> {
  readonly #prefix: string;
  readonly #runtime: Runtime;
  readonly #waiting = new Map<string, Waiting<Value>>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  /** What they begin with says what they are. */
  constructor(prefix: string, runtime: Runtime) {
    this.#prefix = prefix;
    this.#runtime = runtime;
  }

  /** Makes one, good before `useBefore`, Unix ms. Throws TidemarkError `limit_reached`. */
  make(value: Value, useBefore: number): string {
    this.#sweep();
    if (this.#waiting.size >= WAITING_MAX) throw new TidemarkError("limit_reached", { afterMs: AFTER_MS });
    const secret = `${this.#prefix}${Buffer.from(this.#runtime.randomBytes(SECRET_BYTES)).toString("base64url")}`;
    this.#waiting.set(keyOf(secret), { value, useBefore });
    return secret;
  }

  /** What it stands for; undefined: it was shown before, too late, or is nobody's. It cannot be shown again. */
  take(secret: string): Value | undefined {
    const key = keyOf(secret);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting !== undefined && this.#runtime.now() < waiting.useBefore ? waiting.value : undefined;
  }

  /** At most each second: a look at all of them must not cost whoever asks for one. */
  #sweep(): void {
    const now = this.#runtime.now();
    if (this.#runtime.monotonicMs() - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = this.#runtime.monotonicMs();
    for (const [key, { useBefore }] of this.#waiting) if (useBefore <= now) this.#waiting.delete(key);
  }
}

const keyOf = (secret: string): string => Buffer.from(sha256(secret)).toString("base64");
