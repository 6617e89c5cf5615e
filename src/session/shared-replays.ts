// The frames of a replay, encoded once for all who are given the very same list of rows: after a crash thousands come back
// from one position. They last as long as their list: nothing here keeps it.
import { type Codec, LIMITS } from "@tidemark/protocol";
import type { Committed } from "../document/documents.js";
import { type ChainFrame, chainFrames, type Point } from "./delta-chain.js";
import { asOnePiece } from "./frames.js";

/** What a replay is of. */
export interface ReplayRange {
  readonly start: Point;
  readonly rows: readonly Committed[];
  readonly end: Point;
}

/** A replay as it is sent to everybody. */
export interface SharedReplay {
  readonly frames: readonly ChainFrame[];
  /** It is one frame, with room for a message before it. */
  readonly joins: boolean;
}

/** A list, and what was made of it last for each codec. */
interface Known {
  readonly bytes: number;
  readonly made: Map<Codec, { readonly start: Point; readonly end: Point; readonly replay: SharedReplay }>;
}

const ROW_BYTES = 64;

/** Replays of one stream of bytes. */
export class SharedReplays {
  readonly #handle: number;
  readonly #byRows = new WeakMap<readonly Committed[], Known>();

  constructor(handle: number) {
    this.#handle = handle;
  }

  /** About what the replay of these rows takes. */
  bytes(rows: readonly Committed[]): number {
    return this.#known(rows).bytes;
  }

  /** Its frames; undefined for one so long that it is made frame by frame as it is sent, for each by itself. */
  replay(codec: Codec, range: ReplayRange): SharedReplay | undefined {
    const { bytes, made } = this.#known(range.rows);
    if (bytes > LIMITS.outboundSoftBytes) return undefined;
    const { start, end } = range;
    const last = made.get(codec);
    if (last !== undefined && isAt(last.start, start) && isAt(last.end, end)) return last.replay;
    const replay = sharedReplay([...chainFrames({ codec, handle: this.#handle }, range)]);
    made.set(codec, { start, end, replay });
    return replay;
  }

  #known(rows: readonly Committed[]): Known {
    const known = this.#byRows.get(rows) ?? { bytes: bytesOf(rows), made: new Map() };
    this.#byRows.set(rows, known);
    return known;
  }
}

function sharedReplay(frames: readonly ChainFrame[]): SharedReplay {
  const [only] = frames;
  if (only === undefined || frames.length > 1) return { frames, joins: false };
  const { frame, at, chain } = only;
  const joins = frame.pieces.length < LIMITS.frameMessagesMax;
  return { frames: joins ? [{ frame: asOnePiece(frame), at, chain }] : frames, joins };
}

const isAt = (one: Point, other: Point): boolean => one.seq === other.seq && one.epoch === other.epoch;

const bytesOf = (rows: readonly Committed[]): number =>
  rows.reduce(
    (sum, { operations, events }) =>
      sum + Buffer.byteLength(operations) + (events === undefined ? 0 : Buffer.byteLength(events)) + ROW_BYTES,
    0,
  );
