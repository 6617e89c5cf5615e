// Bugs in what a document remembers of requests, and in the order in which they are checked.
import { ClientWindow } from "../../../src/document/client-window.js";
import type { Call, Documents } from "../../../src/document/documents.js";
import { OutputGate } from "../../../src/document/output-gate.js";
import { documentsBut, type Mutant, replaced } from "./mutation.js";

/** Documents whose calls are changed on their way in. */
const calls = (documents: Documents, change: (call: Call) => Call): Documents =>
  documentsBut(documents, { call: (call) => documents.call(change(call)) });

/** What can go wrong with requests. */
export const REQUEST_MUTANTS: readonly Mutant[] = [
  {
    name: "no-dedupe",
    about: "a call that was applied is applied again when it comes again",
    mutation: () => ({
      patch: () =>
        replaced(ClientWindow.prototype, "admit", (admit) => {
          return function (this: ClientWindow, call, now, hash) {
            const admission = admit.call(this, call, now, hash);
            return admission.verdict === "repeat" ? { verdict: "execute" } : admission;
          };
        }),
    }),
  },
  {
    name: "deadline-unchecked",
    about: "a call is executed whenever it comes, its deadline past or not",
    mutation: () => ({ documents: (documents) => calls(documents, (call) => ({ ...call, ttlMs: undefined })) }),
  },
  {
    name: "horizon-unchecked",
    about: "a call is executed however long ago it was born",
    mutation: () => ({
      documents: (documents) => calls(documents, (call) => ({ ...call, ttlMs: undefined })),
      patch: () =>
        replaced(ClientWindow.prototype, "admit", (admit) => {
          return function (this: ClientWindow, call, now, hash) {
            return admit.call(this, { n: call.n, low: call.low, origin: call.origin, born: now }, now, hash);
          };
        }),
    }),
  },
  {
    name: "low-ignored",
    about: "nobody learns which calls a client has given up",
    mutation: () => ({ documents: (documents) => calls(documents, (call) => ({ ...call, low: 0 })) }),
  },
  {
    name: "conn-ignored",
    about: "a copy that comes by an older connection is taken like any other",
    mutation: () => ({
      patch: () =>
        replaced(ClientWindow.prototype, "admit", (admit) => {
          return function (this: ClientWindow, call, now, hash) {
            const { n, low, born } = call;
            return admit.call(this, { n, low, born, origin: { conn: Number.MAX_SAFE_INTEGER } }, now, hash);
          };
        }),
    }),
  },
  {
    name: "latch-ignored",
    about: "calls overtake one that was refused and will come again",
    mutation: () => ({ patch: () => replaced(ClientWindow.prototype, "passLatch", () => () => undefined) }),
  },
  {
    name: "lost-call-not-run-again",
    about: "what waited for a commit that was lost is forgotten",
    mutation: () => ({
      patch: () =>
        replaced(OutputGate.prototype, "drain", (drain) => {
          return function (this: typeof OutputGate.prototype) {
            drain.call(this);
            return [];
          };
        }),
    }),
  },
  {
    name: "lost-calls-run-backwards",
    about: "what waited for a commit that was lost is run again in the wrong order",
    mutation: () => ({
      patch: () =>
        replaced(OutputGate.prototype, "drain", (drain) => {
          return function (this: typeof OutputGate.prototype) {
            return [...drain.call(this)].reverse();
          };
        }),
    }),
  },
  {
    name: "receipts-outlive-their-loss",
    about: "what was applied in a commit that was lost is still answered as applied",
    mutation: () => {
      const read = new WeakSet<ClientWindow>();
      return {
        patch: () =>
          replaced(ClientWindow.prototype, "know", (know) => {
            return function (this: ClientWindow, stored) {
              if (!read.has(this)) know.call(this, stored);
              read.add(this);
            };
          }),
      };
    },
  },
];
