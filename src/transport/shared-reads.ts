// Where reads land. Left to itself, Node allocates 64 KiB for every read of every socket, shrinks it to what came and
// leaves it to the collector; here all sockets read into one buffer, because nothing that comes is kept.
import { Socket } from "node:net";

/** Takes the first `length` bytes of `chunk`, which are lent: it may write to them, and must not keep them. */
export type Reads = (chunk: Buffer, length: number) => void;

const BUFFER = Buffer.allocUnsafeSlow(64 * 1_024);

/**
 * The same connection as a socket whose reads go to `reads`; the one given is used up. Node has an option for it, but
 * only for sockets that one makes oneself, so the connection moves from the socket that the HTTP server made. A socket
 * of any other kind stays what it is, and its chunks are passed on.
 */
export function withSharedReads(tcp: Socket, reads: Reads): Socket {
  const handle: unknown = Reflect.get(tcp, HANDLE);
  if (tcp.constructor !== Socket || typeof handle !== "object" || handle === null) {
    return tcp.on("data", (chunk: Buffer) => reads(chunk, chunk.length));
  }
  Reflect.set(tcp, HANDLE, null);
  const moved = new Socket(optionsFor(handle, reads));
  // An empty shell now, of which the HTTP server is told that it is gone.
  tcp.destroy();
  // Nothing is ever queued to be read: this is for the end to be heard.
  return moved.resume();
}

/** Where a socket of Node keeps its connection: not documented, and the same since its first versions. */
const HANDLE = "_handle";

// `handle` is what Node's own servers pass.
const optionsFor = (handle: object, reads: Reads) => ({
  handle,
  allowHalfOpen: true,
  onread: {
    buffer: BUFFER,
    callback(length: number): boolean {
      reads(BUFFER, length);
      return true;
    },
  },
});
