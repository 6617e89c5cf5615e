// Who is present in one document: people by their ids, however many connections each has. It knows no sockets and no
// clock; what those who watch were told last is remembered, so that a step says no more than what is different now.
import { type Json, jsonEquals, LIMITS, type PresenceChange, type PresentPeer } from "@tidemark/protocol";

/** What a person shows through one of their subscriptions. */
interface Showing {
  readonly holder: object;
  readonly meta: Json;
}

interface Person {
  readonly id: string;
  readonly peer: string;
  /** The newest last: it is what others see. Empty while the person is away. */
  showings: readonly Showing[];
  /** What others see. */
  meta: Json;
}

/** Somebody who shows something. */
export interface Shown {
  /** Principal. */
  readonly id: string;
  /** What others know them by. */
  readonly peer: string;
  /** Through what: showing again through the same replaces. */
  readonly holder: object;
  readonly meta: Json;
}

/** Those present. The first that came are listed, all others only count (PRES-3). */
export class PresentList {
  readonly #people = new Map<string, Person>();
  readonly #listed = new Set<Person>();
  /** In the order in which they came. */
  readonly #others = new Set<Person>();
  /** Cut off, with when their time is over, in that order. */
  readonly #away = new Map<Person, number>();
  #told: ReadonlyMap<string, Json> = new Map();
  #toldCount = 0;

  /** How many are present. */
  get count(): number {
    return this.#people.size;
  }

  /** When the time of the first of those who are away is over. */
  get nextEndMs(): number | undefined {
    const [first] = this.#away.values();
    return first;
  }

  /** All that are listed, as they were told last. */
  get all(): readonly PresentPeer[] {
    return [...this.#told];
  }

  /** The newest of what a person shows is what others see. */
  show({ id, peer, holder, meta }: Shown): void {
    const person = this.#people.get(id) ?? this.#arrived(id, peer, meta);
    this.#away.delete(person);
    person.showings = [...person.showings.filter((showing) => showing.holder !== holder), { holder, meta }];
    if (!jsonEquals(person.meta, meta)) person.meta = meta;
  }

  /** Nothing is shown through `holder` any more. `awayUntilMs`: it was cut off, and its person, if that was all, is
   * present until then. */
  hide(id: string, holder: object, awayUntilMs?: number): void {
    const person = this.#people.get(id);
    if (person === undefined) return;
    const showings = person.showings.filter((showing) => showing.holder !== holder);
    if (showings.length === person.showings.length) return;
    person.showings = showings;
    const newest = showings.at(-1);
    if (newest !== undefined) person.meta = jsonEquals(person.meta, newest.meta) ? person.meta : newest.meta;
    else if (awayUntilMs === undefined) this.#left(person);
    else this.#away.set(person, awayUntilMs);
  }

  /** Those whose time is over have left. */
  expire(nowMs: number): void {
    for (const [person, untilMs] of this.#away) {
      if (untilMs > nowMs) return;
      this.#left(person);
    }
  }

  /** What has changed since the last time; undefined: nothing that is told. */
  step(): PresenceChange | undefined {
    this.#fill();
    const now = new Map([...this.#listed].map(({ peer, meta }) => [peer, meta]));
    const leave = [...this.#told.keys()].filter((peer) => !now.has(peer));
    const join = [...now].filter(([peer, meta]) => this.#told.get(peer) !== meta);
    const count = this.#people.size;
    if (leave.length === 0 && join.length === 0 && count === this.#toldCount) return undefined;
    this.#told = now;
    this.#toldCount = count;
    return { count, ...(join.length === 0 ? {} : { join }), ...(leave.length === 0 ? {} : { leave }) };
  }

  #arrived(id: string, peer: string, meta: Json): Person {
    const person: Person = { id, peer, showings: [], meta };
    this.#people.set(id, person);
    this.#others.add(person);
    return person;
  }

  #left(person: Person): void {
    this.#away.delete(person);
    this.#people.delete(person.id);
    if (!this.#listed.delete(person)) this.#others.delete(person);
  }

  /** Who has been there longest takes the places that are free. */
  #fill(): void {
    if (this.#listed.size >= LIMITS.presenceListedMax) return;
    for (const person of this.#others) {
      this.#others.delete(person);
      this.#listed.add(person);
      if (this.#listed.size >= LIMITS.presenceListedMax) return;
    }
  }
}
