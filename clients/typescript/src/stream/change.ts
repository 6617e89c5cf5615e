// What one frame did to a document, as listeners are told. Patches are made when somebody reads them: most do not.
import {
  type Json,
  type JsonObject,
  type JsonPatchOperation,
  type PatchOperation,
  toJsonPatch,
} from "@tidemark/protocol";
import type { Change, ResetReason } from "../api/document.js";
import type { Position } from "../api/position.js";
import { localDiff } from "./local-diff.js";

/** Operations of one delta on one layer. */
export interface LayerOperations {
  readonly layer: number;
  readonly operations: readonly PatchOperation[];
}

/** An event with its place in history. */
export interface AppliedEvent {
  readonly name: string;
  readonly data: Json;
  readonly at: Position;
  /** When it was committed, Unix ms by the server's clock. */
  readonly time: number;
}

/** Everything that one frame did: the state is in place before any of it is told. */
export interface Update {
  readonly previous: JsonObject | undefined;
  readonly state: JsonObject;
  readonly at: Position;
  /** Undefined: the state is the same object as before. */
  readonly change: Change | undefined;
  readonly events: readonly AppliedEvent[];
  /** Events in (from, to] are lost. */
  readonly gap: { readonly from: number; readonly to: number } | undefined;
}

interface States {
  readonly previous: JsonObject;
  readonly state: JsonObject;
  readonly at: Position;
}

/** A change by deltas. `by` only when all of them have the same author. */
export function deltaChange(states: States, steps: readonly LayerOperations[], by: string | undefined): Change {
  const patch = once(() => patchOf(states, steps));
  const change = {
    cause: "delta" as const,
    at: states.at,
    get patch() {
      return patch();
    },
  };
  return by === undefined ? change : Object.assign(change, { by });
}

/** A change by a snapshot, compared with what was held. */
export function resetChange(states: States, reason: ResetReason): Change {
  const patch = once(() => localDiff(states.previous, states.state).patch);
  return {
    cause: "reset",
    at: states.at,
    reason,
    get patch() {
      return patch();
    },
  };
}

function patchOf(states: States, steps: readonly LayerOperations[]): readonly JsonPatchOperation[] {
  // Replacing the whole shared layer leaves `mine` alone, which no operation on the root can say.
  const simple = steps.every(({ layer, operations }) => layer === 0 && operations.every(([, path]) => path !== ""));
  if (!simple && Object.hasOwn(states.state, "mine")) return localDiff(states.previous, states.state).patch;
  return toJsonPatch(
    states.previous,
    steps.flatMap(({ operations }) => operations),
  );
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
