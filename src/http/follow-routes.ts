// The routes by which documents are followed where no socket gets through: a request names all that is followed and what
// is held of it, the response is what a socket would be sent. Nothing is kept from one request to the next, so any server
// process may answer the next one.
import {
  type ClientMessage,
  type Hello,
  LIMITS,
  type OpenMessage,
  type PingMessage,
  TidemarkError,
} from "@tidemark/protocol";
import type { FastifyReply } from "fastify";
import { refusalOf } from "./event-stream.js";
import { refuseParameters } from "./parameters.js";
import { Poll } from "./poll.js";
import { sendUnmet } from "./problem.js";
import { ResponseWire } from "./response-wire.js";
import type { FollowRoutes } from "./routes.js";
import { saidIn } from "./said.js";
import { type Following, requireRoom, type Sessions, serving, takeOver } from "./sessions.js";
import { endOfCode } from "./told.js";

const CONTENT_TYPE = "application/x-ndjson; charset=utf-8";
const MESSAGES_MAX = LIMITS.subscriptionsMax + Math.ceil(LIMITS.subscriptionsMax / LIMITS.headsPerPing);

/** Adds them. */
export function addFollowRoutes<From extends Following>(
  { scope, runtime, handler }: FollowRoutes<From>,
  now: () => Sessions<From> | undefined,
): void {
  const follow = (visit: From, poll?: Poll): Promise<FastifyReply> => {
    refuseParameters(visit.request.query);
    const { hello, messages } = saidIn(visit.request, isFollowing);
    if (messages.length > MESSAGES_MAX)
      throw new TidemarkError("too_large", { data: { limit: "subscriptionsMax", value: LIMITS.subscriptionsMax } });
    const wire = new ResponseWire(() => takeOver(visit, CONTENT_TYPE), runtime);
    if (poll !== undefined) wire.onWritten = (piece) => poll.written(piece);
    return flow({ visit, sessions: serving(now), wire, hello, messages, poll });
  };
  scope.post(
    "/stream",
    handler(async (visit) => {
      requireRoom(serving(now), runtime);
      return follow(visit);
    }),
  );
  scope.post(
    "/poll",
    handler(async (visit) => follow(visit, new Poll(runtime))),
  );
}

interface Flow<From extends Following> {
  readonly visit: From;
  readonly sessions: Sessions<From>;
  readonly wire: ResponseWire;
  readonly hello: Hello;
  readonly messages: readonly ClientMessage[];
  readonly poll: Poll | undefined;
}

async function flow<From extends Following>(of: Flow<From>): Promise<FastifyReply> {
  const { visit, sessions, wire, hello, messages, poll } = of;
  const { reply } = visit;
  const follows = sessions.begin(wire, hello, visit);
  poll?.begin(follows, wire);
  reply.raw.once("close", () => {
    follows.socketClosed();
    wire.end();
  });
  try {
    follows.receive(messages);
  } catch (error) {
    sessions.onBug(error);
    reply.raw.destroy();
  }
  const code = await wire.begun;
  return code === undefined ? reply : sendUnmet(reply, refusalOf(endOfCode(code)));
}

const isFollowing = (message: ClientMessage): message is OpenMessage | PingMessage =>
  message[0] === "open" || message[0] === "ping";
