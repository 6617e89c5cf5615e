// Peer of fan-outs and calls: Hocuspocus with its Yjs documents in memory; its own stores are written seconds later.
import { Server } from "@hocuspocus/server";

const server = new Server({ port: 0, address: "127.0.0.1", quiet: true, stopOnSignals: true });
await server.listen();
console.log(`hocuspocus on 127.0.0.1:${server.address.port}`);
