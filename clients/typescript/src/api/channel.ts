// What applications see of a channel. Types only; channels/ implements them.
import type { Json, TidemarkError } from "@tidemark/protocol";
import type { CallOptions, Sent } from "./call.js";
import type { Status, Unsubscribe } from "./document.js";
import type { Position } from "./position.js";
import type { Presence } from "./presence.js";
import type { Received } from "./received.js";

/**
 * One message of a channel. `Messages` maps event names to data; it is the caller's claim, not checked. `seq` is its
 * place in the channel's log, `at` when it was published, Unix ms by the server's clock.
 */
export type ChannelMessage<Messages> = {
  [K in keyof Messages & string]: {
    readonly event: K;
    readonly data: Received<Messages[K]>;
    readonly seq: number;
    readonly at: number;
  };
}[keyof Messages & string];

/** What somebody else says on a channel now, which nothing keeps. `peer`: who, by the same name as in `presence`. */
export type ChannelSignal<Messages> = {
  [K in keyof Messages & string]: {
    readonly event: K;
    readonly data: Received<Messages[K]>;
    readonly peer: string;
  };
}[keyof Messages & string];

/**
 * Which messages of a channel to follow. Fixed for this opening: to change it, close and open. Openings with equal
 * `events` and `where` share a stream.
 */
export interface ChannelOptions<Messages> {
  /** Begin with so many of the newest messages, at most 1,000; default none. The first opening of a stream decides. */
  readonly last?: number;
  /**
   * Begin behind this position, one that a channel of that name had: with everything since then that is kept. Goes before
   * `last`. The first opening of a stream decides.
   */
  readonly since?: Position;
  /** Shown to the others who follow the channel; default: hidden. */
  readonly presence?: Json;
  /** Only messages of these events; default all. At most 32. */
  readonly events?: readonly (keyof Messages & string)[];
  /** Only messages whose data has all of these fields with these very values; default all. At most 8. */
  readonly where?: { readonly [field: string]: string | number | boolean | null };
}

/** A built-in `channel/<name>` document: publish and subscribe with history, no application code. */
export interface Channel<Messages> {
  readonly status: Status;
  /** Set while `denied` or `ended`. */
  readonly error: TidemarkError | undefined;
  /**
   * Behind the last message that listeners were told; undefined until it was live. Those that come together are told in one
   * go, and then it is behind all of them.
   */
  readonly position: Position | undefined;
  /** Who else follows it, for whoever has a grant of `presence`. */
  readonly presence: Presence<Json>;
  /** Resolves when the message is durable and, if it comes back on this channel, was given to its listeners. */
  publish<K extends keyof Messages & string>(event: K, data: Messages[K], options?: CallOptions): Sent<void>;
  /**
   * To all others who follow it now, at once or never: for what is worth nothing a second later, such as who is typing. It
   * needs the right to publish, is dropped unless the channel is `live`, and nothing keeps it. At most 4 KiB, and 20 a second
   * of one connection. Throws TidemarkError `invalid_input` for what is not JSON, and for a name that none could be.
   */
  signal<K extends keyof Messages & string>(event: K, data: Messages[K]): void;
  /** Called with each signal of the others, whatever messages it follows. */
  onSignal(listener: (signal: ChannelSignal<Messages>) => void): Unsubscribe;
  /**
   * Called with each message once, in order, its own included: from now on, and across reconnects without a gap as far
   * as the channel keeps them; what is further back is said to `onGap`.
   */
  onMessage(listener: (message: ChannelMessage<Messages>) => void): Unsubscribe;
  /**
   * Messages in (from, to] were missed and will not come; what is kept of them is in `history`. Where the channel was put
   * back to an older state, `from` is 0.
   */
  onGap(listener: (gap: { readonly from: number; readonly to: number }) => void): Unsubscribe;
  onStatus(listener: (status: Status) => void): Unsubscribe;
  /** Of the messages that it follows, newest first, below a seq; `limit` 100. Fewer than that: there are no more. */
  history(page?: { readonly before?: number; readonly limit?: number }): Promise<readonly ChannelMessage<Messages>[]>;
  /** Gives this opening back; the last one closes the stream after 5 s. */
  close(): void;
}
