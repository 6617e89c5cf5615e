// The codecs there are, in the order in which a client should ask for them.
import type { Codec } from "./codec.js";
import { jsonCodec } from "./json-codec.js";
import { msgpackCodec } from "./msgpack-codec.js";

/** Every codec of this version. */
export const CODECS: readonly Codec[] = Object.freeze([jsonCodec, msgpackCodec]);

/** The codec that a WebSocket subprotocol selects. */
export function codecFor(subprotocol: string): Codec | undefined {
  return CODECS.find((codec) => codec.subprotocol === subprotocol);
}
