// Which tokens are not accepted any more though they are signed and in force: of a subject all that were issued by a time,
// or the one of a number. It answers from memory; storage is another's.
import type { Identified } from "../session/identity.js";
import type { Revocation } from "./credential-store.js";

/** The revocations in force. */
export class Revocations {
  readonly #byName = new Map<string, Revocation>();

  /** Takes one more, and returns it as it has to be stored: no earlier, and no shorter, than one of the same name. */
  add(revocation: Revocation): Revocation {
    const before = this.#byName.get(nameOf(revocation));
    const merged = {
      ...revocation,
      at: Math.max(revocation.at, before?.at ?? 0),
      until: Math.max(revocation.until, before?.until ?? 0),
    };
    this.#byName.set(nameOf(merged), merged);
    return merged;
  }

  /** Whether it rests on a token that was revoked. A token that does not say when it was issued is taken to be older. */
  includes({ principal, space, tokenId, issuedAt = 0 }: Identified, now: number): boolean {
    if (this.#byName.size === 0) return false;
    const token = tokenId === undefined ? undefined : this.#byName.get(nameOf({ space, kind: "jti", name: tokenId }));
    if (token !== undefined && now < token.until) return true;
    const subject = this.#byName.get(nameOf({ space, kind: "sub", name: principal.id }));
    return subject !== undefined && now < subject.until && issuedAt <= subject.at;
  }

  /** Lets go of those that are over. */
  sweep(now: number): void {
    for (const [name, { until }] of this.#byName) if (until <= now) this.#byName.delete(name);
  }
}

const nameOf = ({ space, kind, name }: Pick<Revocation, "space" | "kind" | "name">): string =>
  JSON.stringify([space, kind, name]);
