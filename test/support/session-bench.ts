// Sessions on a bench: the real session and document rooms over a memory store, virtual time, and sockets that keep what
// was written to them. Frames are decoded as a client would.
import {
  CHANNEL_TYPE,
  type ClientMessage,
  type Codec,
  type Json,
  jsonCodec,
  LIMITS,
  type Piece,
  type Principal,
  type ServerMessage,
} from "@tidemark/protocol";
import { type ChannelRules, resolveChannels } from "../../src/document/channels/channel-rules.js";
import { channelType } from "../../src/document/channels/channel-type.js";
import type { DocumentType } from "../../src/document/definition/definition.js";
import { type ResolvedType, resolveType } from "../../src/document/definition/resolved-type.js";
import type { DocumentStore } from "../../src/document/document-store.js";
import type { Documents } from "../../src/document/documents.js";
import type { HostReport } from "../../src/document/host-report.js";
import { LocalDocuments } from "../../src/document/local-documents.js";
import { FanOuts } from "../../src/session/fan-out.js";
import { Flusher } from "../../src/session/flusher.js";
import type { Identified, IdentityCheck } from "../../src/session/identity.js";
import { Session } from "../../src/session/session.js";
import { SessionRegistry } from "../../src/session/session-registry.js";
import { OutgoingFrame, type Wire } from "../../src/session/wire.js";
import { hear } from "../../src/transport/incoming.js";
import { wireBytes } from "../../src/transport/websocket-frame.js";
import { VirtualRuntime } from "./virtual-runtime.js";

const DECODE = { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax, parts: true };

/** A socket that keeps everything. Its peer takes what comes at once, until it is `throttled`. */
export class BenchWire implements Wire {
  readonly codec: Codec;
  readonly loopback = true;
  bufferedBytes = 0;
  receivedBytes = 0;
  onDrained: (() => void) | undefined = undefined;
  /** Frames of each write that was taken. */
  readonly writes: ServerMessage[][][] = [];
  /** The very frames of each write. */
  readonly frames: OutgoingFrame[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** The most that ever waited. */
  peakBytes = 0;
  /** What Node buffers before it says that it will tell when it has drained. */
  drainsAboveBytes = 16_384;
  #throttled = false;
  #queue: { readonly frame: ServerMessage[]; bytes: number }[] = [];
  #willDrain = false;

  constructor(codec: Codec) {
    this.codec = codec;
  }

  writeMessage(piece: Piece): void {
    this.write([new OutgoingFrame(this.codec, [piece], piece.length)]);
  }

  write(frames: readonly OutgoingFrame[]): void {
    if (this.closed !== undefined) return;
    this.frames.push(...frames);
    const decoded = frames.map((frame) => messagesOf(frame));
    if (!this.#throttled) return void this.writes.push(decoded);
    decoded.forEach((frame, index) => {
      const bytes = frames[index] === undefined ? 0 : wireBytes(frames[index]).length;
      this.#queue.push({ frame, bytes });
      this.bufferedBytes += bytes;
    });
    this.peakBytes = Math.max(this.peakBytes, this.bufferedBytes);
    this.#willDrain ||= this.bufferedBytes > this.drainsAboveBytes;
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  /** The peer takes nothing from now on but what `takes` says. */
  throttle(): void {
    this.#throttled = true;
  }

  /** The peer takes so much of what waits; by default all of it, and whatever comes from now on. */
  takes(bytes: number = Number.POSITIVE_INFINITY): void {
    if (bytes === Number.POSITIVE_INFINITY) this.#throttled = false;
    let left = bytes;
    for (let next = this.#queue[0]; next !== undefined && left > 0; next = this.#queue[0]) {
      const taken = Math.min(left, next.bytes);
      next.bytes -= taken;
      left -= taken;
      this.bufferedBytes -= taken;
      if (next.bytes > 0) break;
      this.#queue.shift();
      this.writes.push([next.frame]);
    }
    if (this.bufferedBytes > 0 || !this.#willDrain) return;
    this.#willDrain = false;
    this.onDrained?.();
  }

  /** Everything received so far, in order; forgets it. */
  take(): ServerMessage[] {
    return this.writes.splice(0).flat(2);
  }
}

const decoded = new WeakMap<OutgoingFrame, ServerMessage[]>();

/** What many get is decoded once. */
function messagesOf(frame: OutgoingFrame): ServerMessage[] {
  const known = decoded.get(frame);
  if (known !== undefined) return known;
  const messages = frame.codec.decode(frame.codec.join(frame.pieces), DECODE) as unknown as ServerMessage[];
  decoded.set(frame, messages);
  return messages;
}

/** A client's end. */
export class BenchClient {
  readonly wire: BenchWire;
  /** Errors that only a bug of the server throws. */
  readonly bugs: unknown[] = [];
  readonly #session: Session;

  constructor(wire: BenchWire, session: Session) {
    this.wire = wire;
    this.#session = session;
  }

  /** Bytes of one WebSocket message, as they come off a socket. */
  hear(frame: Uint8Array): void {
    this.wire.receivedBytes += frame.length;
    const { codec } = this.wire;
    hear(frame, codec.binary, { codec, session: this.#session, onBug: (error) => void this.bugs.push(error) });
  }

  /** One frame. */
  say(...messages: ClientMessage[]): void {
    this.wire.receivedBytes += 1;
    this.#session.receive(messages);
  }

  /** The socket is gone; with a close code that the client sent. */
  drop(code?: number): void {
    this.#session.socketClosed(code);
  }
}

/** How a bench differs from the plainest one. */
export interface SessionBenchOptions {
  readonly types: Readonly<Record<string, DocumentType>>;
  readonly store: DocumentStore;
  readonly identify?: (token: string) => Identified | undefined;
  readonly handlerFailed?: HostReport["handlerFailed"];
  readonly channels?: Readonly<Record<string, ChannelRules>>;
  /** Types that are no author's, besides. */
  readonly resolved?: ReadonlyMap<string, ResolvedType>;
  /** Put between the sessions and the documents: planted bugs. */
  readonly wrapDocuments?: ((documents: Documents) => Documents) | undefined;
  /** For servers that follow one another in one time. */
  readonly runtime?: VirtualRuntime;
  /** Instead of `identify`, for checks that take their time. */
  readonly check?: IdentityCheck;
}

/** A server without sockets. */
export class SessionBench {
  readonly runtime: VirtualRuntime;
  readonly documents: LocalDocuments;
  readonly registry = new SessionRegistry();
  readonly fanOuts: FanOuts;
  readonly #session: (wire: Wire) => Session;

  constructor(options: SessionBenchOptions) {
    const { types, store, identify, check, handlerFailed = quiet, runtime = new VirtualRuntime() } = options;
    this.runtime = runtime;
    const fanOuts = new FanOuts(runtime);
    this.fanOuts = fanOuts;
    const resolved = new Map(Object.entries(types).map(([name, type]) => [name, resolveType(type)]));
    for (const [name, type] of options.resolved ?? []) resolved.set(name, type);
    resolved.set(CHANNEL_TYPE, channelType(resolveChannels(options.channels)));
    const report = { handlerFailed, documentUnreadable: quiet, commitLost: quiet, loadFailed: quiet };
    const audience = fanOuts.create.bind(fanOuts);
    this.documents = new LocalDocuments({ types: resolved, store, runtime, audience, report, idleMs: 60_000 });
    const parts = {
      runtime,
      documents: options.wrapDocuments?.(this.documents) ?? this.documents,
      fanOuts,
      flusher: new Flusher(runtime),
      registry: this.registry,
      identify: check ?? (async (token: string) => (identify ?? this.#anybody)(token)),
      serverId: "bench",
      pingIntervalMs: LIMITS.pingIntervalMs,
      watchdogMs: LIMITS.watchdogMs,
    };
    this.#session = (wire) => new Session(parts, wire);
  }

  /** A socket that has said nothing. */
  connect(codec: Codec = jsonCodec): BenchClient {
    const wire = new BenchWire(codec);
    return new BenchClient(wire, this.#session(wire));
  }

  /** The session behind a socket of the test's own. */
  accept(wire: Wire): Session {
    return this.#session(wire);
  }

  /** A client that was welcomed. */
  async greeted(token: string, options: { client?: string; conn?: number; codec?: Codec } = {}): Promise<BenchClient> {
    const client = this.connect(options.codec);
    client.say(hello(token, options));
    await this.settle();
    client.wire.take();
    return client;
  }

  settle(): Promise<void> {
    return this.runtime.settle();
  }

  readonly #anybody = (token: string): Identified | undefined => {
    const principal: Principal = { id: token, roles: [], claims: {} };
    return token === "" ? undefined : { principal, space: "", expiresAt: this.runtime.now() + 3_600_000 };
  };
}

/** A greeting. */
export function hello(token: string, { client = "ab".repeat(16), conn = 1 } = {}): ClientMessage {
  return ["hello", { v: 1, token, client, conn, sdk: "bench/1", caps: [] }];
}

/** A call of a message. */
export function call(
  n: number,
  target: number | string,
  name: string,
  input: Json,
  extension: object = {},
): ClientMessage {
  return ["c", n, target, name, input, { born: 1_700_000_000_000, low: 1, ...extension }];
}

const quiet = (): void => undefined;
