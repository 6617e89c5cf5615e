// Bugs of what is not sent at once: to slow readers, in parts, and out of a budget that openings share.
import { Backlog } from "../../../src/session/backlog.js";
import { OutboundQueue } from "../../../src/session/outbound-queue.js";
import { SlicedSnapshot } from "../../../src/session/sent-snapshot.js";
import { Subscription } from "../../../src/session/subscription.js";
import { TransferBudget } from "../../../src/session/transfer-budget.js";
import { type Mutant, replaced, undoing } from "./mutation.js";

/** What can go wrong with slow readers and large snapshots. */
export const FLOW_MUTANTS: readonly Mutant[] = [
  {
    name: "slow-stream-never-back",
    about: "a stream that was marked slow does not ask to go on when there is room again",
    mutation: () => ({ patch: () => replaced(Backlog.prototype, "ask", () => () => undefined) }),
  },
  {
    name: "slow-stream-not-marked",
    about: "deltas are queued for a peer however little it takes",
    mutation: () => ({ patch: () => replaced(OutboundQueue.prototype, "admits", () => () => true) }),
  },
  {
    name: "slow-stream-loses-a-frame",
    about: "what there is no room for is left out, and the stream goes on behind it",
    mutation: () => {
      const full = new WeakSet<OutboundQueue>();
      return {
        patch: () =>
          undoing([
            replaced(OutboundQueue.prototype, "admits", (admits) => {
              return function (this: OutboundQueue, bytes) {
                if (!admits.call(this, bytes)) full.add(this);
                return true;
              };
            }),
            replaced(OutboundQueue.prototype, "sendShared", (sendShared) => {
              return function (this: OutboundQueue, frame) {
                if (!full.delete(this)) sendShared.call(this, frame);
              };
            }),
          ]),
      };
    },
  },
  {
    name: "slow-stream-overtaken",
    about: "an answer does not wait for a stream that was marked slow",
    mutation: () => ({ patch: () => getting(Subscription.prototype, "isOwed", () => false) }),
  },
  {
    name: "part-twice",
    about: "the last part of a snapshot is the first one again",
    mutation: () => ({
      patch: () =>
        replaced(SlicedSnapshot.prototype, "pieces", (pieces) => {
          return function (this: SlicedSnapshot, index) {
            return pieces.call(this, index < this.count - 1 ? index : 0);
          };
        }),
    }),
  },
  {
    name: "parts-too-soon",
    about: "parts do not wait until their peer has taken those before",
    mutation: () => ({ patch: () => getting(OutboundQueue.prototype, "unsentBytes", () => 0) }),
  },
  {
    name: "budget-never-given-back",
    about: "what an opening held is never given to others",
    mutation: () => ({ patch: () => replaced(TransferBudget.prototype, "give", () => () => undefined) }),
  },
];

/** Puts another getter in the place of an object's own. */
function getting(target: object, name: string, get: () => unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { configurable: true, get });
  return () => {
    if (original !== undefined) Object.defineProperty(target, name, original);
  };
}
