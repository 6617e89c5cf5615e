// The floor of a fan-out from one Node process: bare `net` sockets, the bytes of so many deltas built once, one write
// for each socket and round. It speaks just enough HTTP to be upgraded, and stops when a reader falls behind.
import { createServer } from "node:net";

const BACKLOG_BYTES = 256 * 1024;
const expected = Number(process.argv[2]);
const delta = Buffer.from(process.argv[3]);
const framesPerWrite = Number(process.argv[4]);
const header = delta.length < 126 ? Buffer.from([0x81, delta.length]) : Buffer.from([0x81, 126, 0, 0]);
if (delta.length >= 126) header.writeUInt16BE(delta.length, 2);
const burst = Buffer.concat(Array(framesPerWrite).fill([header, delta]).flat());
const UPGRADED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

const sockets = [];
function round() {
  for (const socket of sockets) socket.write(burst);
  // Waits until the slowest has drained, as a server with bounded queues does.
  if (sockets.some((socket) => socket.writableLength > BACKLOG_BYTES)) setTimeout(round, 1);
  else setImmediate(round);
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => process.exit(0));
  socket.once("data", () => {
    socket.write(UPGRADED);
    if (sockets.push(socket) === expected) setTimeout(round, 200);
  });
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () =>
  console.log(`raw loop on 127.0.0.1:${server.address().port}`),
);
