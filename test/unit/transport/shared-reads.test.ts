import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readWith, withSharedReads } from "../../../src/transport/shared-reads.js";

let server: Server;
const peers: Socket[] = [];

/** A connection: the peer's end, the server's, and what the server's was made of. */
interface Connection {
  readonly peer: Socket;
  readonly given: Socket;
  readonly socket: Socket;
  readonly chunks: Buffer[];
  /** The text that came so far. */
  readonly text: () => string;
}

beforeEach(async () => {
  // As an HTTP server makes its sockets.
  server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, "127.0.0.1"), "listening");
});

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy();
  await new Promise((resolve) => server.close(resolve));
});

async function accept(make: (given: Socket) => Socket = (given) => given): Promise<Connection> {
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  peers.push(peer);
  const [[accepted]] = await Promise.all([once(server, "connection") as Promise<[Socket]>, once(peer, "connect")]);
  const given = make(accepted);
  const chunks: Buffer[] = [];
  let text = "";
  const socket = withSharedReads(given);
  readWith(socket, {
    read(chunk, length) {
      chunks.push(chunk);
      text += chunk.toString("latin1", 0, length);
      socket.emit("heard");
    },
  });
  return { peer, given, socket, chunks, text: () => text };
}

async function heard({ socket, text }: Connection, length: number): Promise<void> {
  while (text().length < length) await once(socket, "heard");
}

describe("a moved connection", () => {
  it("reads and writes as before, into one buffer with all the others", async () => {
    const [one, other] = [await accept(), await accept()];
    for (const connection of [one, other, one]) {
      const length = connection.text().length;
      connection.peer.write("x".repeat(100_000));
      await heard(connection, length + 100_000);
    }
    expect(new Set([...one.chunks, ...other.chunks]).size).toBe(1);
    expect(one.socket.bytesRead).toBe(200_000);
    expect(one.socket.remoteAddress).toBe("127.0.0.1");
    one.socket.write("answer");
    expect(String((await once(one.peer, "data"))[0])).toBe("answer");
  });

  it("leaves an empty shell that the server no longer counts", async () => {
    const { given, socket } = await accept();
    expect(socket).not.toBe(given);
    await once(given, "close");
    expect(await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(0);
    expect(socket.destroyed).toBe(false);
  });

  it("hears the end, can still answer, and closes", async () => {
    const connection = await accept();
    connection.peer.end("last words");
    await once(connection.socket, "end");
    expect(connection.text()).toBe("last words");
    const closed = once(connection.socket, "close");
    connection.socket.end("farewell");
    expect(String((await once(connection.peer, "data"))[0])).toBe("farewell");
    await closed;
  });

  it("hears of a reset", async () => {
    const { peer, socket } = await accept();
    const failed = once(socket, "error");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    peer.resetAndDestroy();
    expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
    await closed;
  });

  it("can be destroyed by what it reads", async () => {
    const { peer, socket } = await accept();
    socket.on("heard", () => socket.destroy());
    const closed = once(peer, "close");
    peer.on("error", () => undefined);
    peer.resume().write("x");
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});

it("a socket of another kind stays as it is, and its chunks are passed on", async () => {
  class OtherSocket extends Socket {}
  const connection = await accept((given) => {
    const handle: unknown = Reflect.get(given, "_handle");
    Reflect.set(given, "_handle", null);
    given.destroy();
    const options = { handle, allowHalfOpen: true };
    return new OtherSocket(options);
  });
  expect(connection.socket).toBe(connection.given);
  connection.peer.write("hello");
  await heard(connection, 5);
  expect(connection.text()).toBe("hello");
});
