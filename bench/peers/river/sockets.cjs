// Peer of the channel scenarios, its socket server: socket.io 2 with rooms as channels over Redis, a token within 15 s.
// `subscribe` follows a channel; `presence-subscribe` also tells everybody who is there.
const http = require("node:http");
const jwt = require("jsonwebtoken");
const socketIo = require("socket.io");
const socketIoRedis = require("socket.io-redis");
const socketIoJwt = require("socketio-jwt");

const { RIVER_SECRET: secret, RIVER_REDIS_PORT: redisPort } = process.env;
const server = http.createServer();
const io = socketIo(server, { pingTimeout: 60_000 });
io.adapter(socketIoRedis({ host: "127.0.0.1", port: Number(redisPort) }));

io.sockets.on("connection", socketIoJwt.authorize({ secret, timeout: 15_000 })).on("authenticated", (socket) => {
  socket.on("subscribe", (channel) => socket.join(channel));
  socket.on("presence-subscribe", (channel) => {
    socket.join(channel);
    socket.broadcast.to(channel).emit("event", `Someone joined channel ${channel}`);
  });
});

server.listen(0, "127.0.0.1", 8192, () => {
  console.log(`token ${jwt.sign({ sub: "load" }, secret, { expiresIn: "1h" })}`);
  console.log(`sockets on 127.0.0.1:${server.address().port}`);
});
