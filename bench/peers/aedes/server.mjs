// Peer of fan-outs and calls: aedes, an MQTT broker, over TCP and in memory.
import { createServer } from "node:net";
import { Aedes } from "aedes";

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, broker.handle);
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () =>
  console.log(`aedes on 127.0.0.1:${server.address().port}`),
);
