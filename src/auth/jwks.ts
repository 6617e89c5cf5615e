// The keys of an issuer, by the address of its key set (RFC 7517). They are kept while they are fresh, used on for a
// bounded time when the issuer does not answer, and asked for anew when a token names one that is not among them: one
// request at a time, and never faster than the cool-down, whatever tokens say.
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { FetchText } from "./fetch-text.js";
import { keyOfSet, type VerificationKey } from "./verification-key.js";

/** What a key set needs. */
export interface RemoteKeysParts {
  readonly url: string;
  readonly runtime: Runtime;
  readonly fetchText: FetchText;
  /** The issuer did not answer, or what it answered is no key set. */
  readonly onFailed: (error: unknown) => void;
}

/** What is asked for: the algorithm and, if the token says it, the name of the key. */
export interface WantedKey {
  readonly algorithm: string;
  readonly kid: string | undefined;
}

const MINUTE_MS = 60_000;
/** So long they are not asked for again without need: also how long a key lives that its issuer has withdrawn. */
const FRESH_MS = 10 * MINUTE_MS;
/** So long they are used when the issuer does not answer. */
const STALE_MAX_MS = 24 * 60 * MINUTE_MS;
const COOL_DOWN_MS = 30_000;
const COOL_DOWN_FAILED_MS = 5_000;
const TIMEOUT_MS = 5_000;
const BYTES_MAX = 256 * 1_024;
const KEYS_MAX = 100;
/** Keys of one name that are tried. */
const CANDIDATES_MAX = 8;

/** The keys of one issuer. */
export class RemoteKeys {
  readonly #parts: RemoteKeysParts;
  #keys: readonly VerificationKey[] = [];
  #loadedAtMs = Number.NEGATIVE_INFINITY;
  #mayAskAtMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;

  constructor(parts: RemoteKeysParts) {
    this.#parts = parts;
  }

  /** Those that a token may have been signed with, at most a few. Never rejects. */
  async find(wanted: WantedKey): Promise<readonly VerificationKey[]> {
    const age = this.#parts.runtime.monotonicMs() - this.#loadedAtMs;
    const known = age < STALE_MAX_MS ? matching(this.#keys, wanted) : [];
    if (known.length > 0) {
      if (age >= FRESH_MS) void this.load();
      return known;
    }
    await this.load();
    return this.#parts.runtime.monotonicMs() - this.#loadedAtMs < STALE_MAX_MS ? matching(this.#keys, wanted) : [];
  }

  /** Asks the issuer, unless that was done a moment ago. Never rejects. */
  load(): Promise<void> {
    const { runtime } = this.#parts;
    if (this.#loading !== undefined) return this.#loading;
    if (runtime.monotonicMs() < this.#mayAskAtMs) return Promise.resolve();
    this.#loading = this.#fetch().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #fetch(): Promise<void> {
    const { runtime, onFailed } = this.#parts;
    try {
      this.#keys = keysOf(await this.#text());
      this.#loadedAtMs = runtime.monotonicMs();
      this.#mayAskAtMs = this.#loadedAtMs + COOL_DOWN_MS;
    } catch (error) {
      this.#mayAskAtMs = runtime.monotonicMs() + COOL_DOWN_FAILED_MS;
      onFailed(error);
    }
  }

  /** Whatever the fetching does about its signal, it is waited for so long and no longer. */
  #text(): Promise<string> {
    const { url, runtime, fetchText } = this.#parts;
    const controller = new AbortController();
    return new Promise((resolve, reject) => {
      const cancel: CancelTimer = runtime.setTimer(TIMEOUT_MS, () => {
        const late = new Error(`it did not answer within ${TIMEOUT_MS} ms`);
        reject(late);
        controller.abort(late);
      });
      fetchText(url, { bytesMax: BYTES_MAX, signal: controller.signal }).then(resolve, reject).finally(cancel);
    });
  }
}

/** By name if the token has one; keys without a name are meant by every token. */
function matching(keys: readonly VerificationKey[], { algorithm, kid }: WantedKey): readonly VerificationKey[] {
  const fits = (key: VerificationKey): boolean =>
    key.algorithms.includes(algorithm) && (kid === undefined || key.kid === undefined || key.kid === kid);
  return keys.filter(fits).slice(0, CANDIDATES_MAX);
}

function keysOf(text: string): readonly VerificationKey[] {
  const set: unknown = JSON.parse(text);
  const keys: unknown = typeof set === "object" && set !== null && "keys" in set ? set.keys : undefined;
  if (!Array.isArray(keys)) throw new TypeError("its answer is no key set: it has no list `keys`");
  if (keys.length > KEYS_MAX) throw new TypeError(`its key set has ${keys.length} keys, more than ${KEYS_MAX}`);
  const usable = keys.map(keyOfSet).filter((key) => key !== undefined);
  if (usable.length === 0) throw new TypeError("its key set has no key that signatures can be checked with");
  return usable;
}
