// The routes by which documents are followed where no socket gets through: a request names all that is followed and what
// is held of it, the response is what a socket would be sent. Nothing is kept from one request to the next, so any server
// process may answer the next one.
import type { ServerResponse } from "node:http";
import { type ClientMessage, LIMITS, type OpenMessage, type PingMessage, TidemarkError } from "@tidemark/protocol";
import type { FastifyReply } from "fastify";
import type { Session } from "../session/session.js";
import type { Wire } from "../session/wire.js";
import { refuseParameters } from "./parameters.js";
import { Poll } from "./poll.js";
import { ResponseWire } from "./response-wire.js";
import type { Routes, Visit } from "./routes.js";
import { saidIn } from "./said.js";

/** What sessions are made with. */
export interface Sessions {
  /** False: too many connect at once. */
  admits(): boolean;
  begin(wire: Wire): Session;
  /** Hears of errors that are bugs of this server. */
  readonly onBug: (error: unknown) => void;
}

const HEADERS = {
  "Content-Type": "application/x-ndjson; charset=utf-8",
  // Compressed or gathered by somebody on the way, a line would come late.
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
};
const COME_BACK_AFTER_MS = 1_000;
const COME_BACK_WITHIN_MS = 4_000;

/** Adds them. */
export function addFollowRoutes({ scope, runtime, handler }: Routes, sessions: () => Sessions | undefined): void {
  const begin = (visit: Visit, then: (session: Session, wire: ResponseWire) => void): FastifyReply => {
    refuseParameters(visit.request.query);
    const { hello, messages } = saidIn(visit, isFollowing);
    const { reply, exchange } = visit;
    const serving = sessions();
    if (serving === undefined) throw new TidemarkError("draining", { afterMs: COME_BACK_AFTER_MS });
    if (messages.length > LIMITS.subscriptionsMax + LIMITS.subscriptionsMax / LIMITS.headsPerPing)
      throw new TidemarkError("too_large", { data: { limit: "subscriptionsMax", value: LIMITS.subscriptionsMax } });
    const wire = new ResponseWire(takeOver(reply), runtime);
    // From here on it is bounded as a session is, not as a request.
    visit.leave();
    const session = serving.begin(wire);
    reply.raw.on("close", () => session.socketClosed());
    try {
      then(session, wire);
      session.greeted(hello, exchange.identity);
      session.receive(messages);
    } catch (error) {
      serving.onBug(error);
      reply.raw.destroy();
    }
    return reply;
  };
  scope.post(
    "/stream",
    handler(async (visit) => {
      if (sessions()?.admits() === false)
        throw new TidemarkError("overloaded", { afterMs: COME_BACK_AFTER_MS + runtime.random() * COME_BACK_WITHIN_MS });
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

function takeOver(reply: FastifyReply): ServerResponse {
  reply.headers(HEADERS);
  reply.hijack();
  reply.raw.writeHead(
    200,
    Object.entries(reply.getHeaders()).flatMap(([name, value]) => [name, String(value)]),
  );
  reply.raw.flushHeaders();
  return reply.raw;
}
