// One connection of the load to a peer: a WebSocket, or bare TCP with messages of the peer's own form. All read into one
// buffer, since a load that copies is busy before the server is.
import { connect, type Socket } from "node:net";
import type { Framed } from "./speaker.js";

const READ_BUFFER = Buffer.alloc(1 << 18);
/** Fixed: a load has no cache to protect, and the server unmasks all the same. */
const MASK = Buffer.from([0x5a, 0xc3, 0x96, 0x3c]);
const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const NOTHING = Buffer.alloc(0);

/** What the owner of a connection hears. */
export interface ConnectionEvents {
  open(): void;
  /** The bytes are gone when it returns. */
  message(bytes: Buffer): void;
  closed(why: string): void;
}

/** Finds messages of a peer that speaks no WebSocket. */
export type FrameFinder = (bytes: Buffer, from: number, to: number) => Framed | undefined;

/** To a server on this machine. */
export class Connection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #frame: FrameFinder | undefined;
  #rest: Buffer = NOTHING;
  #isUpgraded: boolean;
  #isClosed = false;

  constructor(
    port: number,
    how: { readonly path: string } | { readonly frame: FrameFinder },
    events: ConnectionEvents,
  ) {
    this.#events = events;
    this.#frame = "frame" in how ? how.frame : undefined;
    this.#isUpgraded = "frame" in how;
    const onread = {
      buffer: READ_BUFFER,
      callback: (length: number): boolean => {
        this.#read(length);
        return true;
      },
    };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread }, () => {
      if ("path" in how) this.#upgrade(how.path, port);
      else events.open();
    });
    this.#socket.on("error", (error) => this.#close(error.message));
    this.#socket.on("close", () => this.#close("the server hung up"));
  }

  send(message: string | Uint8Array): void {
    if (this.#frame !== undefined) this.#socket.write(message);
    else if (typeof message === "string") this.#socket.write(masked(OPCODE.text, Buffer.from(message)));
    else this.#socket.write(masked(OPCODE.binary, message));
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #close(why: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.closed(why);
  }

  #upgrade(path: string, port: number): void {
    const lines = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, "Upgrade: websocket", "Connection: Upgrade"];
    lines.push("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13");
    this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  }

  #read(length: number): void {
    const whole = READ_BUFFER.subarray(0, length);
    const bytes = this.#rest.length === 0 ? whole : Buffer.concat([this.#rest, whole]);
    let from = 0;
    if (!this.#isUpgraded) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end >= 0 && !bytes.toString("latin1", 0, 12).endsWith("101")) return this.#close("no upgrade");
      if (end >= 0) {
        this.#isUpgraded = true;
        from = end + 4;
        this.#events.open();
      }
    }
    while (this.#isUpgraded && from < bytes.length) {
      const took =
        this.#frame === undefined ? this.#webSocketFrame(bytes, from) : this.#ownFrame(this.#frame, bytes, from);
      if (took === 0) break;
      from += took;
    }
    this.#rest = from === bytes.length ? NOTHING : Buffer.from(bytes.subarray(from));
  }

  #ownFrame(frame: FrameFinder, bytes: Buffer, at: number): number {
    const found = frame(bytes, at, bytes.length);
    if (found === undefined) return 0;
    this.#events.message(bytes.subarray(found.from, found.to));
    return found.end - at;
  }

  /** The bytes that it took; 0 while it is incomplete (RFC 6455, section 5.2). */
  #webSocketFrame(bytes: Buffer, at: number): number {
    if (bytes.length - at < 2) return 0;
    let [head, length] = [2, (bytes[at + 1] ?? 0) & 127];
    if (length === 126) {
      if (bytes.length - at < 4) return 0;
      [head, length] = [4, bytes.readUInt16BE(at + 2)];
    } else if (length === 127) {
      if (bytes.length - at < 10) return 0;
      [head, length] = [10, Number(bytes.readBigUInt64BE(at + 2))];
    }
    const from = at + head;
    if (bytes.length < from + length) return 0;
    const payload = bytes.subarray(from, from + length);
    const opcode = (bytes[at] ?? 0) & 15;
    if (opcode === OPCODE.ping) this.#socket.write(masked(OPCODE.pong, payload));
    else if (opcode === OPCODE.close) this.#close(`the server closed: ${payload.toString("utf8", 2)}`);
    else if (opcode !== OPCODE.pong) this.#events.message(payload);
    return head + length;
  }
}

function masked(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + 4 + length);
  frame[0] = 0x80 | opcode;
  if (head === 2) frame[1] = 0x80 | length;
  else if (head === 4) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(MASK, head);
  for (let i = 0; i < length; i++) frame[head + 4 + i] = (payload[i] ?? 0) ^ (MASK[i & 3] ?? 0);
  return frame;
}
