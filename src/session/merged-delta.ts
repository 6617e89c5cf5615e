// One delta for a range of a layer's deltas: what they did to the state as one patch, and all their events in order.
import type { PatchOperation } from "@tidemark/protocol";
import type { LayerDelta } from "../document/documents.js";
import { mergedOperations } from "./merged-operations.js";

/** About what a delta takes on the wire. */
export const deltaBytes = ({ operations, events }: LayerDelta): number =>
  operations.length + (events.length === 0 ? 0 : JSON.stringify(events).length);

/** Does what these do, which follow each other. There is at least one. */
export function mergedDelta(deltas: readonly [LayerDelta, ...LayerDelta[]]): LayerDelta {
  const [first] = deltas;
  const last = deltas.at(-1) ?? first;
  if (deltas.length === 1) return first;
  const patches = deltas.map(({ operations }): readonly PatchOperation[] => JSON.parse(operations));
  return {
    prev: first.prev,
    to: last.to,
    at: last.at,
    operations: JSON.stringify(mergedOperations(patches)),
    events: deltas.flatMap(({ events }) => events),
    by: deltas.every(({ by }) => by === first.by) ? first.by : undefined,
  };
}
