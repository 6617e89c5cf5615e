// Peer of fan-outs and calls: a bare ws server with rooms in memory, one `send` for each member and change, and an answer to
// each change when all were sent. It keeps nothing.
import { WebSocketServer } from "ws";

const rooms = new Map();
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", backlog: 4096, perMessageDeflate: false });

function handle(socket, [word, room, n, text]) {
  const members = rooms.get(room) ?? rooms.set(room, new Set()).get(room);
  if (word === "join") {
    members.add(socket);
    socket.on("close", () => members.delete(socket));
    socket.send(JSON.stringify(["joined"]));
  } else if (word === "change") {
    const change = JSON.stringify(["change", text]);
    for (const member of members) member.send(change);
    socket.send(JSON.stringify(["ack", n]));
  }
}

server.on("connection", (socket) => {
  socket.on("message", (frame) => handle(socket, JSON.parse(frame)));
  socket.on("error", () => {});
});
server.on("listening", () => console.log(`broadcast on 127.0.0.1:${server.address().port}`));
