// Bugs of signals and presence: who is told of too late, not at all, twice, or though they must not be.
import { Peers } from "../../../clients/typescript/src/peers/peers.js";
import { Present } from "../../../clients/typescript/src/peers/present.js";
import { Attendance } from "../../../src/session/attendance.js";
import { Gathering } from "../../../src/session/gathering.js";
import { PresentList } from "../../../src/session/present-list.js";
import { type Mutant, replaced, undoing } from "./mutation.js";

/** What can go wrong among those who follow. */
export const COMPANY_MUTANTS: readonly Mutant[] = [
  {
    name: "presence-keeps-the-lost",
    about: "whoever is cut off stays present for ever",
    mutation: () => ({
      patch: () =>
        replaced(PresentList.prototype, "hide", (hide) => {
          return function (this: PresentList, id, holder, awayUntilMs) {
            hide.call(this, id, holder, awayUntilMs === undefined ? undefined : Number.MAX_SAFE_INTEGER);
          };
        }),
    }),
  },
  {
    name: "presence-keeps-what-was-shown-first",
    about: "who is present already goes on showing what they showed first",
    mutation: () => {
      const seen = new Set<string>();
      const patch = (): (() => void) =>
        replaced(PresentList.prototype, "show", (show) => {
          return function (this: PresentList, shown) {
            if (!seen.has(shown.peer)) show.call(this, shown);
            seen.add(shown.peer);
          };
        });
      return { patch };
    },
  },
  {
    name: "presence-tabs-are-strangers",
    about: "when one of a person's connections goes, all of that person is gone",
    mutation: () => {
      const holders = new Map<string, object>();
      const of = (id: string): object => {
        const holder = holders.get(id) ?? {};
        holders.set(id, holder);
        return holder;
      };
      const patch = (): (() => void) =>
        undoing([
          replaced(PresentList.prototype, "show", (show) => {
            return function (this: PresentList, shown) {
              show.call(this, { ...shown, holder: of(shown.id) });
            };
          }),
          replaced(PresentList.prototype, "hide", (hide) => {
            return function (this: PresentList, id, _holder, awayUntilMs) {
              hide.call(this, id, of(id), awayUntilMs);
            };
          }),
        ]);
      return { patch };
    },
  },
  {
    name: "presence-outlives-the-right",
    about: "whoever is ended goes on being told of the others",
    mutation: () => ({ patch: () => replaced(Attendance.prototype, "detach", () => () => undefined) }),
  },
  {
    name: "presence-gaps-ignored",
    about: "a client applies what is said of those present though something before it is missing",
    mutation: () => ({
      patch: () =>
        undoing([
          replaced(Present.prototype, "take", (take) => {
            return function (this: Present, rev, change, you) {
              return take.call(this, this.rev === undefined ? rev : this.rev + 1, change, you);
            };
          }),
          replaced(Peers.prototype, "compare", () => () => undefined),
        ]),
    }),
  },
  {
    name: "signals-twice",
    about: "a signal is sent to everybody twice",
    mutation: () => ({
      patch: () =>
        replaced(Gathering.prototype, "signal", (signal) => {
          return function (this: Gathering, from, said) {
            return signal.call(this, from, said) && signal.call(this, from, said);
          };
        }),
    }),
  },
];
