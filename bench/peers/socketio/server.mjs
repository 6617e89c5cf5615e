// Peer of fan-outs and calls: socket.io 4 with a room for each document. A change is broadcast to the room and answered; it
// is kept nowhere.
import { createServer } from "node:http";
import { Server } from "socket.io";

const server = createServer();
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
io.on("connection", (socket) => {
  socket.on("join", (room, answer) => {
    socket.join(room);
    answer();
  });
  socket.on("change", (room, text, answer) => {
    io.to(room).emit("change", text);
    answer();
  });
});
server.listen(0, "127.0.0.1", 4096, () => console.log(`socket.io on 127.0.0.1:${server.address().port}`));
