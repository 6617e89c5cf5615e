// The words of deepstream 7: protocol buffers in binary frames, several to the frame; a change is a patch of a record that
// is acknowledged when it is written.
import { createRequire } from "node:module";
import { join } from "node:path";
import type { MakeSpeaker } from "../speaker.js";

const TOPIC = { connection: 2, auth: 3, record: 5 } as const;
const CONNECTION = { ping: 2, pong: 3, accept: 4, challenge: 5 } as const;
const AUTH = { request: 2, successful: 3 } as const;
const RECORD = { readResponse: 4, writeAcknowledgement: 14, patch: 19, subscribeCreateAndRead: 23 } as const;
const ENTRIES = 16;

interface Message {
  readonly topic: number;
  readonly action: number;
  readonly isError?: boolean;
  readonly correlationId?: string;
  readonly version?: number;
  readonly [field: string]: unknown;
}

/** What is used of its protocol. */
interface Protocol {
  getMessage(message: Message, isAck: boolean): Uint8Array;
  parse(bytes: Uint8Array): readonly Message[];
}

/** Each message has its length before it, in numbers of seven bits to the byte. */
function split(frame: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < frame.length; ) {
    let [length, head] = [0, 0];
    for (let digit = 0x80; digit & 0x80; head++) {
      digit = frame[at + head] ?? 0;
      length += (digit & 127) * 128 ** head;
    }
    messages.push(frame.subarray(at, at + head + length));
    at += head + length;
  }
  return messages;
}

export const deepstream: MakeSpeaker = ({ folder, port }) => {
  const packages = createRequire(join(folder, "server.mjs"));
  const builder: Pick<Protocol, "getMessage"> = packages("@deepstream/protobuf/dist/src/message-builder");
  const parser: Pick<Protocol, "parse"> = packages("@deepstream/protobuf/dist/src/message-parser");
  return {
    path: () => "/deepstream",
    talk({ document }, line) {
      const name = `sheet-${document}`;
      const say = (message: Message): void => line.send(builder.getMessage(message, false));
      let version = 0;
      const hear = (said: Message): void => {
        const { topic, action } = said;
        if (said.isError || topic === 0) line.fail(JSON.stringify(said));
        else if (topic === TOPIC.connection && action === CONNECTION.ping) say({ topic, action: CONNECTION.pong });
        else if (topic === TOPIC.connection && action === CONNECTION.accept) {
          say({ topic: TOPIC.auth, action: AUTH.request, parsedData: {} });
        } else if (topic === TOPIC.auth && action === AUTH.successful) {
          const subscribe = { topic: TOPIC.record, action: RECORD.subscribeCreateAndRead };
          say({ ...subscribe, names: [name], correlationId: "subscribe" });
        } else if (topic === TOPIC.record && action === RECORD.readResponse) {
          version = said.version ?? 0;
          line.ready();
        } else if (topic === TOPIC.record && action === RECORD.writeAcknowledgement) {
          line.acked(Number(said.correlationId));
        }
      };
      return {
        open() {
          const url = `ws://127.0.0.1:${port}/deepstream`;
          const client = { protocolVersion: "0.1a", sdkVersion: "7", sdkType: "load" };
          say({ topic: TOPIC.connection, action: CONNECTION.challenge, url, ...client });
        },
        hear: (frame) =>
          split(frame)
            .flatMap((bytes) => parser.parse(bytes))
            .forEach(hear),
        change(n, text) {
          const about = { name, path: `k${n % ENTRIES}`, version: version + n, parsedData: text };
          say({ topic: TOPIC.record, action: RECORD.patch, ...about, isWriteAck: true, correlationId: String(n) });
        },
      };
    },
  };
};
