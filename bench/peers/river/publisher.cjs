// Peer of the channel scenarios, its back channel: an API key, then straight to Redis.
const express = require("express");
const emitter = require("socket.io-emitter")({ host: "127.0.0.1", port: Number(process.env.RIVER_REDIS_PORT) });

const app = express();
app.use(express.json());
app.post("/publish", (request, response) => {
  if (request.get("x-api-key") !== process.env.RIVER_SECRET) return response.status(403).json({ message: "Forbidden" });
  const { channel, event, data } = request.body;
  emitter.to(channel).emit(event, { channel, data });
  return response.json({ published: true });
});
const server = app.listen(0, "127.0.0.1", () => console.log(`publisher on 127.0.0.1:${server.address().port}`));
