// The frame that a request of the fallback carries: a greeting, then messages of the kinds that its route takes. It is
// checked like a frame of a socket before anything else sees it.
import { type ClientMessage, FrameError, type Hello, parseClientMessages, TidemarkError } from "@tidemark/protocol";
import type { FastifyRequest } from "fastify";
import { bodyOf } from "./routes.js";

/** What was said. */
export interface Said<Message extends ClientMessage> {
  readonly hello: Hello;
  readonly messages: readonly Message[];
}

/** Throws TidemarkError `protocol_error` or `too_large`. */
export function saidIn<Message extends ClientMessage>(
  request: FastifyRequest,
  takes: (message: ClientMessage) => message is Message,
): Said<Message> {
  const [first, ...rest] = messagesIn(request);
  if (first?.[0] !== "hello") throw wrong("The first message of a request is `hello`.");
  return { hello: first[1], messages: rest.filter((message) => isTaken(message, takes)) };
}

function isTaken<Message extends ClientMessage>(
  message: ClientMessage,
  takes: (message: ClientMessage) => message is Message,
): message is Message {
  if (!takes(message)) throw wrong(`A message of type ${message[0]} is not taken at this address.`);
  return true;
}

function messagesIn(request: FastifyRequest): readonly ClientMessage[] {
  const body = bodyOf({ request });
  if (!Array.isArray(body)) throw wrong("A body is a frame: a list of messages.");
  try {
    return parseClientMessages(body);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new TidemarkError(error.code, { message: error.message });
  }
}

const wrong = (message: string): TidemarkError => new TidemarkError("protocol_error", { message });
