// The words of Hocuspocus 3: Yjs updates, each acknowledged when it is applied.
import { createRequire } from "node:module";
import { join } from "node:path";
import type { MakeSpeaker } from "../speaker.js";

const KIND = { sync: 0, auth: 2, syncReply: 4, syncStatus: 8 } as const;
const SYNC = { step1: 0, step2: 1, update: 2 } as const;
const ENTRIES = 16;

/** What is used of Yjs. */
interface Yjs {
  readonly Doc: new () => {
    getMap(name: string): { set(key: string, value: unknown): void };
    on(event: "update", hear: (update: Uint8Array) => void): void;
    transact(act: () => void): void;
  };
}

/** Numbers of seven bits to the byte. */
function varUint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push(0x80 | (value & 127));
  return Buffer.from([...bytes, value]);
}

const varBytes = (bytes: Uint8Array): Buffer => Buffer.concat([varUint(bytes.length), bytes]);

export const hocuspocus: MakeSpeaker = ({ folder }) => {
  const yjs: Yjs = createRequire(join(folder, "server.mjs"))("yjs");
  return {
    path: () => "/",
    talk({ writes, document }, line) {
      const name = varBytes(Buffer.from(`sheet-${document}`));
      const say = (...parts: readonly Buffer[]): void => line.send(Buffer.concat([name, ...parts]));
      const doc = new yjs.Doc();
      const [entries, sheet] = [doc.getMap("entries"), doc.getMap("sheet")];
      doc.on("update", (update) => say(Buffer.from([KIND.sync, SYNC.update]), varBytes(update)));
      let isReady = false;
      return {
        open: () => say(Buffer.from([KIND.auth, 0]), varBytes(Buffer.from("load"))),
        hear(message) {
          const [kind, detail] = [message[name.length], message[name.length + 1]];
          if (kind === KIND.auth && detail === 1) line.fail("not let in");
          // A state vector of nothing.
          else if (kind === KIND.auth) say(Buffer.from([KIND.sync, SYNC.step1]), varBytes(Buffer.from([0])));
          else if (kind === KIND.syncStatus && isReady && writes) line.acked();
          else if ((kind === KIND.sync || kind === KIND.syncReply) && detail === SYNC.step2 && !isReady) {
            isReady = true;
            line.ready();
          }
        },
        change: (n, text) =>
          doc.transact(() => {
            entries.set(`k${n % ENTRIES}`, text);
            sheet.set("at", n);
          }),
      };
    },
  };
};
