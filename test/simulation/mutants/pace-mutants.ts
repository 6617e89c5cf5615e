// Bugs of paces: what is merged and not sent, sent and not merged, or too late.
import type { LayerDelta } from "../../../src/document/documents.js";
import { FanOut } from "../../../src/session/fan-out.js";
import type { LayerStream } from "../../../src/session/layer-stream.js";
import { Pace, PacedView } from "../../../src/session/pace.js";
import { type Mutant, type Mutation, replaced, undoing } from "./mutation.js";

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

function firstOf({ operations }: LayerDelta): string {
  const all: readonly unknown[] = JSON.parse(operations);
  return JSON.stringify(all.slice(0, 1));
}

/** What can go wrong with paces. */
export const PACE_MUTANTS: readonly Mutant[] = [
  {
    name: "pace-loses-operations",
    about: "of every fourth of the changes that wait for a pace only the first operation is merged",
    mutation: () => taking((delta, count) => (count % 4 === 0 ? { ...delta, operations: firstOf(delta) } : delta)),
  },
  {
    name: "pace-loses-events",
    about: "changes that wait for a pace lose the events that came with operations",
    mutation: () => taking((delta) => (delta.operations === "[]" ? delta : { ...delta, events: [] })),
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
    name: "pace-ignored",
    about: "whoever asks for a pace is sent every change when it comes",
    mutation: () => ({
      patch: () =>
        undoing([
          replaced(FanOut.prototype, "layersAt", (layersAt) => {
            return function (this: FanOut, _everyMs, layers) {
              return layersAt.call(this, 0, layers);
            };
          }),
          replaced(FanOut.prototype, "viewAt", (viewAt) => {
            return function (this: FanOut, _everyMs, layers) {
              return viewAt.call(this, 0, layers);
            };
          }),
        ]),
    }),
  },
  {
    name: "pace-leaves-out-a-layer",
    about: "of two layers only the first is sent at a pace",
    mutation: () => ({
      patch: () =>
        replaced(Pace.prototype, "view", (view) => {
          return function (this: Pace, sources) {
            return view.call(this, sources.slice(0, 1));
          };
        }),
    }),
  },
  {
    name: "pace-loses-what-is-too-much",
    about: "when more waits for a pace than is kept, nobody who waits for it is marked slow",
    mutation: () => ({ patch: () => replaced(PacedView.prototype, "overrun", () => () => undefined) }),
  },
  {
    name: "pace-without-beats",
    about: "what waits for a pace is sent before answers only",
    mutation: () => ({ patch: () => replaced(PacedView.prototype, "beat", () => () => undefined) }),
  },
];
