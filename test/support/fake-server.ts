// A scripted server for client tests: it records what a client says and says what the test tells it to. By itself it
// accepts sockets and welcomes; everything else is the script's.
import {
  type CallMessage,
  type ClientMessage,
  codecFor,
  type DeltaExtension,
  type Json,
  LIMITS,
  type Opened,
  type PartMessage,
  type PatchOperation,
  parseClientMessage,
  type ServerMessage,
  type SnapMessage,
  type Welcome,
} from "@tidemark/protocol";
import { settled, type VirtualPlatform, type VirtualSocket } from "./virtual-platform.js";

type MessageOf<Type extends ClientMessage[0]> = Extract<ClientMessage, readonly [Type, ...unknown[]]>;

/** A `snap` with its `part`s. */
export type PartsMessages = readonly [SnapMessage, ...PartMessage[]];

/** One socket as the server sees it. */
export class FakeConnection {
  /** Everything the client said on it, in order. */
  readonly received: ClientMessage[] = [];
  /** Sizes of the frames it came in, in messages. */
  readonly frames: number[] = [];
  readonly socket: VirtualSocket;

  constructor(socket: VirtualSocket) {
    this.socket = socket;
  }

  get open(): boolean {
    return this.socket.closedWith === undefined;
  }

  /** Sends messages as one frame. */
  send(...messages: readonly ServerMessage[]): void {
    const codec = codecFor(this.socket.subprotocol);
    if (codec === undefined) throw new Error(`no codec for ${this.socket.subprotocol}`);
    const pieces = messages.map((message) => {
      if (message[0] !== "part") return codec.encode(message);
      const [, h, index, slice] = message;
      return codec.encodePart({ h, index, slice });
    });
    this.socket.listener.message(codec.join(pieces));
  }

  /** A snapshot in parts, of slices so large: what announces it, then each of them. */
  parts(state: Json, place: { epoch: number; seq: number; handle?: number; sliceBytes?: number }): PartsMessages {
    const codec = codecFor(this.socket.subprotocol);
    if (codec === undefined) throw new Error(`no codec for ${this.socket.subprotocol}`);
    const { epoch, seq, handle = HANDLE, sliceBytes = 16 } = place;
    const slices = codec.sliceState(JSON.stringify(state), sliceBytes);
    const bytes = slices.reduce((sum, slice) => sum + codec.sliceBytes(slice), 0);
    const snap = ["snap", handle, epoch, seq, null, { bytes, parts: slices.length }] as const;
    return [snap, ...slices.map((slice, index) => ["part", handle, index, slice] as const)];
  }

  /** Sends a frame as it is. */
  sendRaw(frame: string): void {
    this.socket.listener.message(frame);
  }

  close(code: number): void {
    this.socket.closedWith ??= code;
    this.socket.listener.closed(code);
  }

  /** All messages of a type. */
  all<Type extends ClientMessage[0]>(type: Type): MessageOf<Type>[] {
    return this.received.filter((message): message is MessageOf<Type> => message[0] === type);
  }

  /** The newest message of a type. */
  last<Type extends ClientMessage[0]>(type: Type): MessageOf<Type> {
    const message = this.all(type).at(-1);
    if (message === undefined) throw new Error(`the client has not said ${type}`);
    return message;
  }

  get calls(): CallMessage[] {
    return this.all("c");
  }

  // ------------------------------------------------------------------------------------------------ phrases

  welcome(fields: Partial<Welcome> = {}): void {
    const welcome: Welcome = {
      v: 1,
      session: "session",
      server: "server",
      now: SERVER_NOW,
      sub: "ann",
      exp: SERVER_NOW + 3_600_000,
      pingMs: LIMITS.pingIntervalMs,
      watchdogMs: LIMITS.watchdogMs,
      limits: {},
      caps: [],
      ...fields,
    };
    this.send(["welcome", welcome]);
  }

  /** Answers the newest `open` by a snapshot. */
  reset(
    state: Json,
    {
      epoch = 1,
      seq = 1,
      handle = HANDLE,
      ...fields
    }: { epoch?: number; seq?: number; handle?: number } & Omit<Partial<Opened>, "h"> = {},
  ): void {
    const { s } = this.last("open")[1];
    this.send(
      ["opened", { s, h: [handle], mode: ["reset"], prev: [seq], tag: [""], ...fields }],
      ["snap", handle, epoch, seq, state],
    );
  }

  /** Answers the newest `open` by going on from `prev`. */
  resume(prev: number, ...rest: readonly ServerMessage[]): void {
    const { s } = this.last("open")[1];
    this.send(["opened", { s, h: [HANDLE], mode: ["resume"], prev: [prev], tag: [""] }], ...rest);
  }

  ok(n: number, seq: number, result?: Json): void {
    this.send(result === undefined ? ["ok", n, [1, seq]] : ["ok", n, [1, seq], result]);
  }

  /** A refusal that invites a retry. */
  busy(n: number, afterMs = 100): void {
    this.send(["no", n, "overloaded", "busy", { retry: "after", fault: "service", afterMs }]);
  }
}

/** The handle that phrases use. */
export const HANDLE = 7;

/** The server's clock in `welcome`, Unix ms. */
export const SERVER_NOW = 1_800_000_000_000;

/** A delta on the handle that phrases use. */
export function delta(
  prev: number,
  seq: number,
  operations: readonly PatchOperation[],
  extension?: DeltaExtension,
): ServerMessage {
  return extension === undefined
    ? ["d", HANDLE, prev, seq, operations]
    : ["d", HANDLE, prev, seq, operations, extension];
}

export class FakeServer {
  readonly connections: FakeConnection[] = [];
  /** Whether sockets open. */
  reachable = true;
  /** Whether `hello` is answered. */
  welcoming = true;
  /** Takes every message as well, for servers that are more than a script. */
  onMessage: (connection: FakeConnection, message: ClientMessage) => void = () => undefined;

  constructor(platform: VirtualPlatform) {
    platform.onOpen = (socket) => this.#opened(socket);
    platform.onFrame = (socket, frame) => this.#frame(socket, frame);
  }

  /** The newest connection. */
  get now(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("nobody has connected");
    return connection;
  }

  #opened(socket: VirtualSocket): void {
    const connection = new FakeConnection(socket);
    this.connections.push(connection);
    queueMicrotask(() => {
      if (this.reachable) socket.listener.opened();
      else connection.close(1006);
    });
  }

  #frame(socket: VirtualSocket, frame: string | Uint8Array): void {
    const connection = this.connections.find((candidate) => candidate.socket === socket);
    const codec = codecFor(socket.subprotocol);
    if (connection === undefined || codec === undefined) return;
    const limits = { bytesMax: LIMITS.frameBytesMax, depthMax: LIMITS.depthMax };
    const messages = codec.decode(frame, limits).map(parseClientMessage);
    connection.frames.push(messages.length);
    connection.received.push(...messages);
    for (const message of messages) this.onMessage(connection, message);
    if (this.welcoming && messages.some(([type]) => type === "hello")) queueMicrotask(() => connection.welcome());
  }

  /** Lets the client do what it can without time passing. */
  settle(): Promise<void> {
    return settled();
  }
}
