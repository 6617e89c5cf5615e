// Raw bytes off a TCP socket: the frame reader never throws, hears the same however TCP cuts them, and never more than
// a message may hold.
import { FrameReader, type FrameSink } from "../../src/transport/frame-reader.js";
import { mutateBytes, type Random } from "./byte-mutation.js";
import { type Input, type Target, Violation } from "./target.js";

const MESSAGE_BYTES_MAX = 4_096;
const MASK = [0x12, 0x34, 0x56, 0x78];
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;

/** A client's frame. */
function frame(head: number, payload: Uint8Array): Uint8Array {
  const masked = payload.map((byte, index) => byte ^ (MASK[index % 4] ?? 0));
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 0xff];
  const [first = 0, ...rest] = length;
  return Uint8Array.of(head, 0x80 | first, ...rest, ...MASK, ...masked);
}

const text = (content: string): Uint8Array => Buffer.from(content);

/** The frame reader. */
export class SocketTarget implements Target {
  readonly name = "socket";
  readonly seeds: readonly Input[] = [
    [frame(0x80 | TEXT, text('[["ping",1,[]]]'))],
    [frame(0x80 | BINARY, text("x".repeat(300)))],
    [frame(TEXT, text("a")), frame(0x80 | PING, text("p")), frame(0, text("é")), frame(0x80, text("c"))],
    [frame(0x80 | CLOSE, Uint8Array.of(0x03, 0xe8))],
    [frame(0x80 | TEXT, text("y".repeat(MESSAGE_BYTES_MAX + 1)))],
  ];

  mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
    return mutateBytes(bytes, other, random);
  }

  async run(input: Input): Promise<void> {
    const whole = heard([Buffer.concat(input)]);
    const asSent = heard(input);
    const byteByByte = heard([...Buffer.concat(input)].map((byte) => Uint8Array.of(byte)));
    if (whole !== asSent || whole !== byteByByte) throw new Violation(`${whole}\n${asSent}\n${byteByByte}`);
  }
}

function heard(chunks: readonly Uint8Array[]): string {
  const lines: string[] = [];
  const sink: FrameSink = {
    messageBytesMax: MESSAGE_BYTES_MAX,
    message(payload, binary) {
      const bytes = typeof payload === "string" ? Buffer.from(payload, "latin1") : Buffer.from(payload);
      if (bytes.length > MESSAGE_BYTES_MAX) throw new Violation(`a message of ${bytes.length} bytes`);
      lines.push(`${binary ? "binary" : "text"} ${bytes.toString("hex")}`);
    },
    ping: (payload) => void lines.push(`ping ${Buffer.from(payload).toString("hex")}`),
    closed: (code) => void lines.push(`closed ${code}`),
    failed: (code) => void lines.push(`failed ${code}`),
  };
  const reader = new FrameReader(sink);
  for (const chunk of chunks) reader.read(Buffer.from(chunk), chunk.length);
  return lines.join("; ");
}
