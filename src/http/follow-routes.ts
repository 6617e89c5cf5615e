// The routes by which documents are followed where no socket gets through: a request names all that is followed and what
// is held of it, the response is what a socket would be sent. Nothing is kept from one request to the next, so any server
// process may answer the next one.
import { type ClientMessage, LIMITS, type OpenMessage, type PingMessage, TidemarkError } from "@tidemark/protocol";
import type { FastifyReply } from "fastify";
import type { Session } from "../session/session.js";
import { refuseParameters } from "./parameters.js";
import { Poll } from "./poll.js";
import { ResponseWire } from "./response-wire.js";
import type { Routes, Visit } from "./routes.js";
import { saidIn } from "./said.js";
import { requireRoom, type Sessions, serving, takeOver } from "./sessions.js";

const CONTENT_TYPE = "application/x-ndjson; charset=utf-8";
const MESSAGES_MAX = LIMITS.subscriptionsMax + Math.ceil(LIMITS.subscriptionsMax / LIMITS.headsPerPing);

/** Adds them. */
export function addFollowRoutes({ scope, runtime, handler }: Routes, now: () => Sessions | undefined): void {
  const begin = (visit: Visit, then: (session: Session, wire: ResponseWire) => void): FastifyReply => {
    refuseParameters(visit.request.query);
    const { hello, messages } = saidIn(visit, isFollowing);
    const { reply, exchange } = visit;
    const sessions = serving(now);
    if (messages.length > MESSAGES_MAX)
      throw new TidemarkError("too_large", { data: { limit: "subscriptionsMax", value: LIMITS.subscriptionsMax } });
    const wire = new ResponseWire(takeOver(visit, CONTENT_TYPE), runtime);
    const session = sessions.begin(wire);
    reply.raw.on("close", () => session.socketClosed());
    try {
      then(session, wire);
      session.greeted(hello, exchange.identity);
      session.receive(messages);
    } catch (error) {
      sessions.onBug(error);
      reply.raw.destroy();
    }
    return reply;
  };
  scope.post(
    "/stream",
    handler(async (visit) => {
      requireRoom(serving(now), runtime);
      return begin(visit, () => undefined);
    }),
  );
  scope.post(
    "/poll",
    handler(async (visit) =>
      begin(visit, (session, wire) => {
        const poll = new Poll({ session, wire, runtime });
        wire.onWritten = (piece) => poll.written(piece);
      }),
    ),
  );
}

const isFollowing = (message: ClientMessage): message is OpenMessage | PingMessage =>
  message[0] === "open" || message[0] === "ping";
