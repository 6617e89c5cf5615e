// The words of the bare ws peer.
import type { MakeSpeaker } from "../speaker.js";

export const broadcast: MakeSpeaker = () => ({
  path: () => "/",
  talk({ writes, document }, line) {
    return {
      open() {
        if (writes) line.ready();
        else line.send(JSON.stringify(["join", document]));
      },
      hear(message) {
        const [word, n]: readonly [string, number] = JSON.parse(message.toString());
        if (word === "joined") line.ready();
        else if (word === "ack") line.acked(n);
      },
      change: (n, text) => line.send(JSON.stringify(["change", document, n, text])),
    };
  },
});
