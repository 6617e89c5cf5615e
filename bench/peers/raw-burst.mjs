// The floor under coming back: bare sockets, each of which gets the same prepared bytes with one write when it asks.
// Started with how many bytes.
import { createHash } from "node:crypto";
import { createServer } from "node:net";

const bytes = Number(process.argv[2] ?? 1);
const FRAME_BYTES = 65_000;

function frame(length) {
  const head = length < 126 ? Buffer.from([0x81, length]) : Buffer.from([0x81, 126, length >> 8, length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(length, "x")]);
}

const frames = [];
for (let left = bytes; left > 0; left -= FRAME_BYTES) frames.push(frame(Math.min(left, FRAME_BYTES)));
const burst = Buffer.concat(frames);

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.once("data", (request) => {
    const key = /sec-websocket-key: (.+)\r\n/i.exec(String(request))?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    socket.write(`${[...lines, `Sec-WebSocket-Accept: ${accept}`].join("\r\n")}\r\n\r\n`);
    socket.on("data", () => socket.write(burst));
  });
});
server.listen(0, "127.0.0.1", () => console.log(`raw burst at 127.0.0.1:${server.address().port}`));
