// Peer of fan-outs and calls: tldraw's sync-core, a room for each document, in memory.
import { createRecordType, StoreSchema } from "@tldraw/store";
import { TLSocketRoom } from "@tldraw/sync-core";
import { WebSocketServer } from "ws";

const sheet = createRecordType("sheet", { scope: "document", validator: { validate: (record) => record } });
const schema = StoreSchema.create({ sheet });
const rooms = new Map();
const now = schema.serialize();

function roomOf(name) {
  const known = rooms.get(name);
  if (known !== undefined) return known;
  const record = { ...sheet.create({ id: sheet.createId("one") }), at: 0, props: {} };
  const initialSnapshot = { clock: 0, documents: [{ state: record, lastChangedClock: 0 }], schema: now };
  const made = new TLSocketRoom({ schema, initialSnapshot, log: undefined });
  rooms.set(name, made);
  return made;
}

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", backlog: 4096, perMessageDeflate: false });
server.on("connection", (socket, request) => {
  const query = new URL(request.url, "http://127.0.0.1").searchParams;
  roomOf(query.get("room")).handleSocketConnect({ sessionId: query.get("session"), socket });
});
server.on("listening", () => {
  console.log(`tldraw on 127.0.0.1:${server.address().port}`);
});
