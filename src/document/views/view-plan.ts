// Decides how each layer of a view begins for one viewer: by the deltas it missed, from the ring, or by a snapshot. A
// position is trusted only if the log holds its epoch at its seq and its tag is the layer's (SEQ-4, VIEW-2).
import { type HeldPosition, LIMITS } from "@tidemark/protocol";
import type { StoredPosition } from "../document-store.js";
import type { LayerDelta, LayerOpening, PastEvent } from "../documents.js";
import { eventsOf, type Missed, replayIsSmaller } from "../opening.js";
import type { Layer } from "./layer.js";
import type { ReplayRing } from "./replay-ring.js";

/** What a viewer claims to hold, by layer, and what the log says of the lower one of them. */
export interface Held {
  readonly positions: readonly (HeldPosition | undefined)[];
  readonly missed: Missed;
}

/** Which of them `missed` is about: what the application was shown is as old as its older layer. */
export function basisOf(positions: readonly (HeldPosition | undefined)[]): HeldPosition | undefined {
  return positions.reduce(
    (least, position) => (position !== undefined && (least === undefined || position[1] < least[1]) ? position : least),
    undefined,
  );
}

/** The events of `(after, through]`; undefined: they are not all known. */
export function eventsBetween({ positions, missed }: Held, after: number, through: number): PastEvent[] | undefined {
  if (missed.kind !== "rows" || (basisOf(positions)?.[1] ?? Number.POSITIVE_INFINITY) > after) return undefined;
  return eventsOf(missed.rows.filter(({ seq }) => seq > after && seq <= through));
}

/** Does the log, up to `at`, hold this position? */
function isVerified(position: HeldPosition, { positions, missed }: Held, at: StoredPosition): boolean {
  const [epoch, seq] = position;
  const basis = basisOf(positions);
  if (missed.kind !== "rows" || basis === undefined || seq > at.seq) return false;
  if (seq === basis[1]) return epoch === basis[0];
  return missed.rows.some((row) => row.seq === seq && row.epoch === epoch);
}

/** How the layers begin, and whether events may be lost. */
export interface Plan {
  readonly layers: readonly LayerOpening[];
  readonly gap: boolean;
}

/** Plans an opening at the released head `at`. */
export function planOf(
  layers: readonly Layer[],
  held: Held,
  { at, ring }: { at: StoredPosition; ring: ReplayRing },
): Plan {
  let gap = false;
  const replays = layers.map((layer, index) => {
    const position = held.positions[index];
    if (position === undefined) return undefined;
    const verified = isVerified(position, held, at);
    gap ||= !verified;
    return verified && position[2] === layer.tag ? worthwhile(layer, ring.after(layer, position[1])) : undefined;
  });
  const replayed = replays.flatMap((deltas) => deltas ?? []);
  // Cut between the layers, a replay would show one of them ahead of the other.
  const cut = layers.length > 1 && !fitsOneFrame(replayed, layers.length);
  return { layers: layers.map((layer, index) => openingOf(layer, cut ? undefined : replays[index])), gap };
}

/** A layer that goes on where it is. */
export const continued = (layer: Layer): LayerOpening => openingOf(layer, []);

/** A layer from nothing. */
export const fresh = (layer: Layer): LayerOpening => openingOf(layer, undefined);

function openingOf(layer: Layer, deltas: readonly LayerDelta[] | undefined): LayerOpening {
  const { id, tag } = layer;
  if (deltas === undefined) return { mode: "reset", layer: id, tag, snapshot: layer.snapshot() };
  return { mode: "resume", layer: id, tag, prev: deltas[0]?.prev.seq ?? layer.chain.seq, deltas };
}

/** Only as long as a snapshot is not shorter. */
function worthwhile(layer: Layer, deltas: readonly LayerDelta[] | undefined): readonly LayerDelta[] | undefined {
  if (deltas === undefined || deltas.length === 0) return deltas;
  const { bytesAbout: atMost } = layer;
  const bytes = (): number => Buffer.byteLength(layer.snapshot().stateJson);
  return replayIsSmaller(deltas, { atLeast: atMost / 2, atMost, bytes }) ? deltas : undefined;
}

/** With `opened` before them and an advance for each layer behind. */
const fitsOneFrame = (deltas: readonly LayerDelta[], layers: number): boolean =>
  deltas.length + 1 + layers <= LIMITS.frameMessagesMax && bytesOf(deltas) <= LIMITS.frameFlushBytes;

const bytesOf = (deltas: readonly LayerDelta[]): number =>
  deltas.reduce((sum, { operations }) => sum + operations.length, 0);
