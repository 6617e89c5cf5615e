// Bugs of the way between an edge and its owner: what is not told, told twice, or told to the wrong ones.
import { EdgeAudience } from "../../../src/cluster/edge-audience.js";
import { EdgeEnd } from "../../../src/cluster/edge-end.js";
import { ReceivedParts } from "../../../src/cluster/kept-parts.js";
import type { SentRow } from "../../../src/cluster/link-messages.js";
import { OwnerEnd } from "../../../src/cluster/owner-end.js";
import { SharedAudience } from "../../../src/cluster/shared-audience.js";
import { SessionRegistry } from "../../../src/session/session-registry.js";
import { type Mutant, type Mutation, replaced } from "./mutation.js";

/** Each so many-th message of this kind to an edge is lost. */
const losing = (kind: string, every: number): Mutation => {
  let count = 0;
  return {
    patch: () =>
      replaced(EdgeEnd.prototype, "hear", (hear) => {
        return function (this: EdgeEnd, message) {
          if (message[0] === kind) count += 1;
          if (message[0] !== kind || count % every !== 0) hear.call(this, message);
        };
      }),
  };
};

/** What can go wrong with edges. */
export const EDGE_MUTANTS: readonly Mutant[] = [
  {
    name: "edge-loses-answers",
    about: "every fifth answer to a call is lost on its way to an edge",
    mutation: () => losing("answer", 5),
  },
  {
    name: "edge-loses-releases",
    about: "every fifth release of a document with views is lost on its way to an edge",
    mutation: () => losing("release", 5),
  },
  {
    name: "edge-empties-rows",
    about: "an edge takes every seventh row of a log for one that changed nothing",
    mutation: () => ({
      patch: () =>
        replaced(EdgeAudience.prototype, "rows", (rows) => {
          return function (this: EdgeAudience, sent) {
            const emptied = sent.map(([epoch, previous, seq, at, operations, events, by]): SentRow => {
              return [epoch, previous, seq, at, seq % 7 === 0 ? "[]" : operations, events, by];
            });
            rows.call(this, emptied);
          };
        }),
    }),
  },
  {
    name: "edge-keeps-old-snapshots",
    about: "an edge takes the first snapshot that came for every later one",
    mutation: () => ({
      patch: () =>
        replaced(ReceivedParts.prototype, "snapshot", (snapshot) => {
          const first = new WeakMap<ReceivedParts, ReturnType<typeof snapshot>>();
          return function (this: ReceivedParts, number) {
            const known = first.get(this) ?? snapshot.call(this, number);
            first.set(this, known);
            return known;
          };
        }),
    }),
  },
  {
    name: "edge-presence-stays-there",
    about: "who is present at an edge is not told to anybody else",
    mutation: () => ({ patch: () => replaced(SharedAudience.prototype, "showFrom", () => () => undefined) }),
  },
  {
    name: "edge-presence-outlives-it",
    about: "whoever was present at an edge that is lost stays present",
    mutation: () => ({ patch: () => replaced(SharedAudience.prototype, "hideFrom", () => () => undefined) }),
  },
  {
    name: "edge-lost-and-followed",
    about: "followers of an edge that is lost are followers still",
    mutation: () => ({ patch: () => replaced(OwnerEnd.prototype, "gone", () => () => undefined) }),
  },
  {
    name: "edge-lost-and-connected",
    about: "an edge that has lost its owner keeps its sockets",
    mutation: () => ({ patch: () => replaced(SessionRegistry.prototype, "endAll", () => () => undefined) }),
  },
];
