// What a codec is. The two implementations are interchangeable: what one encodes means the same as what the other does.
import type { Json } from "../json.js";
import type { ClientMessage, DeltaExtension, Handle, ServerMessage, StateSlice, WirePosition } from "../messages.js";

/** What one message became; pieces of one codec can be joined to a frame in any combination. */
export type Piece = string | Uint8Array;

/** What a receiver accepts: bytes of a frame, and arrays and objects inside one another in a value it carries. */
export interface DecodeLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
  /** True where a server is heard: a message may have binary in one of its own places, as a `part` of msgpack does. */
  readonly parts?: boolean;
}

/** What decoding yields where parts are read. */
export type ReceivedMessage = Json | readonly (Json | Uint8Array)[];

/** Turns messages into pieces, pieces into frames, and frames into what may be messages. */
export interface Codec<P extends Piece = Piece> {
  readonly name: "json" | "msgpack";
  /** The WebSocket subprotocol that selects it. */
  readonly subprotocol: string;
  /** Whether its frames are binary ones. */
  readonly binary: boolean;

  /** One message. Throws EncodeError for a value that is not JSON. */
  encode(message: ClientMessage | ServerMessage): P;

  /** A `d` from operations that the log holds as JSON text; the text is trusted. */
  encodeDelta(delta: {
    readonly h: Handle;
    readonly prev: number;
    readonly seq: number;
    readonly operationsJson: string;
    readonly extension?: DeltaExtension;
  }): P;

  /** A `snap` from a state that is held as JSON text; the text is trusted. */
  encodeSnap(snap: { readonly h: Handle; readonly epoch: number; readonly seq: number; readonly stateJson: string }): P;

  /** The slices, of at most so many bytes each, of a state that is held as JSON text; the text is trusted. */
  sliceState(stateJson: string, sliceBytesMax: number): readonly StateSlice[];

  /** How many bytes of the encoded state are in a slice. */
  sliceBytes(slice: StateSlice): number;

  /** A `part` with one of these slices. */
  encodePart(part: { readonly h: Handle; readonly index: number; readonly slice: StateSlice }): P;

  /** The state whose slices these are, in order; checked as what comes in one frame is. Throws FrameError. */
  joinState(slices: readonly StateSlice[], limits: DecodeLimits): Json;

  /** An `ok` from a result that is held as JSON text; undefined: the handler returned nothing. */
  encodeOk(ok: { readonly n: number; readonly at: WirePosition | null; readonly resultJson: string | undefined }): P;

  /** A frame that holds one message: what `join` makes of it alone. */
  frame(piece: P): P;

  /** A frame that holds these messages, in order. */
  join(pieces: readonly P[]): P;

  /** The messages of a frame, checked for size, depth, forbidden types and keys, but not for shape. Throws FrameError. */
  decode(frame: string | Uint8Array, limits: DecodeLimits & { readonly parts?: false }): readonly Json[];
  decode(frame: string | Uint8Array, limits: DecodeLimits): readonly ReceivedMessage[];
}
