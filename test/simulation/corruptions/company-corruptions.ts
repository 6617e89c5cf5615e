// Company that must not be: who is told to be there and is not, who is there and not told, and waves that get lost.
import type { Corruption } from "./corruption.js";
import { first } from "./draft.js";

/** Corruptions of what those who follow were told of each other. */
export const COMPANY_CORRUPTIONS: readonly Corruption[] = [
  {
    name: "somebody is told to be present who is not there",
    rule: "PRES-5",
    corrupt: ({ company }) => {
      const standing = first(company, "company");
      standing.present = [...standing.present, { who: "nobody", n: 1 }];
    },
  },
  {
    name: "somebody is there and not told",
    rule: "PRES-4",
    corrupt: ({ company }) => {
      const standing = first(
        company.filter(({ present, status }) => status === "live" && present.length > 0),
        "live document with somebody present",
      );
      standing.present = standing.present.slice(1);
    },
  },
  {
    name: "somebody is told to show what they showed before",
    rule: "PRES-4",
    corrupt: ({ company }) => {
      const standing = first(
        company.filter(({ present, status }) => status === "live" && present.length > 0),
        "live document with somebody present",
      );
      standing.present = standing.present.map((shown) => ({ ...shown, n: -1 }));
    },
  },
  {
    name: "the count is wrong",
    rule: "PRES-2",
    corrupt: ({ company }) => {
      const standing = first(
        company.filter(({ status }) => status === "live"),
        "live document",
      );
      standing.count += 1;
    },
  },
  {
    name: "a wave in good weather was not heard",
    rule: "SIG-2",
    corrupt: ({ waves, easyWavesFromMs }) => {
      const easy = waves.filter(({ atMs, heardBy }) => atMs >= easyWavesFromMs && heardBy.length > 0);
      first(easy, "wave that was heard").heardBy.pop();
    },
  },
];
