// The words of ShareDB: JSON operations on one document, each made on the newest version that its writer knows. Its client
// has one under way and makes one of all that wait meanwhile.
import type { MakeSpeaker } from "../speaker.js";

interface Said {
  readonly a: string;
  readonly seq?: number;
  readonly v?: number;
  readonly op?: unknown;
  readonly data?: { readonly v: number };
  readonly error?: unknown;
}

export const sharedb: MakeSpeaker = () => ({
  isOneAtATime: true,
  path: () => "/",
  talk({ writes, document, connection }, line) {
    const about = { c: "sheets", d: `sheet-${document}` };
    const say = (message: object): void => line.send(JSON.stringify({ ...message, ...about }));
    let version = 0;
    const hear = (said: Said): void => {
      if (said.error !== undefined) line.fail(JSON.stringify(said));
      else if (said.a === "hs") say({ a: writes ? "f" : "s", v: null });
      else if (said.a === "f" || said.a === "s") {
        version = said.data?.v ?? 0;
        line.ready();
      } else if (said.a === "op" && said.op === undefined && said.seq !== undefined) {
        version = Math.max(version, (said.v ?? 0) + 1);
        line.acked(said.seq);
      }
    };
    return {
      open: () => line.send(JSON.stringify({ a: "hs", id: null })),
      hear: (message) => hear(JSON.parse(message.toString())),
      change(n, text) {
        // An entry of its own: whoever takes another's place says what was there before.
        const op = [
          { p: ["entries", `k${connection}`], oi: text },
          { p: ["at"], oi: n },
        ];
        say({ a: "op", v: version, seq: n, x: {}, op });
      },
    };
  },
});
