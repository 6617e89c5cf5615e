// Where reads land. Left to itself, Node allocates 64 KiB for every read of every socket, shrinks it to what came and
// leaves it to the collector; here all sockets read into one buffer, because nothing that comes is kept.
import { Socket } from "node:net";

/** Hears what comes in on one socket. */
export interface ChunkReader {
  /** Takes the first `length` bytes of `chunk`, which are lent: it may write to them, and must not keep them. */
  read(chunk: Buffer, length: number): void;
}

const BUFFER = Buffer.allocUnsafeSlow(64 * 1_024);

/** A socket whose reads land in the buffer of all. What it is told of has a field, not a function each: there are as many as
 * connections. */
class SharedReadsSocket extends Socket {
  reader: ChunkReader | undefined = undefined;
  owner: unknown = undefined;
}

/**
 * The same connection as a socket whose reads share a buffer; the one given is used up. Node has an option for it, but
 * only for sockets that one makes oneself, so the connection moves from the socket that the HTTP server made. A socket
 * of any other kind stays what it is.
 */
export function withSharedReads(tcp: Socket): Socket {
  const handle: unknown = Reflect.get(tcp, HANDLE);
  if (tcp.constructor !== Socket || typeof handle !== "object" || handle === null) return tcp;
  Reflect.set(tcp, HANDLE, null);
  const moved = new SharedReadsSocket(optionsFor(handle));
  // An empty shell now, of which the HTTP server is told that it is gone.
  tcp.destroy();
  // Nothing is ever queued to be read: this is for the end to be heard.
  return moved.resume();
}

/** Says who hears what comes in, before anything can; of a socket of another kind the chunks are passed on. */
export function readWith(tcp: Socket, reader: ChunkReader): void {
  if (tcp instanceof SharedReadsSocket) tcp.reader = reader;
  else tcp.on("data", (chunk: Buffer) => reader.read(chunk, chunk.length));
}

/** Whether this is Node's own TCP socket, with nothing between it and the kernel. */
export const isPlain = (tcp: object): boolean => tcp.constructor === Socket || tcp.constructor === SharedReadsSocket;

/** Where a socket of Node keeps its connection: not documented, and the same since its first versions. */
const HANDLE = "_handle";

// `handle` is what Node's own servers pass.
const optionsFor = (handle: object) => ({ handle, allowHalfOpen: true, onread: { buffer: BUFFER, callback: passOn } });

/** Node calls it on the socket: one function does for all of them. */
function passOn(this: unknown, length: number): boolean {
  if (this instanceof SharedReadsSocket) this.reader?.read(BUFFER, length);
  return true;
}
