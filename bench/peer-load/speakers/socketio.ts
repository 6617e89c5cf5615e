// The words of socket.io 4 over a WebSocket: Engine.IO protocol 4, Socket.IO protocol 5.
import type { MakeSpeaker } from "../speaker.js";

export const socketio: MakeSpeaker = () => ({
  path: () => "/socket.io/?EIO=4&transport=websocket",
  talk({ writes, document }, line) {
    const hear = (text: string): void => {
      if (text.startsWith("43")) {
        // An answer carries the number of what it answers; joining was 0.
        const n = Number.parseInt(text.slice(2), 10);
        if (n === 0) line.ready();
        else line.acked(n);
      } else if (text === "2") line.send("3");
      else if (text.startsWith("0")) line.send("40");
      else if (text.startsWith("40")) {
        if (writes) line.ready();
        else line.send(`420["join","room-${document}"]`);
      } else if (text.startsWith("44")) line.fail(text);
    };
    return {
      hear: (message) => hear(message.toString()),
      change: (n, text) => line.send(`42${n}["change","room-${document}","${text}"]`),
    };
  },
});
