// What each of many has of something, made when it is first asked for and forgotten when nobody needs it any more. It knows
// nothing of what is shared.

/** How many are looked at for each new one: more than one, so that those nobody needs cannot pile up. */
const LOOKED_AT = 2;

/** Shares by name. */
export class Shares<Share> {
  readonly #shares = new Map<string, Share>();
  readonly #make: () => Share;
  readonly #isUnused: (share: Share) => boolean;

  /** `isUnused`: one that is made anew would be the same. */
  constructor({ make, isUnused }: { readonly make: () => Share; readonly isUnused: (share: Share) => boolean }) {
    this.#make = make;
    this.#isUnused = isUnused;
  }

  /** How many there are. */
  get size(): number {
    return this.#shares.size;
  }

  /** The share of this name. */
  of(name: string): Share {
    const known = this.#shares.get(name);
    if (known !== undefined) return known;
    this.#forget();
    const share = this.#make();
    this.#shares.set(name, share);
    return share;
  }

  /** Looks at the oldest. */
  #forget(): void {
    let looked = 0;
    for (const [name, share] of this.#shares) {
      if (looked === LOOKED_AT) return;
      looked += 1;
      this.#shares.delete(name);
      if (!this.#isUnused(share)) this.#shares.set(name, share);
    }
  }
}
