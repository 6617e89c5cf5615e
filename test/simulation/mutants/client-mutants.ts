// Bugs of a client library: what it holds, what it believes, what it sends again.
import type { HeldPosition, Json, JsonObject } from "@tidemark/protocol";
import { Adoption } from "../../../clients/typescript/src/adoption/adoption.js";
import { CallRecord } from "../../../clients/typescript/src/adoption/call-record.js";
import type { Call } from "../../../clients/typescript/src/calls/call.js";
import { Lane } from "../../../clients/typescript/src/calls/lane.js";
import { Heartbeat } from "../../../clients/typescript/src/connection/heartbeat.js";
import { FollowedDocument } from "../../../clients/typescript/src/documents/followed-document.js";
import type { Platform, SocketListener } from "../../../clients/typescript/src/platform/platform.js";
import { Replica } from "../../../clients/typescript/src/stream/replica.js";
import { Stream } from "../../../clients/typescript/src/stream/stream.js";
import { type Mutant, type Mutation, replaced, undoing } from "./mutation.js";

type OpenSocket = Platform["openSocket"];

/** A client whose sockets are others. */
const sockets = (change: (openSocket: OpenSocket) => OpenSocket): Mutation => ({
  platform: (platform) => ({
    now: () => platform.now(),
    monotonicMs: () => platform.monotonicMs(),
    setTimer: (delayMs, fire) => platform.setTimer(delayMs, fire),
    microtask: (run) => platform.microtask(run),
    random: () => platform.random(),
    randomBytes: (length) => platform.randomBytes(length),
    openSocket: change((url, subprotocol, listener) => platform.openSocket(url, subprotocol, listener)),
    post: (request, listener) => platform.post(request, listener),
    online: () => platform.online(),
    onWake: (listener) => platform.onWake(listener),
    reportError: (error) => platform.reportError(error),
    warn: (error) => platform.warn(error),
  }),
});

const holdsCalls = (frame: string | Uint8Array): boolean =>
  typeof frame === "string" ? frame.includes('["c",') : Buffer.from(frame).includes(Buffer.from([0x96, 0xa1, 0x63]));

/** What a client can do wrong. */
export const CLIENT_MUTANTS: readonly Mutant[] = [
  {
    name: "client-ignores-heads",
    about: "a client does not compare heartbeats with what it holds",
    mutation: () => ({ patch: () => replaced(Stream.prototype, "difference", () => () => undefined) }),
  },
  {
    name: "client-believes-what-heads-omit",
    about: "what heads leave out is live to a client all the same",
    mutation: () => ({ patch: () => replaced(Stream.prototype, "leftOut", () => () => undefined) }),
  },
  {
    name: "client-never-gives-up",
    about: "a client does not notice that a connection is dead",
    mutation: () => ({ patch: () => replaced(Heartbeat.prototype, "start", () => () => undefined) }),
  },
  {
    name: "client-always-live",
    about: "a client says that it is live whatever it has heard, as long as it has a connection",
    mutation: () => ({ patch: () => getter(Heartbeat.prototype, "trusted", () => true) }),
  },
  {
    name: "client-reads-stale-sockets",
    about: "a client takes what comes by a socket that it has left",
    mutation: () =>
      sockets((openSocket) => {
        let newest: SocketListener | undefined;
        return (url, subprotocol, listener) => {
          newest = listener;
          return openSocket(url, subprotocol, { ...bound(listener), message: (frame) => newest?.message(frame) });
        };
      }),
  },
  {
    name: "client-resends-settled-calls",
    about: "a client that comes back sends its last calls again, answered or not",
    mutation: () =>
      sockets((openSocket) => {
        let last: string | Uint8Array | undefined;
        return (url, subprotocol, listener) => {
          const socket = openSocket(url, subprotocol, listener);
          let again = last;
          return {
            close: (code) => socket.close(code),
            send: (frame) => {
              if (again !== undefined && holdsCalls(frame)) socket.send(again);
              if (holdsCalls(frame)) [again, last] = [undefined, frame];
              socket.send(frame);
            },
          };
        };
      }),
  },
  {
    name: "client-forgets-what-it-sent",
    about: "a client that comes back does not send again what was not answered",
    mutation: () => ({ patch: () => replaced(Lane.prototype, "reset", () => () => undefined) }),
  },
  {
    name: "answered-call-is-kept",
    about: "what was answered stays in the record that a later page sends",
    mutation: () => ({ patch: () => replaced(CallRecord.prototype, "drop", () => (_call, then) => then(true)) }),
  },
  {
    name: "left-calls-never-adopted",
    about: "a page does not look for what others have left",
    mutation: () => ({ patch: () => replaced(Adoption.prototype, "look", () => () => Promise.resolve()) }),
  },
  {
    name: "client-low-too-high",
    about: "a client says that it waits for less than it does",
    mutation: () => ({
      patch: () => getter(Lane.prototype, "low", (low) => (typeof low === "number" ? low + 1 : low)),
    }),
  },
  {
    name: "client-rejects-what-it-sent",
    about: "at a deadline a client says rejected of what may have been applied",
    mutation: () => {
      const leaving = new WeakMap<Lane, Call>();
      return {
        patch: () => {
          const undoes = [
            replaced(Lane.prototype, "next", (next) => {
              return function (this: Lane, nowMs) {
                const call = next.call(this, nowMs);
                if (call !== undefined) leaving.set(this, call);
                return call;
              };
            }),
            replaced(Lane.prototype, "sent", (sent) => {
              return function (this: Lane) {
                sent.call(this);
                const call = leaving.get(this);
                if (call !== undefined) call.copies = 0;
              };
            }),
          ];
          return undoing(undoes);
        },
      };
    },
  },
  {
    name: "client-answers-before-it-shows",
    about: "a call resolves before its view shows it",
    mutation: () => ({
      patch: () => replaced(FollowedDocument.prototype, "whenReached", () => (_seq, then) => then()),
    }),
  },
  {
    name: "client-merges-snapshots",
    about: "a client puts a snapshot over what it held, and so never sees what went",
    mutation: () => ({
      patch: () =>
        replaced(Replica.prototype, "snap", (snap) => {
          return function (this: Replica, index, [type, handle, epoch, seq, state]) {
            return snap.call(this, index, [type, handle, epoch, seq, merged(this.state ?? {}, state)]);
          };
        }),
    }),
  },
  {
    name: "client-claims-too-much",
    about: "a client resumes from one transaction further than it holds",
    mutation: () => ({
      patch: () =>
        getter(Replica.prototype, "held", (held) =>
          Array.isArray(held) ? held.map(([epoch, seq, tag]): HeldPosition => [epoch, seq + 1, tag]) : held,
        ),
    }),
  },
];

function bound(listener: SocketListener): SocketListener {
  return {
    opened: () => listener.opened(),
    message: (frame) => listener.message(frame),
    closed: (code) => listener.closed(code),
  };
}

/** Changes what a getter of a prototype gives. */
function getter(target: object, name: string, change: (value: unknown) => unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  if (own?.get === undefined) throw new TypeError(`${name} is no getter`);
  const { get } = own;
  Object.defineProperty(target, name, {
    ...own,
    get(this: unknown) {
      return change(get.call(this));
    },
  });
  return () => Object.defineProperty(target, name, own);
}

/** Everything of both, the newer one where they differ. */
function merged(held: Json, fresh: Json): Json {
  if (Array.isArray(held) && Array.isArray(fresh)) {
    const known = new Set(fresh.map((item) => JSON.stringify(item)));
    return [...fresh, ...held.filter((item) => !known.has(JSON.stringify(item)))];
  }
  if (!isObject(held) || !isObject(fresh)) return fresh;
  const all: { [name: string]: Json } = { ...held };
  for (const [name, value] of Object.entries(fresh))
    all[name] = name in held ? merged(held[name] ?? null, value) : value;
  return all;
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
