// The receiver of the ws library as an oracle: what it makes of bytes, from either end of a connection.
import * as ws from "ws";

/** What was heard, in order. ASCII text and its bytes are the same here; a close or a failure is the last. */
export type Heard =
  | readonly ["message", hex: string, binary: boolean]
  | readonly ["ping", hex: string]
  | readonly ["closed", code: number | undefined]
  | readonly ["failed", code: number];

export const hex = (payload: string | Uint8Array): string =>
  Buffer.from(typeof payload === "string" ? Buffer.from(payload, "latin1") : payload).toString("hex");

interface Receiver extends NodeJS.EventEmitter {
  write(chunk: Uint8Array): void;
  readonly errored: Error | null;
}
const LibraryReceiver = Reflect.get(ws, "Receiver") as new (options: object) => Receiver;

/** What a server, or else a client, hears. */
export function readByLibrary(
  chunks: readonly Uint8Array[],
  options: { readonly isServer: boolean; readonly maxPayload: number },
): Heard[] {
  const heard: Heard[] = [];
  let over = false;
  const receiver = new LibraryReceiver({ ...options, skipUTF8Validation: true });
  receiver.on("message", (data: Buffer, binary: boolean) => heard.push(["message", hex(data), binary]));
  receiver.on("ping", (data: Buffer) => heard.push(["ping", hex(data)]));
  receiver.on("conclude", (code: number) => {
    over = true;
    heard.push(["closed", code === 1005 ? undefined : code]);
  });
  receiver.on("error", () => undefined);
  for (const chunk of chunks) {
    if (over) break;
    receiver.write(Buffer.from(chunk));
    if (receiver.errored === null) continue;
    over = true;
    heard.push(["failed", closeCodeOf(receiver.errored)]);
  }
  return heard;
}

/** The library keeps it under a symbol of its own. */
function closeCodeOf(error: Error): number {
  const key = Object.getOwnPropertySymbols(error).find((symbol) => symbol.description === "status-code");
  return key === undefined ? 0 : Number(Reflect.get(error, key));
}
