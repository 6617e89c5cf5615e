// The words of MQTT 3.1.1: a change is a publish that is acknowledged (QoS 1), followers take them with QoS 0.
import type { Framed, MakeSpeaker } from "../speaker.js";

const PACKET = { connack: 2, puback: 4, suback: 9 } as const;
const IDENTIFIERS = 65_535;

/** A length in front of its text. */
function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length > 127) throw new Error("packets of this load are short");
  return Buffer.concat([Buffer.from([first, body.length]), body]);
}

/** Section 2.2 of MQTT 3.1.1; the first byte is part of the message. */
function frame(bytes: Buffer, from: number, to: number): Framed | undefined {
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const digit = from + 1 + i < to ? (bytes[from + 1 + i] ?? 0) : undefined;
    if (digit === undefined) return undefined;
    length += (digit & 127) * 128 ** i;
    if (digit > 127) continue;
    const end = from + 2 + i + length;
    return end <= to ? { from, to: end, end } : undefined;
  }
  throw new Error("a packet without an end");
}

export const aedes: MakeSpeaker = () => ({
  frame,
  talk({ writes, document, connection }, line) {
    const topic = `sheet-${document}`;
    const hear = (message: Buffer): void => {
      const kind = (message[0] ?? 0) >> 4;
      if (kind === PACKET.connack && message[3] !== 0) line.fail("no CONNACK");
      else if (kind === PACKET.connack && writes) line.ready();
      else if (kind === PACKET.connack) line.send(packet(0x82, Buffer.from([0, 1]), field(topic), Buffer.from([0])));
      else if (kind === PACKET.suback) line.ready();
      else if (kind === PACKET.puback) line.acked(next(message.readUInt16BE(2)));
    };
    let last = 0;
    /** Identifiers come round again: answers come in their order. */
    const next = (identifier: number): number => {
      last += 1;
      if (identifierOf(last) !== identifier) line.fail("a PUBACK out of order");
      return last;
    };
    const identifierOf = (n: number): number => ((n - 1) % IDENTIFIERS) + 1;
    return {
      open() {
        const alive = Buffer.from([4, 2, 0, 0]);
        line.send(packet(0x10, field("MQTT"), alive, field(`load-${connection}`)));
      },
      hear,
      change(n, text) {
        const identifier = identifierOf(n);
        const bytes = Buffer.from([identifier >> 8, identifier & 255]);
        line.send(packet(0x32, field(topic), bytes, Buffer.from(text)));
      },
    };
  },
});
