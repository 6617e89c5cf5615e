// What a peer's own client would say, as far as a load needs it. A speaker knows one peer's words and nothing of counting,
// timing and sockets, which are the load's.

/** Who is talking: a writer of a document, or one of those who follow it. */
export interface Place {
  readonly writes: boolean;
  readonly document: number;
  /** No other connection of the load has it. */
  readonly connection: number;
}

/** What a conversation may do. */
export interface Line {
  send(message: string | Uint8Array): void;
  /** From now on it follows, or its changes are taken. */
  ready(): void;
  /** The peer has said that a change is done; without a number: the one after the last. */
  acked(n?: number): void;
  fail(why: string): void;
}

/** One connection's conversation. */
export interface Talk {
  /** It may speak first. */
  open?(): void;
  /** A message; the bytes are gone when it returns. */
  hear(message: Buffer): void;
  /** Makes change `n` of a document, with this text in it. */
  change?(n: number, text: string): void;
  /** It must hear of deliveries too, since the peer waits for a word about them. */
  readonly answersDeliveries?: boolean;
}

/** One message at the beginning of bytes: where what it says is, and where it ends. */
export interface Framed {
  readonly from: number;
  readonly to: number;
  readonly end: number;
}

/** One peer's words. */
export interface Speaker {
  /** Its clients make one change at a time: many outstanding are many writers. */
  readonly isOneAtATime?: boolean;
  /** What is asked for when the WebSocket is opened; undefined for a peer on bare TCP, whose messages `frame` finds. */
  path?(place: Place): string | Promise<string>;
  /** The first whole message in the bytes from there to there, if there is one. */
  frame?(bytes: Buffer, from: number, to: number): Framed | undefined;
  talk(place: Place, line: Line): Talk;
}

/** Where a peer listens, and where its packages are. */
export interface PeerAt {
  readonly port: number;
  readonly folder: string;
}

/** What a speaker is made with. */
export type MakeSpeaker = (at: PeerAt) => Speaker | Promise<Speaker>;
