// Bugs of a document's host: what leaves before its time, who is shown what, how a stream begins.
import { Access } from "../../../src/document/access.js";
import type { Transaction } from "../../../src/document/document-store.js";
import type { Committed, Opening, Snapshot } from "../../../src/document/documents.js";
import { Following } from "../../../src/document/following.js";
import { DocumentHost } from "../../../src/document/host.js";
import { OutputGate } from "../../../src/document/output-gate.js";
import { Pipeline } from "../../../src/document/pipeline.js";
import { StateSnapshots } from "../../../src/document/state-snapshots.js";
import { CallWork } from "../../../src/document/work.js";
import { nameKey } from "../../../src/storage/name-key.js";
import { audienceBut, type Mutant, type Mutation, openingsBut, replaced, undoing } from "./mutation.js";

const onOpened = (opened: (opening: Opening) => Opening): Mutation => ({
  documents: (documents) => openingsBut(documents, { opened }),
});

const isCommitted = (row: Transaction): row is Transaction & Committed => "previousEpoch" in row;

/** What a host can do wrong. */
export const DOCUMENT_MUTANTS: readonly Mutant[] = [
  {
    name: "answer-before-commit",
    about: "answers and openings do not wait for the commit they rest on",
    mutation: () => ({
      patch: () =>
        replaced(OutputGate.prototype, "push", () => (entry) => {
          entry.release();
        }),
    }),
  },
  {
    name: "rejection-before-commit",
    about: "a rejection does not wait for the commit it rests on",
    mutation: () => {
      const rejected = new WeakSet<CallWork>();
      return {
        patch: () => {
          const undoes = [
            replaced(CallWork.prototype, "answered", (answered) => {
              return function (this: CallWork, answer, after, applied) {
                if (answer.kind === "no") rejected.add(this);
                return answered.call(this, answer, after, applied);
              };
            }),
            releasedAtOnce((work) => rejected.has(work)),
          ];
          return undoing(undoes);
        },
      };
    },
  },
  {
    name: "query-before-commit",
    about: "the answer to a query does not wait for the commit it rests on",
    mutation: () => ({ patch: () => releasedAtOnce(({ isQuery }) => isQuery) }),
  },
  {
    name: "publish-before-commit",
    about: "deltas are sent when they are handed to the store",
    mutation: () => {
      const early = new Map<string, (rows: readonly Committed[]) => void>();
      return {
        audience: (audience) => (document, options) => {
          const inner = audience(document, options);
          let told = 0;
          const once = (rows: readonly Committed[]): void => {
            const fresh = rows.filter(({ seq }) => seq > told);
            told = fresh.at(-1)?.seq ?? told;
            if (fresh.length > 0) inner.deliver(fresh);
          };
          early.set(nameKey(document), once);
          return audienceBut(inner, { deliver: once });
        },
        patch: () =>
          replaced(Pipeline.prototype, "take", (take) => {
            return function (this: Pipeline) {
              const append = take.call(this);
              if (append !== undefined) early.get(nameKey(append.ref.name))?.(append.transactions.filter(isCommitted));
              return append;
            };
          }),
      };
    },
  },
  {
    name: "snapshot-off-by-one",
    about: "a snapshot says that it is one transaction further than it is",
    mutation: () => ({
      patch: () =>
        replaced(StateSnapshots.prototype, "shown", (snapshot) => {
          return function (this: StateSnapshots, source) {
            const made = snapshot.call(this, source);
            return { ...made, seq: made.seq + 1 };
          };
        }),
    }),
  },
  {
    name: "snapshot-of-yesterday",
    about: "a snapshot is the one that was made the time before",
    mutation: () => {
      const before = new WeakMap<StateSnapshots, Snapshot>();
      return {
        patch: () =>
          replaced(StateSnapshots.prototype, "shown", (snapshot) => {
            return function (this: StateSnapshots, source) {
              const made = snapshot.call(this, source);
              const given = before.get(this) ?? made;
              before.set(this, made);
              return { ...made, stateJson: given.stateJson };
            };
          }),
      };
    },
  },
  {
    name: "resume-ignores-epoch",
    about: "a position of another history is taken for one of this",
    mutation: () => ({
      documents: (documents, disk) =>
        openingsBut(documents, {
          open: (request) => {
            const { held, document } = request;
            const row =
              held === undefined ? undefined : disk.lines().get(`${document.type}/${document.key}`)?.[held[1] - 1];
            return held === undefined || row === undefined
              ? request
              : { ...request, held: [row.epoch, held[1], held[2]] };
          },
        }),
    }),
  },
  {
    name: "resume-one-late",
    about: "a resumed stream leaves out the first transaction that was missed",
    mutation: () =>
      onOpened((opening) => (opening.kind === "resume" ? { ...opening, missed: opening.missed.slice(1) } : opening)),
  },
  {
    name: "events-dropped-on-reset",
    about: "a reset says nothing of the events that were missed",
    mutation: () => onOpened((opening) => (opening.kind === "reset" ? { ...opening, events: [] } : opening)),
  },
  {
    name: "gap-not-said",
    about: "events are lost and nobody is told",
    mutation: () => onOpened((opening) => (opening.kind === "reset" ? { ...opening, gap: false } : opening)),
  },
  {
    name: "authorisation-skipped",
    about: "everybody may follow and call everything",
    mutation: () => ({ patch: () => replaced(Access.prototype, "mayOpen", () => () => true) }),
  },
  {
    name: "banished-not-ended",
    about: "who lost the right to follow goes on following",
    mutation: () => ({
      patch: () =>
        replaced(Following.prototype, "wrote", () => {
          return function (this: Following) {
            this.changed();
          };
        }),
    }),
  },
  {
    name: "deletion-not-told",
    about: "who follows a document that is deleted is not told",
    mutation: () => ({ patch: () => replaced(Following.prototype, "deleted", () => () => undefined) }),
  },
  {
    name: "hidden-parts-shown",
    about: "a snapshot holds the parts that nobody may see",
    mutation: () => ({
      patch: () =>
        replaced(StateSnapshots.prototype, "shown", () => {
          return function (this: StateSnapshots, loaded) {
            return this.stored(loaded);
          };
        }),
    }),
  },
  {
    name: "unloaded-while-used",
    about: "a document is unloaded though somebody follows it",
    mutation: () => ({ patch: () => replaced(DocumentHost.prototype, "isIdle", () => () => true) }),
  },
];

function releasedAtOnce(which: (work: CallWork) => boolean): () => void {
  return replaced(OutputGate.prototype, "push", (push) => {
    return function (this: typeof OutputGate.prototype, entry) {
      if (entry instanceof CallWork && which(entry)) entry.release();
      else push.call(this, entry);
    };
  });
}
