// Which session speaks for which client: a newer connection of one ends the older, which would only hold resources.
import { CLOSE, type ErrorCode } from "@tidemark/protocol";

/** Whom a session speaks for, and which connection of theirs it is. */
export interface Claim {
  readonly subject: string;
  readonly client: string;
  readonly conn: number;
}

/** Something that can be ended. */
export interface Endable {
  end(closeCode: number, reason: ErrorCode): void;
}

/** The live sessions of a server. */
export class SessionRegistry {
  readonly #sessions = new Map<string, { readonly session: Endable; readonly conn: number }>();

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A session goes live; of two of the same (subject, client) only the one with the greater `conn` goes on
   * (HELLO-5). False: it is this one that must end. */
  begins({ subject, client, conn }: Claim, session: Endable): boolean {
    const name = nameOf(subject, client);
    const other = this.#sessions.get(name);
    if (other !== undefined && other.conn >= conn) return false;
    this.#sessions.set(name, { session, conn });
    other?.session.end(CLOSE.replaced, "closed");
    return true;
  }

  /** A session is over. */
  ended({ subject, client }: Claim, session: Endable): void {
    const name = nameOf(subject, client);
    if (this.#sessions.get(name)?.session === session) this.#sessions.delete(name);
  }

  /** Ends all of them. */
  endAll(): void {
    for (const { session } of [...this.#sessions.values()]) session.end(CLOSE.draining, "draining");
  }
}

const nameOf = (subject: string, client: string): string => `${client} ${subject}`;
