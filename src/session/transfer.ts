// What an opening says to one connection, frame by frame. A frame is made when it is its turn, so that what waits for
// its peer costs no more than what it is made of; `opened` is the only one that nobody else is sent.
import type { Codec, HeldPosition, Opened, Peers, Piece } from "@tidemark/protocol";
import type { LayerDelta, LayerOpening, Opening, ViewOpening } from "../document/documents.js";
import { invariant } from "../runtime/invariant.js";
import {
  type ChainFrame,
  chainFrames,
  encodeLayerDelta,
  isEmpty,
  type Point,
  pointOf,
  wireEvent,
} from "./delta-chain.js";
import { FrameFilling, frameBehind, frameOf } from "./frames.js";
import type { LayerNames, LayerStream } from "./layer-stream.js";
import { deltaBytes } from "./merged-delta.js";
import { type SentSnapshot, SlicedSnapshot } from "./sent-snapshot.js";
import type { SharedReplay } from "./shared-replays.js";
import type { Holding } from "./transfer-budget.js";
import type { OutgoingFrame } from "./wire.js";

/** Where a client that applied everything is: `at` of all layers; `chain` of the first, for those who share the log. */
export interface Reached {
  readonly at: Point;
  readonly chain: Point;
}

/** One frame. */
export interface Step {
  readonly frame: OutgoingFrame;
  /** Where its client is then; undefined: it can be interrupted here only by a reset. */
  readonly reached?: Reached;
}

/** An opening on its way. */
export interface Transfer {
  readonly steps: Iterator<Step, void>;
  /** All of it, about. */
  readonly bytes: number;
  /** What it keeps in memory while it lasts. */
  readonly holds: readonly Holding[];
  /** Some of it comes in parts: it is sent on only as the peer takes it. */
  readonly inParts: boolean;
  /** Begins anew: what the client holds stays what it was until the end. */
  readonly resets: boolean;
  /** Of its layers. */
  readonly names: LayerNames;
  /** Where its client is when all is sent. */
  readonly end: Reached;
}

/** Whom an opening is for. */
export interface TransferParts {
  readonly codec: Codec;
  readonly s: number;
  readonly layers: readonly LayerStream[];
  /** Where it meets the others; undefined: nowhere. */
  readonly peers: Peers | undefined;
  /** The chain that the client holds of these very handles: it goes on without a word (SLOW-2). */
  readonly running: Point | undefined;
}

const ROW_BYTES = 64;
const OPENED_BYTES = 256;
/** Rows, the messages they became, and the bytes of their frames. */
const SHARED_COPIES = 3;

/** Everything that an opening says. */
export function transferOf(opening: Exclude<Opening, { kind: "ended" }>, parts: TransferParts): Transfer {
  if (opening.kind === "view") return viewTransfer(opening, parts);
  return opening.kind === "resume" ? logReplay(opening, parts) : logReset(opening, parts);
}

function logReplay({ tag, prev, missed }: Extract<Opening, { kind: "resume" }>, parts: TransferParts): Transfer {
  const { codec, s, layers, running } = parts;
  const held = { epoch: prev[0], seq: prev[1] };
  const [layer] = layers;
  invariant(layer !== undefined, "the log is a layer");
  const end = layer.chain;
  const linked = missed.some((row) => !isEmpty(row)) ? held.seq : end.seq;
  const opened: Opened = { s, h: handlesOf(layers), mode: ["resume"], prev: [linked], tag: [tag], ...amongOf(parts) };
  const before = running === undefined ? codec.encode(["opened", opened]) : undefined;
  const bytes = layer.replays.bytes(missed);
  const range = { start: running ?? held, rows: missed, end };
  const shared = layer.replays.replay(codec, range);
  const own = (): Iterable<ChainFrame> => chainFrames({ codec, handle: layer.handle }, { ...range, before });
  return {
    steps: shared === undefined ? replaySteps(own()) : sharedSteps(codec, before, shared),
    bytes: bytes + OPENED_BYTES,
    holds: [{ what: missed, bytes: shared === undefined ? bytes : bytes * SHARED_COPIES }],
    inParts: false,
    resets: false,
    names: layer.named(tag),
    end: { at: pointOf(missed.at(-1) ?? held), chain: end },
  };
}

function logReset(opening: Extract<Opening, { kind: "reset" }>, parts: TransferParts): Transfer {
  const { codec, s, layers } = parts;
  const { tag, snapshot, events, gap } = opening;
  const at = pointOf(snapshot);
  const prev = layers.map(({ chainSeq }) => chainSeq);
  const opened: Opened = {
    s,
    h: handlesOf(layers),
    mode: ["reset"],
    prev,
    tag: [tag],
    ...pastOf({ events, gap }),
    ...amongOf(parts),
  };
  const openedPiece = codec.encode(["opened", opened]);
  const snapshots = layers.map((layer) => layer.snapshot(codec, snapshot, at));
  return reset({ codec, at, before: [openedPiece], snapshots, behind: [], names: namesOf(layers, [tag]), layers });
}

/** What is replayed is one frame with `opened`; snapshots are shared, and take effect when the last one is there. */
function viewTransfer(opening: ViewOpening, parts: TransferParts): Transfer {
  const { codec, s, layers, running } = parts;
  const at = pointOf(opening.at);
  const tags = opening.layers.map(({ tag }) => tag);
  const opened: Opened = {
    s,
    h: handlesOf(layers),
    mode: opening.layers.map(({ mode }) => mode),
    prev: opening.layers.map((layer) => (layer.mode === "resume" ? layer.prev : layer.snapshot.seq)),
    tag: tags,
    ...pastOf(opening),
    ...amongOf(parts),
  };
  const replays = opening.layers.flatMap((layer, index) => {
    const stream = layers[index];
    return layer.mode === "resume" && stream !== undefined ? [{ layer, stream }] : [];
  });
  const isResumed = replays.length === layers.length;
  const before = running !== undefined && isResumed ? undefined : codec.encode(["opened", opened]);
  if (isResumed) return viewReplay({ codec, at, before, running, replays, tags });
  const snapshots = opening.layers.flatMap((layer, index) => {
    const stream = layers[index];
    if (layer.mode === "resume" || stream === undefined) return [];
    return [stream.snapshot(codec, layer.snapshot, at)];
  });
  const replayed = replays.flatMap(({ layer, stream }) => replayPieces(codec, layer.deltas, stream, at));
  const openedPieces = before === undefined ? [] : [before];
  // What the other layer missed takes effect with the last snapshot: cut before that, the client is where it was.
  const missed = replays.some(({ layer }) => layer.deltas.length > 0);
  const split = missed
    ? { before: openedPieces, behind: replayed }
    : { before: openedPieces.concat(replayed), behind: [] };
  return reset({ codec, at, ...split, snapshots, names: namesOf(layers, tags), layers });
}

interface Replayed {
  readonly layer: Extract<LayerOpening, { mode: "resume" }>;
  readonly stream: LayerStream;
}

interface ViewReplay {
  readonly codec: Codec;
  readonly at: Point;
  readonly before: Piece | undefined;
  readonly running: Point | undefined;
  readonly replays: readonly Replayed[];
  readonly tags: readonly string[];
}

/** Of two layers it is one frame (VIEW-8). */
function viewReplay({ codec, at, before, running, replays, tags }: ViewReplay): Transfer {
  const chain = replays[0]?.stream.chain ?? at;
  const bytes = replays.reduce((sum, { layer }) => sum + bytesOfDeltas(layer.deltas), 0);
  const [only] = replays;
  let steps: Iterator<Step, void>;
  if (only !== undefined && replays.length === 1) {
    steps = layerSteps(codec, only, { at, before, running });
  } else {
    const pieces = replays.flatMap(({ layer, stream }) => replayPieces(codec, layer.deltas, stream, at));
    if (before !== undefined) pieces.unshift(before);
    steps = (pieces.length === 0 ? [] : [{ frame: frameOf(codec, pieces) }]).values();
  }
  const holds = replays.map(({ layer }) => ({ what: layer.deltas, bytes: bytesOfDeltas(layer.deltas) }));
  const layers = replays.map(({ stream }) => stream);
  return {
    steps,
    bytes: bytes + OPENED_BYTES,
    holds,
    inParts: false,
    resets: false,
    names: namesOf(layers, tags),
    end: { at, chain },
  };
}

function* layerSteps(
  codec: Codec,
  { layer, stream }: Replayed,
  { at, before, running }: Pick<ViewReplay, "at" | "before" | "running">,
): Generator<Step, void> {
  const filling = new FrameFilling(codec);
  if (before !== undefined) filling.add(before);
  for (const [index, delta] of layer.deltas.entries()) {
    // Whoever goes on without a word goes on from its own chain.
    const linked = index === 0 && running !== undefined ? { ...delta, prev: running } : delta;
    filling.add(encodeLayerDelta({ codec, handle: stream.handle }, linked));
    const to = pointOf(delta.to);
    if (filling.isFull) yield { frame: filling.take(), reached: { at: to, chain: to } };
  }
  const last = layer.deltas.at(-1)?.to.seq ?? layer.held ?? layer.prev;
  if (at.seq > last) filling.add(stream.advance(codec, at));
  if (!filling.isEmpty) yield { frame: filling.take() };
}

function replayPieces(codec: Codec, deltas: readonly LayerDelta[], stream: LayerStream, at: Point): Piece[] {
  const pieces = deltas.map((delta) => encodeLayerDelta({ codec, handle: stream.handle }, delta));
  if (at.seq > stream.chainSeq) pieces.push(stream.advance(codec, at));
  return pieces;
}

interface ResetParts {
  readonly codec: Codec;
  readonly at: Point;
  readonly before: readonly Piece[];
  readonly snapshots: readonly SentSnapshot[];
  /** Goes into the last frame. */
  readonly behind: readonly Piece[];
  readonly names: LayerNames;
  readonly layers: readonly LayerStream[];
}

function reset(parts: ResetParts): Transfer {
  const { snapshots, at, names, layers } = parts;
  const sliced = snapshots.flatMap((sent) => (sent instanceof SlicedSnapshot ? [sent] : []));
  return {
    steps: resetSteps(parts),
    bytes: snapshots.reduce((sum, { bytes }) => sum + bytes, OPENED_BYTES),
    holds: sliced.map((what) => ({ what, bytes: what.bytes })),
    inParts: sliced.length > 0,
    resets: true,
    names,
    end: { at, chain: layers[0]?.chain ?? at },
  };
}

/** The last of them comes together with all that must take effect with it (VIEW-3). */
function* resetSteps({ codec, before, snapshots, behind }: ResetParts): Generator<Step, void> {
  yield { frame: frameOf(codec, before) };
  // Parts come last: whatever is whole must not wait for them, and nothing takes effect before them.
  const ordered = [...snapshots].sort((one, other) => one.count - other.count);
  for (const [index, sent] of ordered.entries()) {
    const isLast = index === ordered.length - 1;
    if (sent instanceof SlicedSnapshot) yield { frame: sent.announcement };
    for (let part = 0; part < sent.count; part += 1) {
      const closes = isLast && part === sent.count - 1 && behind.length > 0;
      yield { frame: closes ? frameOf(codec, [...sent.pieces(part), ...behind]) : sent.frame(part) };
    }
  }
}

function* replaySteps(frames: Iterable<ChainFrame>): Generator<Step, void> {
  for (const { frame, at, chain } of frames) yield { frame, reached: { at, chain } };
}

/** What is shared, behind what is not: in its frame where that is all there is, or the very same bytes for all. */
function* sharedSteps(codec: Codec, before: Piece | undefined, shared: SharedReplay): Generator<Step, void> {
  const { frames, joins } = shared;
  if (before !== undefined && !joins) yield { frame: frameOf(codec, [before]) };
  for (const { frame, at, chain } of frames) {
    yield { frame: before !== undefined && joins ? frameBehind(before, frame) : frame, reached: { at, chain } };
  }
}

const handlesOf = (layers: readonly LayerStream[]): readonly number[] => layers.map(({ handle }) => handle);

function namesOf(layers: readonly LayerStream[], tags: readonly string[]): LayerNames {
  const [layer, other] = layers;
  const [tag] = tags;
  if (layer === undefined || other !== undefined || tag === undefined) return { handles: handlesOf(layers), tags };
  return layer.named(tag);
}

const bytesOfDeltas = (deltas: readonly LayerDelta[]): number =>
  deltas.reduce((sum, delta) => sum + deltaBytes(delta) + ROW_BYTES, 0);

function pastOf({ events, gap }: Pick<ViewOpening, "events" | "gap">): Pick<Opened, "events" | "gap"> {
  return { ...(events.length === 0 ? {} : { events: events.map(wireEvent) }), ...(gap ? { gap } : {}) };
}

const amongOf = ({ peers }: TransferParts): Pick<Opened, "peers"> => (peers === undefined ? {} : { peers });

/** What a client says it holds: one position for all layers. */
export const positionsOf = (at: Point, tags: readonly string[]): readonly HeldPosition[] =>
  tags.map((tag) => [at.epoch, at.seq, tag]);
