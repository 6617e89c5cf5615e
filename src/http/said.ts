// The frame that a request of the fallback carries: a greeting, then messages of the kinds that its route takes. It is
// checked like a frame of a socket before anything else sees it.
import { type ClientMessage, FrameError, type Hello, parseClientMessages, TidemarkError } from "@tidemark/protocol";
import { bodyOf, type Visit } from "./routes.js";

/** What was said. */
export interface Said<Message extends ClientMessage> {
  readonly hello: Hello;
  readonly messages: readonly Message[];
}

/** Throws TidemarkError `protocol_error` or `too_large`. */
export function saidIn<Message extends ClientMessage>(
  visit: Visit,
  takes: (message: ClientMessage) => message is Message,
): Said<Message> {
  const [first, ...rest] = messagesIn(visit);
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

function messagesIn(visit: Visit): readonly ClientMessage[] {
  const body = bodyOf(visit);
  if (!Array.isArray(body)) throw wrong("A body is a frame: a list of messages.");
  try {
    return parseClientMessages(body);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new TidemarkError(error.code, { message: error.message });
  }
}

const wrong = (message: string): TidemarkError => new TidemarkError("protocol_error", { message });
