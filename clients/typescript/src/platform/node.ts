// The client's world in Node: sockets by `ws`, because Node 20 has no global WebSocket. There is no page, so no wake.
import { type RawData, WebSocket } from "ws";
import { clock } from "./clock.js";
import { post } from "./http.js";
import type { Platform, Socket, SocketListener } from "./platform.js";

/** The Platform of Node. */
export const platform: Platform = {
  ...clock,
  openSocket,
  post,
  online: () => true,
  onWake: () => () => undefined,
};

function openSocket(url: string, subprotocol: string, listener: SocketListener): Socket {
  const socket = new WebSocket(url, subprotocol, { perMessageDeflate: false });
  socket.on("open", () => listener.opened());
  socket.on("message", (frame: RawData, isBinary: boolean) => {
    const bytes = joined(frame);
    listener.message(isBinary ? bytes : bytes.toString("utf8"));
  });
  // An error is always followed by a close.
  socket.on("error", () => undefined);
  socket.on("close", (code) => listener.closed(code));
  return {
    send: (frame) => socket.send(frame),
    close: (code) => closeSoon(socket, code),
  };
}

function closeSoon(socket: WebSocket, code: number): void {
  if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
  else socket.close(code);
}

function joined(frame: RawData): Buffer {
  if (Array.isArray(frame)) return Buffer.concat(frame);
  return Buffer.isBuffer(frame) ? frame : Buffer.from(frame);
}
