// Peer of fan-outs and calls: a Colyseus room for each document. A change is broadcast to the room and answered; it is kept
// nowhere.
import { createServer } from "node:http";
import { Room, Server } from "@colyseus/core";
import { WebSocketTransport } from "@colyseus/ws-transport";

class Sheet extends Room {
  maxClients = 100_000;
  maxMessagesPerSecond = Number.POSITIVE_INFINITY;

  onCreate() {
    this.onMessage("hello", (client) => client.send("welcome", ""));
    this.onMessage("change", (client, text) => {
      this.broadcast("change", text);
      client.send("ack", text);
    });
  }
}

const server = createServer();
const game = new Server({ transport: new WebSocketTransport({ server }), greet: false });
game.define("sheet", Sheet).filterBy(["document"]);
await game.listen(0, "127.0.0.1", 4096);
console.log(`colyseus on 127.0.0.1:${server.address().port}`);
