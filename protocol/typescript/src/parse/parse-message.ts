// From decoded values to messages: what passes here has the shape its type promises, and nothing else is asked of it.
import type { ReceivedMessage } from "../codec/codec.js";
import { FrameError } from "../codec/frame-error.js";
import { type ErrorCode, isErrorCode } from "../errors.js";
import type { Json } from "../json.js";
import type { ClientMessage, ServerMessage } from "../messages.js";
import type { Shape } from "../shape/shape.js";
import { isCall } from "./call-check.js";
import { clientMessage } from "./client-shapes.js";
import { serverMessage } from "./server-shapes.js";

/** An unknown type comes back in the answer, so not all of it. */
const ABOUT_LENGTH_MAX = 32;

/**
 * A message of a client, the value itself. Strict: an unknown type is an error, an unknown field of an object is not.
 * Throws FrameError that names the field, what was expected and what kind was found.
 */
export function parseClientMessage(raw: Json): ClientMessage {
  assertClientMessage(raw);
  return raw;
}

/** The messages of a frame, the list itself, once every one of them is a message of a client. Throws as above. */
export function parseClientMessages(raw: readonly Json[]): readonly ClientMessage[] {
  assertClientMessages(raw);
  return raw;
}

/**
 * A message of a server; undefined for a type that this version does not know, which is to be ignored. A code that it
 * does not know is read as `internal` (ERR-2). Throws FrameError for anything else that does not fit.
 */
export function parseServerMessage(raw: ReceivedMessage): ServerMessage | undefined {
  const type = messageType(raw);
  const shape = serverMessage.named(type);
  if (shape === undefined) return undefined;
  const message = checked(shape, raw, type);
  switch (message[0]) {
    case "no":
      return ["no", message[1], knownCode(message[2]), message[3], message[4]];
    case "unk":
      return ["unk", message[1], knownCode(message[2]), message[3]];
    case "ended":
      return ["ended", { ...message[1], code: knownCode(message[1].code) }];
    case "err":
      return ["err", { ...message[1], code: knownCode(message[1].code) }];
    case "goaway":
      return ["goaway", { ...message[1], code: knownCode(message[1].code) }];
    default:
      return message;
  }
}

function assertClientMessages(raw: readonly unknown[]): asserts raw is readonly ClientMessage[] {
  for (let index = 0; index < raw.length; index++) assertClientMessage(raw[index]);
}

function assertClientMessage(raw: unknown): asserts raw is ClientMessage {
  if (isCall(raw)) return;
  const type = messageType(raw);
  const shape = clientMessage.named(type);
  if (shape === undefined)
    throw new FrameError("protocol_error", "There is no client message of this type.", type.slice(0, ABOUT_LENGTH_MAX));
  assertShape(shape, raw, type);
}

function messageType(raw: unknown): string {
  const type: unknown = Array.isArray(raw) ? raw[0] : undefined;
  if (typeof type !== "string") {
    throw new FrameError("protocol_error", "A message is an array that starts with its type.");
  }
  return type;
}

function checked<T>(shape: Shape<T>, raw: unknown, type: string): T {
  assertShape(shape, raw, type);
  return raw;
}

function assertShape<T>(shape: Shape<T>, raw: unknown, type: string): asserts raw is T {
  const failed = shape.check(raw);
  if (failed === undefined) return;
  const text = `${type}${failed.path}: expected ${failed.expected}, found ${failed.found}`;
  throw new FrameError("protocol_error", text, type);
}

function knownCode(code: string): ErrorCode {
  return isErrorCode(code) ? code : "internal";
}
