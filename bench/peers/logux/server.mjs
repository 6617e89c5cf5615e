// Peer of fan-outs and calls: a Logux server with a channel for each document. A change is sent to the channel and answered
// when it was processed; it is kept in memory.

import { createServer } from "node:http";
import { Server } from "@logux/server";

const http = createServer();
await new Promise((resolve) => http.listen(0, "127.0.0.1", 4096, resolve));
const server = new Server({
  subprotocol: 1,
  minSubprotocol: 1,
  server: http,
  logger: { info() {}, warn() {}, error() {}, fatal: console.error },
});
server.auth(() => true);
server.channel(/^sheet-\d+$/, { access: () => true });
server.type("change", {
  access: () => true,
  resend: (_context, { sheet }) => `sheet-${sheet}`,
  process() {},
});
await server.listen();
console.log(`logux on 127.0.0.1:${http.address().port}`);
