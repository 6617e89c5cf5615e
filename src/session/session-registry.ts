// Which session speaks for which client: a new connection of one ends the older, which would only hold resources.
import { CLOSE } from "@tidemark/protocol";
import type { Session } from "./session.js";

/** The live sessions of a server. */
export class SessionRegistry {
  readonly #sessions = new Map<string, Session>();

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A session went live; an older one of the same (subject, client) ends. */
  began(subject: string, client: string, session: Session): void {
    const name = nameOf(subject, client);
    const older = this.#sessions.get(name);
    this.#sessions.set(name, session);
    older?.end(CLOSE.replaced, "closed");
  }

  /** A session is over. */
  ended(subject: string, client: string, session: Session): void {
    const name = nameOf(subject, client);
    if (this.#sessions.get(name) === session) this.#sessions.delete(name);
  }

  /** Ends all of them. */
  endAll(): void {
    for (const session of [...this.#sessions.values()]) session.end(CLOSE.draining, "draining");
  }
}

const nameOf = (subject: string, client: string): string => `${client} ${subject}`;
