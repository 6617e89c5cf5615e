// Peers of fan-outs and calls: ShareDB over ws, in memory or on PostgreSQL. Started with how many documents there are, and
// for PostgreSQL where it listens.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import WebSocketJSONStream from "@teamwork/websocket-json-stream";
import pg from "pg";
import ShareDB from "sharedb";
import postgresStore from "sharedb-postgres";
import { WebSocketServer } from "ws";

const [documents, database] = [Number(process.argv[2]), process.argv[3]];

async function storeOn(connectionString) {
  const schema = join(dirname(createRequire(import.meta.url).resolve("sharedb-postgres")), "structure.sql");
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(readFileSync(schema, "utf8"));
  await client.end();
  return postgresStore({ connectionString, max: 32 });
}

const backend = new ShareDB(database === undefined ? {} : { db: await storeOn(database) });
const connection = backend.connect();
for (let i = 0; i < documents; i++) {
  const doc = connection.get("sheets", `sheet-${i}`);
  await new Promise((resolve, reject) =>
    doc.create({ at: 0, entries: {} }, (error) => (error ? reject(error) : resolve())),
  );
}

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", backlog: 4096, perMessageDeflate: false });
server.on("connection", (socket) => {
  const stream = new WebSocketJSONStream(socket);
  stream.on("error", () => {});
  backend.listen(stream);
});
server.on("listening", () => console.log(`sharedb on 127.0.0.1:${server.address().port}`));
