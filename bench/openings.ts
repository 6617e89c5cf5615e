// Opens documents one after another on a socket, and says how long each took until its state was there. Each state must be
// what the documents were made of. It writes nothing.
import { isDeepStrictEqual } from "node:util";
import {
  jsonCodec,
  LIMITS,
  parseServerMessage,
  type ReceivedMessage,
  type ServerMessage,
  type StateSlice,
} from "@tidemark/protocol";
import { WebSocket } from "ws";

const DECODE = { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax, parts: true };

/** What is opened, and what must come. */
export interface Openings {
  readonly port: number;
  readonly documents: readonly string[];
  readonly state: unknown;
  /** Its seq. */
  readonly head: number;
}

/** Milliseconds of each, in their order. Rejects when something else came. */
export async function openOneByOne({ port, documents, state, head }: Openings): Promise<readonly number[]> {
  const conversation = await Conversation.begin(port);
  const times: number[] = [];
  try {
    for (const [index, document] of documents.entries()) {
      const began = performance.now();
      conversation.say(["open", { s: index + 1, doc: document }]);
      const [, , , seq, whole, inParts] = await conversation.next("snap");
      const slices = inParts === undefined ? undefined : await slicesOf(conversation, inParts.parts);
      times.push(performance.now() - began);
      const came = slices === undefined ? whole : jsonCodec.joinState(slices, DECODE);
      if (seq !== head || !isDeepStrictEqual(came, state)) throw new Error(`${document} is not what was written`);
      conversation.say(["close", index + 1]);
    }
  } finally {
    conversation.end();
  }
  return times;
}

async function slicesOf(conversation: Conversation, parts: number): Promise<readonly StateSlice[]> {
  const slices: StateSlice[] = [];
  while (slices.length < parts) {
    const [, , index, slice] = await conversation.next("part");
    if (index !== slices.length) throw new Error(`part ${index} came in the place of ${slices.length}`);
    slices.push(slice);
  }
  return slices;
}

class Conversation {
  readonly #socket: WebSocket;
  readonly #heard: ServerMessage[] = [];
  #wake: () => void = () => undefined;
  #isOver = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const messages = jsonCodec.decode(data, DECODE) as unknown as readonly ReceivedMessage[];
      for (const one of messages.map(parseServerMessage)) if (one !== undefined) this.#heard.push(one);
      this.#wake();
    });
    socket.on("close", () => {
      this.#isOver = true;
      this.#wake();
    });
    socket.on("error", () => socket.close());
  }

  static async begin(port: number): Promise<Conversation> {
    const made = new Conversation(new WebSocket(`ws://127.0.0.1:${port}/v1/socket`, jsonCodec.subprotocol));
    await new Promise((resolve) => made.#socket.once("open", resolve));
    const client = "0".repeat(32);
    made.say(["hello", { v: 1, token: "dev:opener", client, conn: 1, sdk: "bench/1", caps: [] }]);
    await made.next("welcome");
    return made;
  }

  say(message: readonly unknown[]): void {
    this.#socket.send(JSON.stringify([message]));
  }

  /** The next of a type; answers pings meanwhile, and leaves out what only comes along. Rejects on a refusal. */
  async next<Type extends ServerMessage[0]>(
    type: Type,
  ): Promise<Extract<ServerMessage, readonly [Type, ...unknown[]]>> {
    for (;;) {
      const message = this.#heard.shift();
      if (message === undefined) {
        if (this.#isOver) throw new Error("the server ended the connection");
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (isOf(message, type)) return message;
      else if (message[0] === "ping") this.say(["pong", message[1], []]);
      else if (message[0] !== "opened") throw new Error(`the server said ${JSON.stringify(message)}`);
    }
  }

  end(): void {
    this.#socket.terminate();
  }
}

function isOf<Type extends ServerMessage[0]>(
  message: ServerMessage,
  type: Type,
): message is Extract<ServerMessage, readonly [Type, ...unknown[]]> {
  return message[0] === type;
}
