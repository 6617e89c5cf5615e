// Peer of the acked-calls scenario: a bare ws server that sends every frame back. It is the ceiling for one request
// and one answer over this WebSocket library; it keeps nothing and knows nothing.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  backlog: 4096,
  perMessageDeflate: false,
  clientTracking: false,
});
server.on("connection", (socket) => {
  socket.on("message", (frame) => socket.send(frame, { binary: false }));
  socket.on("error", () => {});
});
server.on("listening", () => console.log(`echo on 127.0.0.1:${server.address().port}`));
