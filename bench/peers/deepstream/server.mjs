// Peer of fan-outs and calls: deepstream with a record for each document, in memory.

import { createServer } from "node:net";
import deepstream from "@deepstream/server";

/** It takes a port, and does not say which it found. */
function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const port = await freePort();
const server = new deepstream.Deepstream({
  showLogo: false,
  logLevel: "OFF",
  telemetry: { type: "deepstreamIO", options: { enabled: false } },
  permission: { type: "none", options: {} },
  httpServer: { type: "default", options: { host: "127.0.0.1", port } },
  connectionEndpoints: [{ type: "ws-binary", options: { urlPath: "/deepstream", heartbeatInterval: 30_000 } }],
});
server.on("started", () => console.log(`deepstream on 127.0.0.1:${port}`));
server.start();
