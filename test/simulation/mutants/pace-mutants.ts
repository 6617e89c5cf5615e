// Bugs of paces: what is merged and not sent, sent and not merged, or too late.
import type { LayerDelta } from "../../../src/document/documents.js";
import type { LayerStream } from "../../../src/session/layer-stream.js";
import { Pace, PacedView } from "../../../src/session/pace.js";
import { type Mutant, type Mutation, replaced } from "./mutation.js";

/** What waits for a pace is something else. */
const taking = (change: (delta: LayerDelta, count: number) => LayerDelta): Mutation => {
  let count = 0;
  const changed = (deltas: readonly LayerDelta[]): LayerDelta[] =>
    deltas.map((delta) => {
      count += 1;
      return change(delta, count);
    });
  return {
    patch: () =>
      replaced(Pace.prototype, "take", (take) => {
        return function (this: Pace, changes) {
          const others: [LayerStream, LayerDelta[]][] = [...changes].map(([layer, deltas]) => [layer, changed(deltas)]);
          take.call(this, new Map(others));
        };
      }),
  };
};

/** What can go wrong with paces. */
export const PACE_MUTANTS: readonly Mutant[] = [
  {
    name: "pace-loses-operations",
    about: "every fourth of the changes that wait for a pace is merged as if it had changed nothing",
    mutation: () => taking((delta, count) => (count % 4 === 0 ? { ...delta, operations: "[]" } : delta)),
  },
  {
    name: "pace-loses-events",
    about: "every second of the changes that wait for a pace loses its events",
    mutation: () => taking((delta, count) => (count % 2 === 0 ? { ...delta, events: [] } : delta)),
  },
  {
    name: "pace-keeps-callers-waiting",
    about: "what waits for a pace is not sent before the answer of a call that it is part of",
    mutation: () => ({ patch: () => replaced(PacedView.prototype, "hurry", () => () => undefined) }),
  },
  {
    name: "pace-advances-past-what-waits",
    about: "a position is moved on though something before it waits for its pace",
    mutation: () => ({ patch: () => replaced(PacedView.prototype, "owes", () => () => false) }),
  },
  {
    name: "pace-without-beats",
    about: "what waits for a pace is sent before answers only",
    mutation: () => ({ patch: () => replaced(PacedView.prototype, "beat", () => () => undefined) }),
  },
];
