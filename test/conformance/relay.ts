// Stands between two that speak Tidemark and alters what they say, so that the runner can be shown somebody who is wrong
// in one way. It forwards frames, closes and cuts; what is not altered passes as it came.
import { type Codec, codecFor, type Json, SOCKET_PATH } from "@tidemark/protocol";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { Failure } from "./dialogue/failure.js";
import { frameOf, messagesOf } from "./dialogue/frames.js";

/** A message: its type, then what there is. */
export type Message = readonly [type: Json, ...rest: Json[]];

/** What becomes of messages; one for each connection. What is left out passes. */
export interface Alteration {
  /** Of a message of the client. */
  readonly up?: (message: Message) => readonly Message[];
  /** Of a message of the server. */
  readonly down?: (message: Message) => readonly Message[];
  /** Of the server's frames: each message travels alone. */
  readonly split?: boolean;
  /** Of the server's close code. */
  readonly close?: (code: number) => number;
}

/** Alters connections from the first on; `index` counts them from 0. */
export type Alter = (index: number) => Alteration;

const isMessage = (value: Json): value is Message => Array.isArray(value) && value.length > 0;
const SENDABLE_FROM = 3_000;

/** A relay that listens. */
export class Relay {
  readonly #server: WebSocketServer;
  readonly #target: () => string;
  readonly #alter: Alter;
  readonly #sockets = new Set<WebSocket>();
  #connections = 0;

  private constructor(target: () => string, alter: Alter) {
    this.#target = target;
    this.#alter = alter;
    this.#server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: SOCKET_PATH });
    this.#server.on("connection", (inner) => this.#pair(inner));
  }

  /** Listens on a free port; `target` is asked for at each connection. */
  static async listen(target: () => string, alter: Alter): Promise<Relay> {
    const relay = new Relay(target, alter);
    await new Promise((resolve) => relay.#server.once("listening", resolve));
    return relay;
  }

  /** `ws://127.0.0.1:port`. */
  get url(): string {
    const address = this.#server.address();
    return `ws://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pair(inner: WebSocket): void {
    const { up, down, split = false, close } = this.#alter(this.#connections++);
    const codec = codecFor(inner.protocol);
    if (codec === undefined) return inner.terminate();
    const outer = new WebSocket(new URL(SOCKET_PATH, this.#target()), inner.protocol);
    const opened = new Promise((resolve) => outer.once("open", resolve));
    for (const socket of [inner, outer]) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
    }
    inner.on("message", (data, isBinary) => {
      const frames = altered(codec, { data, isBinary }, { alter: up });
      opened.then(() => pass(outer, frames)).catch(() => inner.terminate());
    });
    outer.on("message", (data, isBinary) => pass(inner, altered(codec, { data, isBinary }, { alter: down, split })));
    inner.on("close", (code) => end(outer, code));
    outer.on("close", (code) => end(inner, close?.(code) ?? code));
  }
}

interface Frame {
  readonly data: RawData | string | Uint8Array;
  readonly isBinary: boolean;
}

function altered(
  codec: Codec,
  { data, isBinary }: { readonly data: RawData; readonly isBinary: boolean },
  { alter, split = false }: { readonly alter: Alteration["up"]; readonly split?: boolean },
): readonly Frame[] {
  if (alter === undefined && !split) return [{ data, isBinary }];
  try {
    const messages = messagesOf(codec, data, isBinary)
      .filter(isMessage)
      .flatMap(alter ?? ((message) => [message]));
    const frames = split ? messages.map((message) => [message]) : [messages];
    return frames.flatMap((each) => (each.length === 0 ? [] : [{ data: frameOf(codec, each), isBinary }]));
  } catch (error) {
    if (error instanceof Failure) return [{ data, isBinary }];
    throw error;
  }
}

function pass(socket: WebSocket, frames: readonly Frame[]): void {
  for (const { data, isBinary } of frames) {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(Array.isArray(data) ? Buffer.concat(data) : data, { binary: isBinary });
  }
}

function end(socket: WebSocket, code: number): void {
  if (socket.readyState !== WebSocket.OPEN || code < SENDABLE_FROM) socket.terminate();
  else socket.close(code);
}
