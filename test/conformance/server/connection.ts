// One connection to the server that is driven: says what it is told, answers pings, keeps what came in order, and holds
// the standing rules over all of it.
import { type Codec, type Json, SOCKET_PATH } from "@tidemark/protocol";
import { type RawData, WebSocket } from "ws";
import { Changes } from "../dialogue/changes.js";
import { Failure } from "../dialogue/failure.js";
import { frameOf, type RawFrame, rawFrame, receivedOf } from "../dialogue/frames.js";
import { shown } from "../dialogue/pattern.js";
import type { KnownStates } from "./known-states.js";
import { Parts } from "./parts.js";
import { StandingRules } from "./standing-rules.js";

/** Nothing listens at the address, or it does not let us in. */
export class NoServer extends Error {
  override readonly name = "NoServer";
}

const TRANSCRIPT_LINES = 12;
/** A fence's pings; a dialogue's own have small numbers. */
const FENCE_FROM = 1_000_000_000;
const STREAM_TYPES: readonly (Json | undefined)[] = ["snap", "d"];

/** A socket to the server. */
export class ServerConnection {
  readonly rules: StandingRules;
  readonly #codec: Codec;
  readonly #parts: Parts;
  readonly #socket: WebSocket;
  readonly #patienceMs: number;
  readonly #changes = new Changes();
  readonly #heard: Json[] = [];
  readonly #pings: Json[] = [];
  readonly #pongs = new Set<number>();
  readonly #transcript: string[] = [];
  readonly #forbidden: string[] = [];
  #fault: Error | undefined;
  #closedCode: number | undefined;
  #fences = FENCE_FROM;
  #mute = false;

  private constructor(socket: WebSocket, { codec, known, patienceMs }: ConnectionOptions) {
    this.#socket = socket;
    this.#codec = codec;
    this.#parts = new Parts(codec);
    this.#patienceMs = patienceMs;
    this.rules = new StandingRules(known);
    socket.on("message", (data: RawData, isBinary: boolean) => this.#frame(data, isBinary));
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.#closedCode = code;
      this.#changes.tell();
    });
  }

  /** Opens a socket. Rejects with NoServer. */
  static open(options: ConnectionOptions): Promise<ServerConnection> {
    const address = new URL(SOCKET_PATH, options.url);
    const socket = new WebSocket(address, options.codec.subprotocol, { handshakeTimeout: options.patienceMs });
    return new Promise((resolve, reject) => {
      const connection = new ServerConnection(socket, options);
      socket.once("open", () => resolve(connection));
      socket.once("error", ({ message }) => reject(new NoServer(`no server at ${address.href}: ${message}`)));
    });
  }

  /** What was said and heard last, the newest at the end. */
  get transcript(): readonly string[] {
    return this.#transcript;
  }

  /** It can say and hear. */
  get open(): boolean {
    return this.#closedCode === undefined;
  }

  say(messages: readonly (readonly Json[])[]): void {
    for (const message of messages) {
      this.#note(">", message);
      this.rules.said(message);
    }
    this.#socket.send(frameOf(this.#codec, messages));
  }

  sayFrame(frame: RawFrame): void {
    const bytes = rawFrame(this.#codec, frame);
    this.#note(">", this.#codec.binary ? `bytes ${frame.msgpack}` : `text ${frame.json}`);
    this.#socket.send(bytes, { binary: this.#codec.binary });
  }

  /** The next message that is neither of a stream nor a ping. */
  async hear(expected: string): Promise<Json> {
    const heard = await this.until(() => this.#heard.shift() ?? this.#ifClosed(expected));
    return heard ?? this.#silence(expected);
  }

  /** The next ping that comes from now on. */
  async hearPing(expected: string, pingMs: number): Promise<Json> {
    this.#pings.length = 0;
    const heard = await this.until(() => this.#pings.shift() ?? this.#ifClosed(expected), 2 * pingMs);
    return heard ?? this.#silence(expected);
  }

  /** The server has closed it; resolves with the code once everything before it was heard. */
  async closed(moreMs: number): Promise<number> {
    const code = await this.until(() => this.#closedCode, moreMs);
    return code ?? this.#silence("a close");
  }

  /** Everything that was under way has come, and nothing of it is left unheard. */
  async fence(): Promise<void> {
    this.#fences += 1;
    const k = this.#fences;
    this.#socket.send(frameOf(this.#codec, [["ping", k, []]]));
    const passed = await this.until(() => this.#pongs.has(k) || this.#ifClosed(`a pong with k ${k}`));
    if (passed === undefined) throw new Failure({ rule: "HEAD-2", expected: `a pong with k ${k}`, came: "nothing" });
    this.nothingLeft();
  }

  /** Nothing came that the dialogue did not hear. */
  nothingLeft(): void {
    if (this.#fault !== undefined) throw this.#fault;
    const [left] = this.#heard;
    if (left !== undefined) throw new Failure({ expected: "nothing more", came: shown(left) });
  }

  get muted(): boolean {
    return this.#mute;
  }

  /** These texts may be in nothing that comes from now on. */
  forbid(texts: readonly string[]): void {
    this.#forbidden.push(...texts);
  }

  /** Answers no ping any more. */
  mute(): void {
    this.#mute = true;
  }

  /** Ends it without a word. */
  cut(): void {
    this.#socket.terminate();
  }

  /** Waits; throws as soon as something came that breaks a standing rule. */
  until<Found>(look: () => Found | undefined, moreMs = 0): Promise<Found | undefined> {
    const guarded = (): Found | undefined => {
      if (this.#fault !== undefined) throw this.#fault;
      return look();
    };
    return this.#changes.until(guarded, this.#patienceMs + moreMs);
  }

  #frame(data: RawData, isBinary: boolean): void {
    try {
      const messages = this.#parts.whole(receivedOf(this.#codec, data, isBinary));
      for (const message of messages) {
        this.#note("<", message);
        this.#mayHear(message);
      }
      for (const message of this.rules.heard(messages)) this.#sort(message);
    } catch (error) {
      // A bug of the runner too: thrown here it would end in the socket.
      this.#fault ??= error instanceof Error ? error : new TypeError(String(error));
    }
    this.#changes.tell();
  }

  #mayHear(message: Json): void {
    if (this.#forbidden.length === 0) return;
    const said = JSON.stringify(message);
    const text = this.#forbidden.find((each) => said.includes(each));
    if (text !== undefined) throw new Failure({ expected: `nothing that holds ${shown(text)}`, came: shown(message) });
  }

  #sort(message: Json): void {
    const [type, k, heads] = Array.isArray(message) ? message : [];
    if (STREAM_TYPES.includes(type)) return;
    if (type === "ping") {
      this.#pings.push(message);
      if (this.open && !this.#mute) this.#socket.send(frameOf(this.#codec, [["pong", k ?? 0, heads ?? []]]));
    } else if (type === "pong" && typeof k === "number" && k > FENCE_FROM) this.#pongs.add(k);
    else this.#heard.push(message);
  }

  #ifClosed(expected: string): undefined {
    if (this.#closedCode === undefined) return undefined;
    throw new Failure({ expected, came: `the connection closed with ${this.#closedCode}` });
  }

  #silence(expected: string): never {
    throw new Failure({ expected, came: `nothing within ${this.#patienceMs} ms` });
  }

  #note(direction: string, message: Json): void {
    this.#transcript.push(`${direction} ${shown(message)}`);
    if (this.#transcript.length > TRANSCRIPT_LINES) this.#transcript.shift();
  }
}

/** What a connection needs. */
export interface ConnectionOptions {
  readonly url: string;
  readonly codec: Codec;
  readonly known: KnownStates;
  readonly patienceMs: number;
}
