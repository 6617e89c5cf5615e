// The edges of an owner: a link to each, and what all of them are told.
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import { Link, type LinkEnd, type LinkWire } from "./link.js";
import type { FromEdge } from "./link-messages.js";
import { OwnerEnd, type OwnerEndParts } from "./owner-end.js";

/** What the links of an owner need. */
export interface OwnerLinksParts extends Omit<OwnerEndParts, "send"> {
  /** Work is being refused for want of time or room. */
  readonly isOverloaded: () => boolean;
  readonly onBug: (error: unknown) => void;
}

/** An edge's link. */
export interface AcceptedLink {
  readonly link: Link;
  /** How many sessions it has. */
  readonly sessionCount: number;
}

/** How often edges hear whether there is too much to do: they look at it when somebody connects. */
const OVERLOAD_LOOK_MS = 250;

/** Links to edges. */
export class OwnerLinks {
  readonly #parts: OwnerLinksParts;
  readonly #runtime: Runtime;
  readonly #ends = new Set<OwnerEnd>();
  #wasOverloaded = false;
  #cancelLook: CancelTimer | undefined = undefined;

  constructor(parts: OwnerLinksParts) {
    this.#parts = parts;
    this.#runtime = parts.runtime;
  }

  /** An edge has come. `over` is called when it is gone, or was given up. */
  accept(wire: LinkWire, over: (why: LinkEnd) => void): AcceptedLink {
    const { onBug } = this.#parts;
    const end = new OwnerEnd({ ...this.#parts, send: (message) => link.send(message) });
    const link: Link = new Link({
      runtime: this.#runtime,
      wire,
      // A herd that opens more than its edge can take in waits its turn.
      holdsBack: true,
      // Both ends are of one build: what comes has the shape that its type says.
      heard: (message) => end.hear(message as FromEdge),
      over: (why) => {
        this.#ends.delete(end);
        end.gone();
        over(why);
      },
      onBug,
    });
    this.#ends.add(end);
    this.#cancelLook ??= this.#lookLater();
    if (this.#wasOverloaded) end.send(["overloaded", true]);
    return {
      link,
      get sessionCount() {
        return end.sessionCount;
      },
    };
  }

  #lookLater(): CancelTimer {
    return this.#runtime.setTimer(OVERLOAD_LOOK_MS, () => {
      const isOverloaded = this.#parts.isOverloaded();
      if (isOverloaded !== this.#wasOverloaded) for (const end of this.#ends) end.send(["overloaded", isOverloaded]);
      this.#wasOverloaded = isOverloaded;
      this.#cancelLook = this.#ends.size > 0 ? this.#lookLater() : undefined;
    });
  }
}
