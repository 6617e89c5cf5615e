// Bugs between documents and sockets: deltas that come twice, late or not at all, heads and answers in the wrong place.

import { CLOSE } from "@tidemark/protocol";
import type { Audience, Committed } from "../../../src/document/documents.js";
import { FanOuts } from "../../../src/session/fan-out.js";
import { OutboundQueue } from "../../../src/session/outbound-queue.js";
import { Session } from "../../../src/session/session.js";
import { SessionRegistry } from "../../../src/session/session-registry.js";
import { Subscription } from "../../../src/session/subscription.js";
import { Subscriptions } from "../../../src/session/subscriptions.js";
import type { OutgoingFrame } from "../../../src/session/wire.js";
import { audienceBut, type Mutant, type Mutation, replaced, undoing } from "./mutation.js";

/** Followers who are told of transactions in another way. */
const delivering = (change: () => (rows: readonly Committed[], deliver: Audience["deliver"]) => void): Mutation => ({
  audience: (audience) => (document, options) => {
    const inner = audience(document, options);
    const tell = change();
    return audienceBut(inner, { deliver: (rows) => tell(rows, (told) => inner.deliver(told)) });
  },
});

const isEmpty = ({ operations, events }: Committed): boolean => operations === "[]" && events === undefined;

/** What can go wrong with streams. */
export const STREAM_MUTANTS: readonly Mutant[] = [
  {
    name: "delta-dropped",
    about: "every fifth delivery reaches nobody",
    mutation: () =>
      delivering(() => {
        let count = 0;
        return (rows, deliver) => {
          count += 1;
          if (count % 5 !== 0) deliver(rows);
        };
      }),
  },
  {
    name: "delta-doubled",
    about: "every fifth delivery comes twice",
    mutation: () =>
      delivering(() => {
        let count = 0;
        return (rows, deliver) => {
          count += 1;
          deliver(rows);
          if (count % 5 === 0) deliver(rows);
        };
      }),
  },
  {
    name: "deltas-swapped",
    about: "the transactions of a commit are delivered backwards",
    mutation: () => delivering(() => (rows, deliver) => deliver([...rows].reverse())),
  },
  {
    name: "empty-transaction-untold",
    about: "followers never hear of a transaction that changed nothing",
    mutation: () =>
      delivering(() => (rows, deliver) => {
        const changing = rows.filter((row) => !isEmpty(row));
        if (changing.length > 0) deliver(changing);
      }),
  },
  {
    name: "new-epoch-untold",
    about: "followers are not told that transactions have another epoch",
    mutation: () =>
      delivering(() => {
        let first: number | undefined;
        return (rows, deliver) => {
          first ??= rows[0]?.previousEpoch;
          deliver(rows.map((row) => ({ ...row, epoch: first ?? row.epoch })));
        };
      }),
  },
  {
    name: "one-handle-for-all",
    about: "the streams of all documents go out under one number",
    mutation: () => ({
      patch: () =>
        replaced(FanOuts.prototype, "create", (create) => {
          return function (this: FanOuts, document, options) {
            const fanOut = create.call(this, document, options);
            for (const layer of fanOut.log.layers) Reflect.set(layer, "handle", 1);
            return fanOut;
          };
        }),
    }),
  },
  {
    name: "answer-before-its-delta",
    about: "answers leave before the deltas of the same turn",
    mutation: () => {
      const late = new Map<OutboundQueue, OutgoingFrame[]>();
      return {
        patch: () => {
          const { sendShared } = OutboundQueue.prototype;
          const undoes = [
            replaced(OutboundQueue.prototype, "sendShared", () => {
              return function (this: OutboundQueue, frame) {
                const held = late.get(this);
                if (held !== undefined) return void held.push(frame);
                late.set(this, [frame]);
                queueMicrotask(() => this.flush());
              };
            }),
            replaced(OutboundQueue.prototype, "flush", (flush) => {
              return function (this: OutboundQueue) {
                const held = late.get(this) ?? [];
                late.delete(this);
                for (const frame of held) sendShared.call(this, frame);
                flush.call(this);
              };
            }),
          ];
          return undoing(undoes);
        },
      };
    },
  },
  {
    name: "held-back-answer-lost",
    about: "an answer that waits for the first payload of its document never leaves",
    mutation: () => ({ patch: () => replaced(Subscription.prototype, "holdBack", () => () => undefined) }),
  },
  {
    name: "heartbeat-without-heads",
    about: "heartbeats do not say where streams are",
    mutation: () => ({
      patch: () =>
        replaced(Subscriptions.prototype, "heads", () => {
          return function* () {};
        }),
    }),
  },
  {
    name: "heads-of-yesterday",
    about: "heartbeats say where streams were one transaction ago",
    mutation: () => ({
      patch: () =>
        replaced(Subscriptions.prototype, "heads", (heads) => {
          return function* (this: Subscriptions) {
            for (const [handle, epoch, seq] of heads.call(this)) yield [handle, epoch, seq - 1] as const;
          };
        }),
    }),
  },
  {
    name: "expired-session-goes-on",
    about: "a session outlives the token it was begun with",
    mutation: () => ({
      patch: () =>
        replaced(Session.prototype, "end", (end) => {
          return function (this: Session, closeCode, reason) {
            if (closeCode !== CLOSE.unauthenticated) end.call(this, closeCode, reason);
          };
        }),
    }),
  },
  {
    name: "newer-connection-refused",
    about: "of two connections of one client the older one is kept",
    mutation: () => {
      const live = new WeakMap<SessionRegistry, Set<string>>();
      return {
        patch: () =>
          replaced(SessionRegistry.prototype, "begins", (begins) => {
            return function (this: SessionRegistry, claim, session, identity) {
              const names = live.get(this) ?? new Set();
              live.set(this, names);
              const name = `${claim.subject} ${claim.client}`;
              if (names.has(name)) return "replaced";
              names.add(name);
              return begins.call(this, claim, session, identity);
            };
          }),
      };
    },
  },
];
