// A WebSocket client made by hand: it sends frames, or any other bytes, right or wrong, and keeps what comes back. It knows the
// form of frames (RFC 6455) and no rule of the protocol.
import { connect, type Socket } from "node:net";
import { type Codec, type Json, jsonCodec, LIMITS, SOCKET_PATH } from "@tidemark/protocol";

const MASK = Uint8Array.of(0x12, 0x34, 0x56, 0x78);
const FIN = 0x80;
const DECODE = { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax };

/** First bytes of frames. */
export const TEXT = FIN | 0x1;
export const BINARY = FIN | 0x2;
export const CLOSING = FIN | 0x8;
export const PING = FIN | 0x9;
export const PONG = FIN | 0xa;

/** A frame of a client. `announces`: what its head says of its length; `masked`: as a client must. */
export function frame(
  head: number,
  payload: string | Uint8Array = "",
  { announces, masked = true }: { readonly announces?: number | bigint; readonly masked?: boolean } = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const key = masked ? MASK : Uint8Array.of();
  const body = masked ? bytes.map((byte, index) => byte ^ (MASK[index % 4] ?? 0)) : bytes;
  return Buffer.concat([lengthOf(head, announces ?? bytes.length, masked), key, body]);
}

function lengthOf(head: number, length: number | bigint, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  if (length < 126) return Buffer.of(head, bit | Number(length));
  if (length < 65_536) return Buffer.of(head, bit | 126, Number(length) >> 8, Number(length) & 0xff);
  const bytes = Buffer.alloc(10);
  bytes.set([head, bit | 127]);
  bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}

/** How to ask for a socket. */
export interface Asking {
  readonly codec?: Codec;
  readonly path?: string;
  /** Lines beside those that a handshake must have; one with the name of one of those stands in for it. */
  readonly headers?: readonly string[];
}

/** What a server says to a handshake, up to the end of its head, and the connection. */
export async function ask(
  url: string,
  { codec = jsonCodec, path = SOCKET_PATH, headers = [] }: Asking = {},
): Promise<{ readonly answer: string; readonly tcp: Socket; readonly rest: Buffer }> {
  const { hostname, port, host } = new URL(url);
  const named = new Set(headers.map((line) => nameOf(line)));
  const usual = [
    ...[`Host: ${host}`, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    ...["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", `Sec-WebSocket-Protocol: ${codec.subprotocol}`],
  ].filter((line) => !named.has(nameOf(line)));
  const tcp = connect(Number(port), hostname);
  // What the other side resets, or how it ends, is seen by what was answered.
  tcp.on("error", () => undefined);
  tcp.write(`GET ${path} HTTP/1.1\r\n${[...usual, ...headers].join("\r\n")}\r\n\r\n`);
  let received: Buffer = Buffer.alloc(0);
  return new Promise((resolve) => {
    const answered = (): void => {
      const end = received.indexOf("\r\n\r\n");
      if (end < 0 && !tcp.destroyed && !tcp.readableEnded) return;
      tcp.off("data", more).off("close", answered).off("end", answered);
      const length = end < 0 ? received.length : end;
      resolve({ answer: received.toString("latin1", 0, length), tcp, rest: received.subarray(length + 4) });
    };
    const more = (bytes: Buffer): void => {
      received = Buffer.concat([received, bytes]);
      answered();
    };
    tcp.on("data", more).on("close", answered).on("end", answered);
  });
}

const nameOf = (line: string): string => line.slice(0, line.indexOf(":")).toLowerCase();

/** A socket. */
export class RawFrames {
  /** All messages that came. */
  readonly heard: Json[][] = [];
  /** Payloads of pongs. */
  readonly pongs: Buffer[] = [];
  /** The code of the server's close frame, once the connection is over; undefined: there was none. */
  readonly closed: Promise<number | undefined>;
  readonly tcp: Socket;
  readonly #codec: Codec;
  #received: Buffer = Buffer.alloc(0);
  #code: number | undefined = undefined;
  #isOver = false;
  readonly #waiting = new Set<() => void>();

  private constructor(tcp: Socket, codec: Codec) {
    this.tcp = tcp;
    this.#codec = codec;
    tcp.on("data", (bytes: Buffer) => this.#take(bytes));
    this.closed = new Promise((resolve) => {
      tcp.once("close", () => {
        this.#isOver = true;
        this.#tell();
        resolve(this.#code);
      });
    });
  }

  /** One that was let in by the handshake. Rejects with what was said instead. */
  static async open(url: string, asking: Asking = {}): Promise<RawFrames> {
    const { answer, tcp, rest } = await ask(url, asking);
    if (!answer.startsWith("HTTP/1.1 101 ")) throw new Error(`refused: ${answer}`);
    const socket = new RawFrames(tcp, asking.codec ?? jsonCodec);
    socket.#take(rest);
    return socket;
  }

  /** Sends bytes; resolves when the system has taken them, or never will. */
  send(...bytes: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.tcp.off("close", done);
        resolve();
      };
      this.tcp.once("close", done);
      if (this.tcp.writable) this.tcp.write(Buffer.concat(bytes), done);
      else done();
    });
  }

  /** Sends messages as one frame, whatever they are. */
  say(...messages: readonly Json[]): Promise<void> {
    if (this.#codec === jsonCodec) return this.send(frame(TEXT, JSON.stringify(messages)));
    const pieces = messages.map((message) => this.#codec.encode(message as never));
    return this.send(frame(BINARY, Buffer.concat(pieces.map((piece) => Buffer.from(piece)))));
  }

  /** Messages of a type. */
  of(type: string): Json[][] {
    return this.heard.filter(([first]) => first === type);
  }

  /** The first so many messages of a type, when they have come. Rejects when the connection ends before. */
  async hears(type: string, count = 1): Promise<Json[][]> {
    await this.#until(() => this.of(type).length >= count, `${count} ${type}`);
    return this.of(type);
  }

  /** The answer to call `n`. */
  async answer(n: number): Promise<Json[]> {
    const find = (): Json[] | undefined =>
      this.heard.find(([type, number]) => number === n && (type === "ok" || type === "no" || type === "unk"));
    await this.#until(() => find() !== undefined, `an answer to ${n}`);
    return find() ?? [];
  }

  /** Whatever was sent before has been looked at. */
  async settled(): Promise<void> {
    const before = this.of("pong").length;
    await this.say(["ping", before + 1, []]);
    await this.hears("pong", before + 1);
  }

  async ponged(count: number): Promise<void> {
    await this.#until(() => this.pongs.length >= count, `${count} pongs`);
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      if (this.#isOver)
        throw new Error(`closed with ${this.#code} without ${what}: ${JSON.stringify(this.heard.slice(-3))}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #tell(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #take(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    while (this.#frame());
    this.#tell();
  }

  /** Servers neither mask nor fragment. */
  #frame(): boolean {
    const bytes = this.#received;
    if (bytes.length < 2) return false;
    const short = bytes[1] ?? 0;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return false;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return false;
    this.#received = bytes.subarray(start + length);
    this.#heard(bytes[0] ?? 0, bytes.subarray(start, start + length));
    return true;
  }

  /** Nobody has to wait for the other side to be gone. */
  #answerClose(payload: Buffer): void {
    this.#code = payload.length < 2 ? undefined : payload.readUInt16BE(0);
    this.tcp.end(frame(CLOSING, payload.subarray(0, 2)));
  }

  #heard(head: number, payload: Buffer): void {
    if (head === PONG) this.pongs.push(Buffer.from(payload));
    else if (head === CLOSING) this.#answerClose(payload);
    else {
      const messages = this.#codec.decode(head === TEXT ? payload.toString() : payload, DECODE);
      this.heard.push(...messages.filter((message): message is Json[] => Array.isArray(message)));
    }
  }
}
