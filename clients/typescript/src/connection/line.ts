// What carries the messages of one connection, whichever transport it is. A line knows nothing of what they mean to
// documents; the connection makes one, greets on it and gives it up.
import type { ClientMessage, Codec, OpenMessage, Welcome } from "@tidemark/protocol";

/** What a line reports. After `closed` nothing more is reported. */
export interface LineListener {
  /** It is time to greet. */
  opened(): void;
  frame(frame: string | Uint8Array): void;
  /** `code` is a close code; 1006 when nobody said why. */
  closed(code: number): void;
}

/** What a line that is made of requests asks for. */
export interface RequestSource {
  /** A number of a connection that was never used. */
  nextConn(): number;
  /** Everything that is followed, under numbers that were never used, from what is held of it. What came before is
   * forgotten. */
  opens(): readonly OpenMessage[];
  lost(lost: LostCalls): void;
}

/** Calls that nobody will answer. */
export interface LostCalls {
  /** Copies of these were sent, and may be under way until then, on the monotonic clock. */
  readonly sent: readonly number[];
  readonly untilMs: number;
  /** These were not: they would have overtaken those. */
  readonly unsent: readonly number[];
}

/** One line. */
export interface Line {
  readonly codec: Codec;
  /** When the newest request left on whose stream pings count the time; undefined: the server's pings are answered. */
  readonly askedMs: number | undefined;
  /** Giving it up now keeps nothing waiting that was sent. */
  readonly isIdle: boolean;
  /** Queues a message; false, and nothing is queued, when nothing can hold it. */
  push(message: ClientMessage): boolean;
  /** Sends what is queued. */
  flush(): void;
  /** A `welcome` came on it. */
  welcomed(welcome: Welcome): void;
  /** Gives it up; nothing is reported any more. */
  close(code: number): void;
}
