// The client's world in a browser, a worker, Deno or Bun: the global WebSocket, and page events where there is a page.
import { clock } from "./clock.js";
import { post } from "./http.js";
import type { Platform, Socket, SocketListener } from "./platform.js";

/** The Platform of pages and workers. */
export const platform: Platform = {
  ...clock,
  openSocket,
  post,
  online: () => globalThis.navigator?.onLine !== false,
  onWake(listener) {
    const stop = new AbortController();
    const hear = (target: EventTarget, event: string, then: (event: Event) => void): void =>
      target.addEventListener(event, then, { signal: stop.signal });
    if (typeof globalThis.addEventListener === "function") {
      hear(globalThis, "online", () => listener("online"));
      hear(globalThis, "offline", () => listener("offline"));
      // A page that is restored lost its sockets without a word; one that is loaded has none yet.
      hear(globalThis, "pageshow", (event) => Reflect.get(event, "persisted") === true && listener("visible"));
    }
    if (typeof document !== "undefined") {
      hear(document, "visibilitychange", () => document.visibilityState === "visible" && listener("visible"));
      hear(document, "resume", () => listener("visible"));
    }
    return () => stop.abort();
  },
};

function openSocket(url: string, subprotocol: string, listener: SocketListener): Socket {
  const socket = new WebSocket(url, subprotocol);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => listener.opened());
  socket.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (typeof event.data === "string") listener.message(event.data);
    else if (event.data instanceof ArrayBuffer) listener.message(new Uint8Array(event.data));
  });
  socket.addEventListener("close", (event) => listener.closed(event.code));
  return {
    // Copied: the DOM's type refuses bytes that might lie in shared memory.
    send: (frame) => socket.send(typeof frame === "string" ? frame : new Uint8Array(frame)),
    // A browser throws at codes that only the protocol itself may use, such as 1006 for a socket that is gone.
    close: (code) => socket.close(code >= 3_000 && code <= 4_999 ? code : 1_000),
  };
}
