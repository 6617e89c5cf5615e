// The way between one client's machine and the server: how long bytes take, and what the faults of a network do to it.
// It outlives connections, and processes at either end.
import type { Chance } from "../world/chance.js";
import type { TimeLine } from "../world/time-line.js";

/** One machine's way to the server. */
export class Route {
  readonly #timeLine: TimeLine;
  readonly #chance: Chance;
  readonly #baseMs: number;
  #slow = { untilMs: 0, extraMs: 0 };
  #rough = { untilMs: 0, extraMs: 0 };
  #partedUntilMs = 0;
  #extraMaxMs = 0;
  /** Faults that are over leave their mark here, for whoever must know that the way was bad not long ago. */
  #badUntilMs = 0;

  constructor(parts: { timeLine: TimeLine; chance: Chance; baseMs: number }) {
    this.#timeLine = parts.timeLine;
    this.#chance = parts.chance;
    this.#baseMs = parts.baseMs;
  }

  /** How long bytes that leave now are under way, ms. */
  readonly delayMs = (): number => {
    const { nowMs } = this.#timeLine;
    const slow = nowMs < this.#slow.untilMs ? this.#slow.extraMs : 0;
    const rough = nowMs < this.#rough.untilMs ? this.#chance.next() * this.#rough.extraMs : 0;
    return this.#baseMs * (1 + this.#chance.next() / 4) + slow + rough;
  };

  /** How long bytes were ever under way here at most, but for what held them up on their connection, ms. */
  get delayMaxMs(): number {
    return this.#baseMs * 1.25 + this.#extraMaxMs;
  }

  /** Until when nothing gets through, either way. */
  get partedUntilMs(): number {
    return this.#partedUntilMs;
  }

  get isParted(): boolean {
    return this.#timeLine.nowMs < this.#partedUntilMs;
  }

  /** Until when it was, or will be, worse than usual. */
  get badUntilMs(): number {
    return this.#badUntilMs;
  }

  /** Everything takes longer for a while. */
  slowDown(forMs: number, extraMs: number): void {
    this.#slow = { untilMs: this.#bad(forMs, extraMs), extraMs };
  }

  /** Everything takes now more, now less for a while. */
  roughen(forMs: number, extraMs: number): void {
    this.#rough = { untilMs: this.#bad(forMs, extraMs), extraMs };
  }

  /** Nothing gets through for a while; what was under way arrives afterwards. */
  part(forMs: number): void {
    this.#partedUntilMs = Math.max(this.#partedUntilMs, this.#bad(forMs));
  }

  #bad(forMs: number, lateMs = 0): number {
    const untilMs = this.#timeLine.nowMs + forMs;
    this.#badUntilMs = Math.max(this.#badUntilMs, untilMs + lateMs);
    this.#extraMaxMs += lateMs;
    return untilMs;
  }
}
