// What applications see of a connection and of the service. Types only; connect.ts and service.ts implement them.
import type { AnyApp, At, Json, JsonPatchOperation, Principal, TypeName, View } from "@tidemark/protocol";
import type { Askers, Senders } from "./call.js";
import type { Channel, ChannelOptions } from "./channel.js";
import type { OpenDocument, OpenOptions, Unsubscribe } from "./document.js";
import type { Position } from "./position.js";
import type { StreamStats } from "./stats.js";
import type { CallStorage } from "./storage.js";

/** Options of `connect`. */
export interface ConnectOptions {
  /** `https://host` or `wss://host`. */
  readonly url: string;
  /** A function is called again for each connection and before expiry. */
  readonly token: string | (() => Promise<string>);
  /** Keeps unanswered sends over a reload. Default: they live as long as this client. */
  readonly storage?: CallStorage;
  /** Default for each call; 30,000. */
  readonly deadlineMs?: number;
  /** How frames are written on a WebSocket; default `json`. */
  readonly codec?: "json" | "msgpack";
  /** Default `auto`: WebSocket, and HTTP while that does not get through. */
  readonly transport?: TransportChoice;
}

/** What `connect` may use. */
export type TransportChoice = "auto" | "websocket" | "http";

/** What carries a connection: a WebSocket; the streamed response to an HTTP request; or one request after the other, where
 * responses are held back until their end. */
export type Transport = "websocket" | "stream" | "poll";

/** A committed transaction as the log holds it: without `hidden` parts, not filtered by views. */
export interface LogEntry extends Position {
  readonly at: number;
  readonly patch: readonly JsonPatchOperation[];
  readonly events: readonly { readonly name: string; readonly data: Json }[];
  readonly by: string | undefined;
}

/** One page of `service.list`. `next` goes into `after` of the following one; undefined: that was all. */
export interface KeyPage {
  readonly keys: readonly string[];
  readonly next: string | undefined;
}

/** Calls that belong to no open document. Denials and unknown keys look alike. */
export interface Service<A extends AnyApp> {
  /** `already_exists` if it does. */
  create<K extends TypeName<A>>(type: K, key: string, input: At<A, K>["create"]): Promise<Position>;
  /** One view, once; at an older seq with `seq` (needs `canHistory`). */
  get<K extends TypeName<A>>(
    type: K,
    key: string,
    options?: { readonly params?: At<A, K>["params"]; readonly seq?: number },
  ): Promise<{ readonly state: View<At<A, K>>; readonly at: Position }>;
  /** By key, `limit` at most 1,000 (default 100); pass `next` as `after`. */
  list<K extends TypeName<A>>(
    type: K,
    page?: { readonly where?: Partial<At<A, K>["indexes"]>; readonly after?: string; readonly limit?: number },
  ): Promise<KeyPage>;
  delete<K extends TypeName<A>>(type: K, key: string): Promise<void>;
  /** Oldest first, after a seq, `limit` at most 1,000 (default 100). */
  history<K extends TypeName<A>>(
    type: K,
    key: string,
    page?: { readonly after?: number; readonly limit?: number },
  ): Promise<readonly LogEntry[]>;
  whoami(): Promise<Principal & { readonly expiresAt: number }>;
}

/** Where the connection stands. */
export type TideStatus = "connecting" | "live" | "offline" | "closed";

/** One connection to the service. It opens lazily, stays up, and is shared by everything opened through it. */
export interface Tide<A extends AnyApp> {
  readonly status: TideStatus;
  /** What carries the connection while it is `live`; undefined while it is not. */
  readonly transport: Transport | undefined;
  /** Reference-counted by (type, key). Never throws: look at `status` and `error`. */
  open<K extends TypeName<A>>(type: K, key: string, options?: OpenOptions<At<A, K>>): OpenDocument<A, K>;
  /** Messages and queries without a subscription: resolves when durable. */
  call<K extends TypeName<A>>(type: K, key: string): Senders<At<A, K>> & Askers<At<A, K>>;
  /**
   * Follows a channel: publish and subscribe with history, for whoever has a grant. The type argument is a claim, not a
   * check. Counted like `open`; never throws: look at `status` and `error`.
   */
  channel<Messages = { [event: string]: Json }>(name: string, options?: ChannelOptions<Messages>): Channel<Messages>;
  readonly service: Service<A>;
  /** What this client has seen of its streams so far: latencies, time not live, differences healed by kind. */
  readonly stats: StreamStats;
  /** Told when `status` or `transport` is another. */
  onStatus(listener: (status: TideStatus) => void): Unsubscribe;
  /** Closes everything; waiting calls get `closed`, with outcome `unknown` if they were sent. */
  close(): void;
}
