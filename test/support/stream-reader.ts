// Reads what a server says line by line over HTTP, and knows nothing of the client library: messages of a stream or a poll,
// and answers to posted calls.
import type { ClientMessage, Json, ServerMessage } from "@tidemark/protocol";

/** A greeting as requests carry it. */
export const greeting = (more: object = {}): ClientMessage => [
  "hello",
  { v: 1, client: "cd".repeat(16), conn: 1, sdk: "test/1", caps: [], ...more },
];

/** Sends a frame to one of the fallback's addresses. */
export function postFrame(
  url: string,
  path: string,
  token: string,
  frame: readonly Json[] | readonly ClientMessage[],
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...more };
  return fetch(new URL(path, url), { method: "POST", headers, body: JSON.stringify(frame) });
}

/** A response that is being read. */
export class StreamReader {
  readonly messages: ServerMessage[] = [];
  /** All bytes of it, as text. */
  text = "";
  readonly response: Response;
  /** Resolves when it has ended, as a whole or not. */
  readonly ended: Promise<void>;
  #isEnded = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #heard: () => void = () => undefined;

  constructor(response: Response) {
    if (response.body === null) throw new Error("no body");
    this.response = response;
    this.#reader = response.body.getReader();
    this.ended = this.#read();
  }

  static async open(url: string, path: string, token: string, frame: readonly ClientMessage[]): Promise<StreamReader> {
    return new StreamReader(await postFrame(url, path, token, frame));
  }

  of<Type extends ServerMessage[0]>(type: Type): Extract<ServerMessage, readonly [Type, ...unknown[]]>[] {
    return this.messages.filter(
      (message): message is Extract<ServerMessage, readonly [Type, ...unknown[]]> => message[0] === type,
    );
  }

  /** The message of this type that comes `nth`, from 1, when it has come. */
  async next<Type extends ServerMessage[0]>(
    type: Type,
    nth = 1,
  ): Promise<Extract<ServerMessage, readonly [Type, ...unknown[]]>> {
    for (;;) {
      const message = this.of(type)[nth - 1];
      if (message !== undefined) return message;
      if (this.#isEnded) throw new Error(`ended without ${type}: ${this.text}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) {
        const text = decoder.decode(next.value, { stream: true });
        this.text += text;
        const lines = `${rest}${text}`.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.messages.push(...(JSON.parse(line) as ServerMessage[]));
        this.#heard();
      }
    } catch {
      // Cut.
    }
    this.#isEnded = true;
    this.#heard();
  }
}
