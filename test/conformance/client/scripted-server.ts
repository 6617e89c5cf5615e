// A real WebSocket server that says what a dialogue tells it to. By itself it accepts sockets and answers the client's
// pings; everything else is the dialogue's.
import type { IncomingMessage } from "node:http";
import { type Codec, type Json, SOCKET_PATH } from "@tidemark/protocol";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import type { Changes } from "../dialogue/changes.js";
import { Failure } from "../dialogue/failure.js";
import { frameOf, messagesOf, type RawFrame, rawFrame } from "../dialogue/frames.js";
import { isObject } from "../dialogue/names.js";
import { shown } from "../dialogue/pattern.js";
import { ClientRules, ConnectionRules } from "./client-rules.js";

const TRANSCRIPT_LINES = 16;

/** Keeps what was said and heard last. */
export class Transcript {
  readonly lines: string[] = [];

  note(line: string): void {
    this.lines.push(line);
    if (this.lines.length > TRANSCRIPT_LINES) this.lines.shift();
  }
}

/** Everything that connections of one run share. */
interface Shared {
  readonly codec: Codec;
  readonly changes: Changes;
  readonly transcript: Transcript;
  fault: Error | undefined;
}

/** One socket of the client that is driven. */
export class ClientConnection {
  /** When it was made, on the monotonic clock. */
  readonly sinceMs = systemRuntime.monotonicMs();
  readonly #socket: WebSocket;
  readonly #shared: Shared;
  readonly #rules: ConnectionRules;
  readonly #number: number;
  readonly #heard: Json[] = [];
  readonly #pongs: Json[] = [];
  readonly #reports: Json[] = [];
  #closed = false;
  #mute = false;

  constructor(
    socket: WebSocket,
    { shared, rules, number }: { shared: Shared; rules: ConnectionRules; number: number },
  ) {
    this.#socket = socket;
    this.#shared = shared;
    this.#rules = rules;
    this.#number = number;
    socket.on("message", (data: RawData, isBinary: boolean) => this.#frame(data, isBinary));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#closed = true;
      shared.changes.tell();
    });
  }

  get open(): boolean {
    return !this.#closed;
  }

  /** The next message that is no heartbeat. */
  take(): Json | undefined {
    return this.#heard.shift();
  }

  /** The next pong. */
  takePong(): Json | undefined {
    return this.#pongs.shift();
  }

  /** The next ping with `stats`. */
  takeReport(): Json | undefined {
    return this.#reports.shift();
  }

  say(messages: readonly (readonly Json[])[]): void {
    for (const message of messages) {
      const [type, about] = message;
      if (type === "welcome") this.#rules.welcomed();
      if (type === "ended" && isObject(about) && typeof about["s"] === "number") this.#rules.ended(about["s"]);
      this.#note(">", message);
    }
    this.#socket.send(frameOf(this.#shared.codec, messages));
  }

  sayFrame(frame: RawFrame): void {
    this.#note(">", "a frame as it is");
    this.#socket.send(rawFrame(this.#shared.codec, frame), { binary: this.#shared.codec.binary });
  }

  close(code: number): void {
    this.#note(">", `close ${code}`);
    this.#socket.close(code);
  }

  /** Answers no ping any more. */
  mute(): void {
    this.#mute = true;
  }

  cut(): void {
    this.#socket.terminate();
  }

  #frame(data: RawData, isBinary: boolean): void {
    try {
      for (const raw of messagesOf(this.#shared.codec, data, isBinary)) {
        this.#note("<", raw);
        this.#sort(this.#rules.heard(raw)[0], raw);
      }
    } catch (error) {
      // A bug of the runner too: thrown here it would end in the socket.
      this.#shared.fault ??= error instanceof Error ? error : new TypeError(String(error));
    }
    this.#shared.changes.tell();
  }

  #sort(type: string, raw: Json): void {
    if (type === "pong") this.#pongs.push(raw);
    else if (type === "ping") this.#ping(raw);
    else this.#heard.push(raw);
  }

  #ping(ping: Json): void {
    const [, k, , more] = Array.isArray(ping) ? ping : [];
    if (isObject(more) && more["stats"] !== undefined) this.#reports.push(ping);
    if (this.open && !this.#mute) this.#socket.send(frameOf(this.#shared.codec, [["pong", k ?? 0, []]]));
  }

  #note(direction: string, message: Json): void {
    this.#shared.transcript.note(`${this.#number} ${direction} ${shown(message)}`);
  }
}

/** Accepts the sockets of one client. */
export class ScriptedServer {
  readonly #shared: Shared;
  readonly #rules = new ClientRules();
  readonly #server: WebSocketServer;
  readonly #accepted: ClientConnection[] = [];
  readonly #all: ClientConnection[] = [];
  #refusals = 0;

  private constructor(shared: Shared) {
    this.#shared = shared;
    this.#server = new WebSocketServer({
      port: 0,
      host: "127.0.0.1",
      verifyClient: (_request, answer) => this.#admit(answer),
      handleProtocols: (offered) => offered.has(shared.codec.subprotocol) && shared.codec.subprotocol,
    });
    this.#server.on("connection", (socket, request) => this.#connection(socket, request));
  }

  /** Listens on a free port of this machine. */
  static async listen(options: { codec: Codec; changes: Changes; transcript: Transcript }): Promise<ScriptedServer> {
    const server = new ScriptedServer({ ...options, fault: undefined });
    await new Promise((resolve) => server.#server.once("listening", resolve));
    return server;
  }

  /** `ws://127.0.0.1:port`. */
  get url(): string {
    const address = this.#server.address();
    return `ws://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  /** What the client did that no client may. */
  get fault(): Error | undefined {
    return this.#shared.fault;
  }

  /** The next connection that nobody has asked for yet. */
  take(): ClientConnection | undefined {
    return this.#accepted.shift();
  }

  /** Turns the next upgrades away, as an overloaded server does. */
  refuse(upgrades: number): void {
    this.#refusals = upgrades;
  }

  async close(): Promise<void> {
    for (const connection of this.#all) connection.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #admit(answer: (ok: boolean, code?: number, message?: string, headers?: { "Retry-After": string }) => void): void {
    if (this.#refusals === 0) return answer(true);
    this.#refusals -= 1;
    this.#shared.transcript.note("an upgrade was refused with 503");
    answer(false, 503, "busy", { "Retry-After": "1" });
  }

  #connection(socket: WebSocket, { url }: IncomingMessage): void {
    const { codec } = this.#shared;
    if (url !== SOCKET_PATH || socket.protocol !== codec.subprotocol) {
      const expected = `a socket at ${SOCKET_PATH} under ${codec.subprotocol}`;
      this.#shared.fault ??= new Failure({ rule: "FRAME-1", expected, came: `${url} under "${socket.protocol}"` });
    }
    const parts = { shared: this.#shared, rules: new ConnectionRules(this.#rules), number: this.#all.length + 1 };
    const connection = new ClientConnection(socket, parts);
    this.#all.push(connection);
    this.#accepted.push(connection);
    this.#shared.changes.tell();
  }
}
