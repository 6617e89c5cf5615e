// How those are opened who come back from one position to one head: found out once, and handed to all of them as the very
// same object, so that whoever encodes it can tell that it has. It lasts as long as a herd takes and no longer.
import type { HeldPosition } from "@tidemark/protocol";
import { LIMITS } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { StoredPosition } from "./document-store.js";
import type { Committed, Opening } from "./documents.js";

/** How long after the first of them. What comes later is found out anew. */
const SHARED_MS = 1_000;
const OPENING_BYTES = 512;
const ROW_BYTES = 96;

/** An opening by the log. */
export type LogOpening = Extract<Opening, { kind: "resume" | "reset" }>;

/** Openings of one document at the head in memory, by the position they begin at. */
export class SharedOpenings {
  readonly #runtime: Runtime;
  readonly #bytesMax: number;
  readonly #byPosition = new Map<string, LogOpening>();
  #head: StoredPosition | undefined = undefined;
  #bytes = 0;
  #cancel: CancelTimer | undefined = undefined;

  /** `bytesMax`: what all of them may keep from being forgotten. */
  constructor(runtime: Runtime, bytesMax: number = LIMITS.replayRingBytesMax) {
    this.#runtime = runtime;
    this.#bytesMax = bytesMax;
  }

  /** About what they keep in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How somebody was opened who held the same, at this very head. */
  find(held: HeldPosition, head: StoredPosition): LogOpening | undefined {
    return this.#byPosition.size > 0 && this.#isAt(head) ? this.#byPosition.get(nameOf(held)) : undefined;
  }

  /** Keeps one for those who come after, if there is room. */
  keep(held: HeldPosition, head: StoredPosition, opening: LogOpening): void {
    if (!this.#isAt(head)) this.forget();
    const bytes = bytesOf(opening);
    if (this.#bytes + bytes > this.#bytesMax) return;
    this.#head = head;
    this.#byPosition.set(nameOf(held), opening);
    this.#bytes += bytes;
    this.#cancel ??= this.#runtime.setTimer(SHARED_MS, () => this.forget());
  }

  /** The head has moved, or time is up. */
  forget(): void {
    if (this.#byPosition.size === 0) return;
    this.#byPosition.clear();
    this.#bytes = 0;
    this.#head = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #isAt({ seq, epoch }: StoredPosition): boolean {
    return this.#head?.seq === seq && this.#head.epoch === epoch;
  }
}

const nameOf = (held: HeldPosition): string => held.join(" ");

/** The snapshot of a reset is kept by others as long as the head is the same. */
function bytesOf(opening: LogOpening): number {
  if (opening.kind === "resume") return opening.missed.reduce((sum, row) => sum + rowBytes(row), OPENING_BYTES);
  return opening.events.reduce((sum, { data }) => sum + JSON.stringify(data).length + ROW_BYTES, OPENING_BYTES);
}

const rowBytes = ({ operations, events }: Committed): number => operations.length + (events?.length ?? 0) + ROW_BYTES;
