// The words of Logux, protocol 5: actions are synchronised either way and answered; a change is done when it was processed.
import type { MakeSpeaker } from "../speaker.js";

type Said = readonly [word: string, added: number, ...rest: readonly unknown[]];

interface Action {
  readonly type?: string;
  readonly id?: string;
}

const PROTOCOL = 5;

export const logux: MakeSpeaker = () => ({
  path: () => "/",
  talk({ writes, document, connection }, line) {
    const node = `load:client${connection}:tab`;
    const say = (message: readonly unknown[]): void => line.send(JSON.stringify(message));
    const sync = (n: number, action: object): void => say(["sync", n, action, { id: n, time: n }]);
    let base = 0;
    const processed = (id: string): void => {
      const n = Number(id.split(" ")[0]) - base;
      if (writes) line.acked(n);
      else line.ready();
    };
    const hear = ([word, added, ...rest]: Said): void => {
      if (word === "connected") {
        [, base] = rest[1] as readonly [number, number];
        if (writes) line.ready();
        else sync(1, { type: "logux/subscribe", channel: `sheet-${document}` });
      } else if (word === "sync") {
        say(["synced", added]);
        for (const action of rest as readonly Action[]) {
          if (action.type === "logux/processed") processed(action.id ?? "");
          else if (action.type === "logux/undo") line.fail(JSON.stringify(action));
        }
      } else if (word === "ping") say(["pong", added]);
      else if (word === "error") line.fail(JSON.stringify([word, added, ...rest]));
    };
    return {
      answersDeliveries: true,
      open: () => say(["connect", PROTOCOL, node, 0, { subprotocol: 1 }]),
      hear: (message) => hear(JSON.parse(message.toString())),
      change: (n, text) => sync(n, { type: "change", sheet: document, text }),
    };
  },
});
