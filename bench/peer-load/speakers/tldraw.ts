// The words of tldraw's sync-core: pushes of changed fields under a clock, each answered with what became of it.
import type { MakeSpeaker } from "../speaker.js";

interface Said {
  readonly type: string;
  readonly clientClock?: number;
  readonly action?: unknown;
  readonly data?: readonly Said[];
}

const PROTOCOL_VERSION = 8;
/** As the server's program makes it. */
const SCHEMA = { schemaVersion: 2, sequences: {} };
const ENTRIES = 16;

export const tldraw: MakeSpeaker = () => ({
  path: ({ document, connection }) => `/?room=sheet-${document}&session=session-${connection}`,
  talk(_place, line) {
    const say = (message: object): void => line.send(JSON.stringify(message));
    const hear = (said: Said): void => {
      if (said.type === "connect") line.ready();
      else if (said.type === "incompatibility_error") line.fail(JSON.stringify(said));
      else if (said.type === "data") said.data?.forEach(hear);
      else if (said.type === "push_result") {
        if (said.action !== "commit") line.fail(JSON.stringify(said));
        line.acked(said.clientClock);
      }
    };
    return {
      open: () =>
        say({
          ...{ type: "connect", connectRequestId: "load", lastServerClock: 0 },
          ...{ protocolVersion: PROTOCOL_VERSION, schema: SCHEMA },
        }),
      hear: (message) => hear(JSON.parse(message.toString())),
      change(n, text) {
        const fields = { props: ["patch", { [`k${n % ENTRIES}`]: ["put", text] }], at: ["put", n] };
        say({ type: "push", clientClock: n, diff: { "sheet:one": ["patch", fields] } });
      },
    };
  },
});
