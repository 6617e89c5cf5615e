// One layer of a view: its state, and the two numbers of WIRE "Ranges". The chain is the seq that the next shared bytes
// link to; the position is what may be claimed when resuming, and an advance moves only it. Pure.
import { applyPatch, type DeltaMessage, type Json, PatchError } from "@tidemark/protocol";

export interface Layer {
  /** An object, but for `mine`, which may be any value. */
  readonly state: Json;
  /** Epoch of the position. */
  readonly epoch: number;
  readonly seq: number;
  readonly chain: number;
  readonly tag: string;
}

/**
 * The layer after a delta; undefined when it does not link to what is held or does not fit it (R3): the caller must
 * heal, for nothing may be built on a gap.
 */
export function withDelta(layer: Layer, [, , prev, seq, operations, extension]: DeltaMessage): Layer | undefined {
  const empty = operations.length === 0 && extension?.ev === undefined;
  if (prev !== layer.chain || seq < layer.seq) return undefined;
  const epoch = extension?.e ?? layer.epoch;
  if (empty) return { ...layer, epoch, seq };
  if (seq <= layer.chain) return undefined;
  const state = operations.length === 0 ? layer.state : patched(layer.state, operations);
  return state === undefined ? undefined : { ...layer, state, epoch, seq, chain: seq };
}

function patched(state: Json, operations: DeltaMessage[4]): Json | undefined {
  try {
    return applyPatch(state, operations);
  } catch (error) {
    if (error instanceof PatchError) return undefined;
    throw error;
  }
}
