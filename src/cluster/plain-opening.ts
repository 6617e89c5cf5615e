// Openings on their way over a link. What many are opened with, a snapshot or a long replay, goes over once and is named
// afterwards; at the other end it is one object again, so that it is encoded once there, too.
import type { Committed, Opening, Snapshot, ViewOpening } from "../document/documents.js";

type Of<Kind extends Opening["kind"]> = Extract<Opening, { kind: Kind }>;
type LayerOpening = ViewOpening["layers"][number];
type LayerReset = Extract<LayerOpening, { mode: "reset" }>;

/** The number of something that was sent before. */
type Kept = number;

type PlainLayer = Exclude<LayerOpening, LayerReset> | (Omit<LayerReset, "snapshot"> & { readonly snapshot: Kept });

/** An opening whose large parts are numbers. */
export type PlainOpening =
  | (Omit<Of<"resume">, "missed"> & { readonly missed: Kept })
  | (Omit<Of<"reset">, "snapshot"> & { readonly snapshot: Kept })
  | (Omit<ViewOpening, "layers"> & { readonly layers: readonly PlainLayer[] })
  | Of<"ended">;

/** What keeps large parts. */
export interface Keeping {
  /** The number of a part, which goes over if it has not. */
  snapshot(value: Snapshot): Kept;
  rows(value: readonly Committed[]): Kept;
}

/** What has kept them. */
export interface Kepts {
  snapshot(number: Kept): Snapshot;
  rows(number: Kept): readonly Committed[];
}

export function toPlain(opening: Opening, keep: Keeping): PlainOpening {
  switch (opening.kind) {
    case "resume":
      return { ...opening, missed: keep.rows(opening.missed) };
    case "reset":
      return { ...opening, snapshot: keep.snapshot(opening.snapshot) };
    case "view":
      return { ...opening, layers: opening.layers.map((layer) => toPlainLayer(layer, keep)) };
    case "ended":
      return opening;
  }
}

export function fromPlain(opening: PlainOpening, kept: Kepts): Opening {
  switch (opening.kind) {
    case "resume":
      return { ...opening, missed: kept.rows(opening.missed) };
    case "reset":
      return { ...opening, snapshot: kept.snapshot(opening.snapshot) };
    case "view":
      return { ...opening, layers: opening.layers.map((layer) => fromPlainLayer(layer, kept)) };
    case "ended":
      return opening;
  }
}

const toPlainLayer = (layer: LayerOpening, keep: Keeping): PlainLayer =>
  layer.mode === "resume" ? layer : { ...layer, snapshot: keep.snapshot(layer.snapshot) };

const fromPlainLayer = (layer: PlainLayer, kept: Kepts): LayerOpening =>
  layer.mode === "resume" ? layer : { ...layer, snapshot: kept.snapshot(layer.snapshot) };
