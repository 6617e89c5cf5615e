// Counts what a client sees of its streams, and says what of it is new since the last report that arrived. It decides
// nothing: whoever finds a difference heals it.
import type { JsonObject } from "@tidemark/protocol";
import type { ResetReason } from "../api/document.js";
import type { Divergence, StreamStats } from "../api/stats.js";

/** Numbers by name, flat: as they travel. */
type Counters = { readonly [name: string]: number };

export class Tally {
  readonly #healed = { behind: 0, ahead: 0, otherHistory: 0, gap: 0, audit: 0 };
  readonly #resets = { behind: 0, other_history: 0, view_changed: 0, slow_reader: 0, diverged: 0 };
  readonly #firstPayloads = { count: 0, lastMs: 0, maxMs: 0, sumMs: 0 };
  /** The longest first payload that no report has told yet. */
  #untoldMaxMs = 0;
  #connections = 0;
  #late = 0;
  #absent = 0;
  #adopted = 0;
  #liveMs = 0;
  #notLiveMs = 0;
  #rttMs: number | undefined;
  #told: Counters = {};

  connected(): void {
    this.#connections++;
  }

  roundTrip(ms: number): void {
    this.#rttMs = ms;
  }

  firstPayload(ms: number): void {
    const { count, maxMs, sumMs } = this.#firstPayloads;
    Object.assign(this.#firstPayloads, { count: count + 1, lastMs: ms, maxMs: Math.max(maxMs, ms), sumMs: sumMs + ms });
    this.#untoldMaxMs = Math.max(this.#untoldMaxMs, ms);
  }

  late(): void {
    this.#late++;
  }

  absent(): void {
    this.#absent++;
  }

  healed(kind: Divergence): void {
    this.#healed[kind]++;
  }

  reset(reason: ResetReason): void {
    this.#resets[reason]++;
  }

  adopted(): void {
    this.#adopted++;
  }

  /** A followed document was or was not live for so long. */
  passed(isLive: boolean, ms: number): void {
    if (isLive) this.#liveMs += ms;
    else this.#notLiveMs += ms;
  }

  /** A copy of what there is. */
  stats(): StreamStats {
    return {
      connections: this.#connections,
      rttMs: this.#rttMs,
      liveMs: this.#liveMs,
      notLiveMs: this.#notLiveMs,
      firstPayloads: { ...this.#firstPayloads },
      late: this.#late,
      absent: this.#absent,
      healed: { ...this.#healed },
      resets: { ...this.#resets },
      adopted: this.#adopted,
    };
  }

  /** What is new since the last report that arrived, without what is not; `arrived` says that this one did. */
  report(): { readonly stats: JsonObject; readonly arrived: () => void } {
    const now = this.#counters();
    const told = this.#told;
    const stats: { [name: string]: number } = {};
    for (const [name, value] of Object.entries(now)) {
      const fresh = Math.round(value - (told[name] ?? 0));
      if (fresh !== 0) stats[name] = fresh;
    }
    if (this.#rttMs !== undefined) stats["rttMs"] = Math.round(this.#rttMs);
    const maxMs = this.#untoldMaxMs;
    if (maxMs > 0) stats["firstPayloadMaxMs"] = Math.round(maxMs);
    const arrived = (): void => {
      this.#told = now;
      if (this.#untoldMaxMs === maxMs) this.#untoldMaxMs = 0;
    };
    return { stats, arrived };
  }

  #counters(): Counters {
    const { count, sumMs } = this.#firstPayloads;
    const named = (prefix: string, counts: Counters): Counters =>
      Object.fromEntries(Object.entries(counts).map(([name, value]) => [`${prefix}.${name}`, value]));
    return {
      connections: this.#connections,
      liveMs: this.#liveMs,
      notLiveMs: this.#notLiveMs,
      firstPayloads: count,
      firstPayloadMs: sumMs,
      late: this.#late,
      absent: this.#absent,
      ...named("healed", this.#healed),
      ...named("resets", this.#resets),
      adopted: this.#adopted,
    };
  }
}
