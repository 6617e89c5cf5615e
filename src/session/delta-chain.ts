// Encodes rows of a log as a chain of `d` messages. A transaction that changed nothing moves a subscriber's position but
// not the chain that the next shared delta links to (SEQ-3): so the same bytes fit everybody who follows the handle.
import type { Codec, DeltaExtension, Json, Piece, WireEvent } from "@tidemark/protocol";
import type { Committed, LayerDelta, PastEvent } from "../document/documents.js";
import { eventsOf } from "../document/opening.js";
import { FrameFilling } from "./frames.js";
import type { OutgoingFrame } from "./wire.js";

/** A seq and its epoch. */
export interface Point {
  readonly epoch: number;
  readonly seq: number;
}

/** Nothing but the numbers: whoever keeps them must not hold on to what they are of. */
export const pointOf = ({ epoch, seq }: Point): Point => ({ epoch, seq });

/** Where bytes go out. */
export interface ChainParts {
  readonly codec: Codec;
  readonly handle: number;
}

/** Did this transaction change nothing that a subscriber sees? */
export const isEmpty = ({ operations, events }: Committed): boolean => operations === "[]" && events === undefined;

/** The last transaction that changed something. */
export function lastChange(rows: readonly Committed[]): Committed | undefined {
  for (let index = rows.length - 1; index >= 0; index--) {
    const row = rows[index];
    if (row !== undefined && !isEmpty(row)) return row;
  }
  return undefined;
}

/** Rows on their way to one handle. */
export interface ChainRange {
  /** What their first `d` links to. */
  readonly start: Point;
  /** Those that follow it, to the last one that is told. */
  readonly rows: readonly Committed[];
  /** The chain that the next shared delta links to: the last message that changes something reaches up to it. */
  readonly end: Point;
  /** Goes into the first frame before them. */
  readonly before?: Piece | undefined;
}

/** A frame, and where whoever got it is. */
export interface ChainFrame {
  readonly frame: OutgoingFrame;
  readonly at: Point;
  readonly chain: Point;
}

/** The `d` messages of rows, with an advance at the end if the last ones are empty, in as many frames as they need; each
 * is made when it is asked for. */
export function* chainFrames(parts: ChainParts, { start, rows, end, before }: ChainRange): Generator<ChainFrame, void> {
  const filling = new FrameFilling(parts.codec);
  if (before !== undefined) filling.add(before);
  const changing = rows.filter((row) => !isEmpty(row));
  let chain = start;
  for (let index = 0; index < changing.length; index++) {
    const row = changing[index];
    if (row === undefined) break;
    const through = index === changing.length - 1 ? end : pointOf(row);
    filling.add(encodeDelta(parts, chain, through, row));
    chain = through;
    if (filling.isFull) yield { frame: filling.take(), at: chain, chain };
  }
  const last = rows.at(-1);
  // The chain may be ahead of `start` though none of these rows changed anything: of a document that was loaded only the
  // head is known. Then nothing but an advance says where its follower is.
  const isUntold = changing.length === 0 || (last !== undefined && last.seq > end.seq);
  if (last !== undefined && isUntold) filling.add(encodeAdvance(parts, end, last));
  if (!filling.isEmpty) yield { frame: filling.take(), at: pointOf(last ?? start), chain };
}

/** A `d` that only moves the position. */
export function encodeAdvance({ codec, handle }: ChainParts, chain: Point, to: Point): Piece {
  return codec.encodeDelta({
    h: handle,
    prev: chain.seq,
    seq: to.seq,
    operationsJson: "[]",
    extension: { e: to.epoch },
  });
}

/** The `d` of one layer's change. */
export function encodeLayerDelta({ codec, handle }: ChainParts, delta: LayerDelta): Piece {
  const { prev, to, operations, events, at, by } = delta;
  const extension: { at?: number; e?: number; ev?: readonly WireEvent[]; by?: string } = {};
  if (at !== undefined) extension.at = at;
  if (to.epoch !== prev.epoch) extension.e = to.epoch;
  if (events.length > 0) extension.ev = events.map(wireEvent);
  if (by !== undefined) extension.by = by;
  return codec.encodeDelta({ h: handle, prev: prev.seq, seq: to.seq, operationsJson: operations, extension });
}

/** The deltas of rows that follow `start`, as those of a layer. */
export function deltasOf(start: Point, rows: readonly Committed[]): LayerDelta[] {
  const deltas: LayerDelta[] = [];
  let prev = start;
  for (const row of rows) {
    if (isEmpty(row)) continue;
    const to = pointOf(row);
    deltas.push({ prev, to, at: row.at, operations: row.operations, events: eventsOf([row]), by: row.by });
    prev = to;
  }
  return deltas;
}

/** An event as it is sent. */
export const wireEvent = ({ seq, at, name, data }: PastEvent): WireEvent => [seq, at, name, data];

function encodeDelta({ codec, handle }: ChainParts, chain: Point, through: Point, row: Committed): Piece {
  const extension = extensionOf(row, through.epoch === chain.epoch ? undefined : through.epoch);
  return codec.encodeDelta({ h: handle, prev: chain.seq, seq: through.seq, operationsJson: row.operations, extension });
}

// Written field by field: an object that begins with a spread costs a hundred times one that does not, and this is made
// for every delta.
function extensionOf({ seq, at, events, by }: Committed, e: number | undefined): DeltaExtension {
  const extension: { at: number; e?: number; ev?: readonly WireEvent[]; by?: string } = { at };
  if (e !== undefined) extension.e = e;
  if (events !== undefined) extension.ev = wireEvents(seq, at, events);
  if (by !== undefined) extension.by = by;
  return extension;
}

function wireEvents(seq: number, at: number, text: string): WireEvent[] {
  const events: readonly (readonly [string, Json])[] = JSON.parse(text);
  return events.map(([name, data]) => [seq, at, name, data]);
}
