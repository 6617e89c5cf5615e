// Peer of the busy fan-out: the very server that is measured (its built documents, store and sessions), but with a
// `ws.send` for each message and socket, in a loop over the sockets for each message, as one writes it first. Only the
// socket's end is different: nothing is joined, nothing is framed once for all.
import { codecFor, jsonCodec, LIMITS, type Piece } from "@tidemark/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { makeAuthenticator } from "../../dist/auth/authenticator.js";
import { resolveApp } from "../../dist/document/definition/define-app.js";
import type { HostReport } from "../../dist/document/host-report.js";
import { LocalDocuments } from "../../dist/document/local-documents.js";
import { systemRuntime as runtime } from "../../dist/runtime/system-runtime.js";
import { FanOuts } from "../../dist/session/fan-out.js";
import { Flusher } from "../../dist/session/flusher.js";
import { Session } from "../../dist/session/session.js";
import type { SessionParts } from "../../dist/session/session-parts.js";
import { SessionRegistry } from "../../dist/session/session-registry.js";
import type { OutgoingFrame, Wire } from "../../dist/session/wire.js";
import { openSqliteStore } from "../../dist/storage/sqlite/sqlite-store.js";
import { hear } from "../../dist/transport/incoming.js";
import { app } from "../app.js";

/** The text of each message of a frame, made once: what is compared is the sending. */
const texts = new WeakMap<OutgoingFrame, readonly string[]>();

function textsOf(frame: OutgoingFrame): readonly string[] {
  const known = texts.get(frame);
  if (known !== undefined) return known;
  const made = frame.pieces.map((piece) => `[${String(piece)}]`);
  texts.set(frame, made);
  return made;
}

/** Goes round the sockets message by message. Without it a socket would get its sixteen at once, and most of what a send costs
 * is to come to another socket. */
class Rounds {
  #waiting: SendEachWire[] = [];

  add(wire: SendEachWire): void {
    if (this.#waiting.length === 0) runtime.microtask(this.#run);
    this.#waiting.push(wire);
  }

  readonly #run = (): void => {
    let left = this.#waiting;
    this.#waiting = [];
    while (left.length > 0) left = left.filter((wire) => wire.sendNext());
  };
}
const rounds = new Rounds();

class SendEachWire implements Wire {
  readonly codec = jsonCodec;
  readonly loopback = true;
  readonly #socket: WebSocket;
  #received = 0;
  #texts: string[] = [];
  #next = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      this.#received += data.length;
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  get receivedBytes(): number {
    return this.#received;
  }

  writeMessage(piece: Piece): void {
    this.#queue(`[${String(piece)}]`);
  }

  write(frames: readonly OutgoingFrame[]): void {
    for (const frame of frames) for (const text of textsOf(frame)) this.#queue(text);
  }

  /** False when that was the last. */
  sendNext(): boolean {
    const text = this.#texts[this.#next++];
    if (text !== undefined) this.#socket.send(text);
    if (this.#next < this.#texts.length) return true;
    this.#texts = [];
    this.#next = 0;
    return false;
  }

  #queue(text: string): void {
    if (this.#texts.length === 0) rounds.add(this);
    this.#texts.push(text);
  }

  close(code: number, reason: string): void {
    while (this.#texts.length > 0) this.sendNext();
    this.#socket.close(code, reason);
  }
}

function fail(...what: readonly unknown[]): never {
  console.error(...what);
  process.exit(1);
}
const report: HostReport = { handlerFailed: fail, documentUnreadable: fail, commitLost: fail, loadFailed: fail };

async function main(file: string): Promise<void> {
  const { types, authenticate } = resolveApp(app);
  const store = await openSqliteStore({ file, runtime, onEvent: () => undefined });
  const fanOuts = new FanOuts(runtime);
  const audience = fanOuts.create.bind(fanOuts);
  const parts: SessionParts = {
    runtime,
    fanOuts,
    documents: new LocalDocuments({ types, store, runtime, audience, report, idleMs: LIMITS.idleUnloadMs }),
    flusher: new Flusher(runtime),
    // Any number of connections: the load is one caller.
    registry: new SessionRegistry(0),
    identify: makeAuthenticator({ authenticate, devTokens: false, runtime, onFailed: fail }),
    serverId: "naive",
    pingIntervalMs: LIMITS.pingIntervalMs,
    watchdogMs: LIMITS.watchdogMs,
  };
  const server = new WebSocketServer({
    ...{ port: 0, host: "127.0.0.1", backlog: 4096, perMessageDeflate: false, skipUTF8Validation: true },
    handleProtocols: (offered) => [...offered].find((name) => codecFor(name) === jsonCodec) ?? false,
  });
  const onBug = (error: unknown): void => console.error(error);
  server.on("connection", (socket) => {
    const session = new Session(parts, new SendEachWire(socket));
    socket.on("message", (data: Buffer, isBinary) => hear(data, isBinary, { codec: jsonCodec, session, onBug }));
    socket.on("close", () => session.socketClosed());
    socket.on("error", () => undefined);
  });
  server.on("listening", () => {
    const address = server.address();
    console.log(`naive fan-out on 127.0.0.1:${typeof address === "object" ? address?.port : address}`);
  });
}

await main(process.argv[2] ?? fail("usage: naive-fanout FILE"));
