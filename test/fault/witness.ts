// Reads in a trace what the clients were told: acknowledgements, and the highest seq of each document that any frame
// showed. It decodes server frames of the JSON wire by itself, so that an error in the codec cannot hide a loss.
import type { TraceEvent } from "./trace.js";

/** One acknowledged request. */
export interface Acknowledgement {
  /** Client id. */
  readonly client: string;
  readonly n: number;
  readonly epoch: number;
  readonly seq: number;
  /** JSON text; undefined: the handler returned nothing. */
  readonly result: string | undefined;
}

/** What whoever drove the server knows of a connection, by the port of the client's end. */
export interface Peer {
  /** Client id. */
  readonly client: string;
  /** `type/key` by subscription number. */
  readonly documents: ReadonlyMap<number, string>;
}

interface Connection {
  readonly peer: Peer;
  unread: Buffer;
  /** The HTTP answer to the upgrade comes first. */
  upgraded: boolean;
  readonly documents: Map<number, string>;
}

const HTTP_END = "\r\n\r\n";

/** Takes whole text frames off the front of what a connection has received; returns the rest. */
function takeFrames(unread: Buffer, frame: (text: string) => void): Buffer {
  for (;;) {
    const first = unread[0];
    const second = unread[1];
    if (first === undefined || second === undefined) return unread;
    const short = second & 0x7f;
    const header = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (unread.length < header) return unread;
    const size = short === 126 ? unread.readUInt16BE(2) : short === 127 ? Number(unread.readBigUInt64BE(2)) : short;
    if (unread.length < header + size) return unread;
    if ((first & 0x0f) === 1) frame(unread.toString("utf8", header, header + size));
    unread = unread.subarray(header + size);
  }
}

const isNumber = (value: unknown): value is number => typeof value === "number";
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** What had been told when the events fed so far had happened. */
export class Witness {
  readonly acknowledged: Acknowledgement[] = [];
  /** By document, the highest seq that a frame showed to anybody. */
  readonly seen = new Map<string, number>();
  /** Frames that were read; a test asserts that it is not 0. */
  frames = 0;
  readonly #peers: ReadonlyMap<number, Peer>;
  readonly #connections = new Map<number, Connection>();

  constructor(peers: ReadonlyMap<number, Peer>) {
    this.#peers = peers;
  }

  apply(event: TraceEvent): void {
    if (event.kind !== "send") return;
    let connection = this.#connections.get(event.port);
    if (connection === undefined) {
      const peer = this.#peers.get(event.port);
      if (peer === undefined) return; // Not one of ours: a health check.
      connection = { peer, unread: Buffer.alloc(0), upgraded: false, documents: new Map() };
      this.#connections.set(event.port, connection);
    }
    connection.unread = Buffer.concat([connection.unread, event.bytes]);
    this.#read(connection);
  }

  #read(connection: Connection): void {
    if (!connection.upgraded) {
      const end = connection.unread.indexOf(HTTP_END);
      if (end < 0) return;
      connection.upgraded = true;
      connection.unread = connection.unread.subarray(end + HTTP_END.length);
    }
    connection.unread = takeFrames(connection.unread, (text) => {
      this.frames += 1;
      const messages: unknown = JSON.parse(text);
      if (!Array.isArray(messages)) throw new Error(`not a frame of messages: ${text.slice(0, 80)}`);
      for (const message of messages) if (Array.isArray(message)) this.#message(connection, message);
    });
  }

  #message(connection: Connection, message: readonly unknown[]): void {
    const [type, first, second, third] = message;
    if (type === "ok") this.#ok(connection.peer.client, message);
    else if (type === "opened") this.#opened(connection, first);
    else if (type === "d" || type === "snap") this.#saw(connection.documents.get(Number(first)), third);
    else if ((type === "ping" || type === "pong") && Array.isArray(second)) {
      for (let at = 0; at + 2 < second.length; at += 3) this.#saw(connection.documents.get(second[at]), second[at + 2]);
    }
  }

  #ok(client: string, message: readonly unknown[]): void {
    const [, n, position, result] = message;
    if (!isNumber(n) || !Array.isArray(position)) return;
    const [epoch, seq] = position;
    if (!isNumber(epoch) || !isNumber(seq)) return;
    this.acknowledged.push({
      client,
      n,
      epoch,
      seq,
      result: result === undefined ? undefined : JSON.stringify(result),
    });
  }

  #opened(connection: Connection, body: unknown): void {
    if (!isRecord(body) || !isNumber(body.s) || !Array.isArray(body.h) || !Array.isArray(body.prev)) return;
    const document = connection.peer.documents.get(body.s);
    if (document === undefined) return;
    for (const handle of body.h) if (isNumber(handle)) connection.documents.set(handle, document);
    for (const seq of body.prev) this.#saw(document, seq);
  }

  #saw(document: string | undefined, seq: unknown): void {
    if (document === undefined || !isNumber(seq)) return;
    this.seen.set(document, Math.max(this.seen.get(document) ?? 0, seq));
  }
}
