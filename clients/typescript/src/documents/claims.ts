// Where plain JSON takes on the types of an application's contract. Nothing can be checked here: the types come from
// the server's definitions by `import type`, and the server validates what it sends against the schemas behind them.
import type { Contract, DeepReadonly, Json, JsonObject, View } from "@tidemark/protocol";
import type { Askers, CallOptions, Senders, Sent } from "../api/call.js";
import type { ChannelMessage, ChannelSignal } from "../api/channel.js";
import type { LiveDocument } from "../api/document.js";
import type { Presence } from "../api/presence.js";
import type { LogEntry } from "../api/tide.js";
import type { CollectionObserver } from "./watch.js";

/** A function that sends one message or asks one query. */
export type Method = (input: unknown, options?: CallOptions) => Sent<Json | undefined>;

type Methods = { readonly [name: string]: Method };

/** A state as its view. */
export function asView<C extends Contract>(state: JsonObject): View<C> {
  return state as unknown as View<C>;
}

/** Functions as a type's messages. */
export function asSenders<C extends Contract>(methods: Methods): Senders<C> {
  return methods as unknown as Senders<C>;
}

/** Functions as a type's queries. */
export function asAskers<C extends Contract>(methods: Methods): Askers<C> {
  return methods as unknown as Askers<C>;
}

/** Functions as all that a type's contract names. */
export function asSendersAndAskers<C extends Contract>(methods: Methods): Senders<C> & Askers<C> {
  return methods as unknown as Senders<C> & Askers<C>;
}

/** An event listener as one that takes what the wire brings. */
export function asEventListener<Data, At>(
  listener: (data: DeepReadonly<Data>, at: At) => void,
): (data: Json, at: At) => void {
  return listener as unknown as (data: Json, at: At) => void;
}

/** A message of a channel as one of those that it is said to have. */
export function asChannelMessage<Messages>(message: object): ChannelMessage<Messages> {
  return message as unknown as ChannelMessage<Messages>;
}

/** A signal of a channel likewise. */
export function asChannelSignal<Messages>(signal: object): ChannelSignal<Messages> {
  return signal as unknown as ChannelSignal<Messages>;
}

/** Who is present, as the metadata of a type; undefined there, if the type has none. */
export function asPresence<C extends Contract>(presence: Presence<unknown>): LiveDocument<C>["presence"] {
  return presence as unknown as LiveDocument<C>["presence"];
}

/** The same where the metadata is known. */
export function asPresenceOf<Meta>(presence: Presence<unknown>): Presence<Meta> {
  return presence as unknown as Presence<Meta>;
}

/** An observer of a collection as one of any items. */
export function asObserver(observer: object): CollectionObserver {
  return observer as CollectionObserver;
}

/** A page of history. Other than a view it has a fixed form, but a page may be long and the server built it. */
export function asLogEntries(page: Json | undefined): readonly LogEntry[] {
  return (page ?? []) as unknown as readonly LogEntry[];
}
