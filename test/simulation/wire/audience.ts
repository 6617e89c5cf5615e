// Who is at the other end of a connection, by its tokens: how long anything may be sent there (R17), and the texts of
// which teams (R18).
import { marksIn } from "../app/ledger.js";
import type { Complain } from "./followed.js";

/** What a token of the simulation says. */
export interface TokenSays {
  readonly lifeMs: number;
  readonly team: string;
}

/** What is known of the connection. */
export interface AudienceParts {
  readonly nowMs: () => number;
  /** Until when the server did not run: its timers come late. */
  readonly serverBadUntilMs: () => number;
  readonly read: (token: string) => TokenSays;
  readonly complain: Complain;
}

/** R17: so long after a token has expired, or was replaced by one of less, it is still obeyed. */
const GRACE_MS = 5_000;

/** The identity behind one connection. */
export class Audience {
  readonly #parts: AudienceParts;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  /** Until when each team's texts may be sent. */
  readonly #teams = new Map<string, number>();

  constructor(parts: AudienceParts) {
    this.#parts = parts;
  }

  /** A token came. */
  is(token: string): void {
    const { lifeMs, team } = this.#parts.read(token);
    const nowMs = this.#parts.nowMs();
    this.#expiresAtMs = nowMs + lifeMs;
    for (const [other, untilMs] of this.#teams) this.#teams.set(other, Math.min(untilMs, nowMs + GRACE_MS));
    this.#teams.set(team, Number.POSITIVE_INFINITY);
  }

  /** A message leaves. */
  sent(type: string): void {
    const lateMs = this.#pastMs(this.#expiresAtMs) - GRACE_MS;
    if (lateMs > 0) this.#parts.complain("R17", `${type} was sent ${lateMs.toFixed(0)} ms past the grace of its token`);
  }

  /** A frame leaves. */
  shown(bytes: Uint8Array): void {
    for (const mark of marksIn(bytes)) {
      const untilMs = this.#teams.get(mark);
      if (untilMs !== undefined && this.#pastMs(untilMs) <= 0) continue;
      this.#parts.complain(mark === "ledger" ? "VIEW-1" : "R18", `a frame shows what is ${mark}'s`);
    }
  }

  #pastMs(untilMs: number): number {
    return this.#parts.nowMs() - Math.max(untilMs, this.#parts.serverBadUntilMs());
  }
}
