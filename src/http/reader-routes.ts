// The routes for readers of one document who speak plain HTTP: a stream of events, and one answer at a time for networks
// that hold responses back.
import { CHANNEL_TYPE, formatDocumentId, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { FastifyReply } from "fastify";
import type { Runtime } from "../runtime/runtime.js";
import { DocumentReader } from "./document-reader.js";
import { EventStream } from "./event-stream.js";
import type { Cut } from "./exchange.js";
import { LongPoll } from "./long-poll.js";
import { Parameters } from "./parameters.js";
import { sendUnmet } from "./problem.js";
import { type FollowRoutes, fieldsOf, header, inPath, STREAM, TICKET } from "./routes.js";
import { type Following, requireRoom, type Sessions, serving, takeOver } from "./sessions.js";
import { type Held, heldIn } from "./told.js";
import type { Listener } from "./told-wire.js";

const WAIT_S = { min: 0, max: 30 };
const WAIT_DEFAULT_S = 25;
const NEWEST = { min: 0, max: LIMITS.lastMessagesMax };

/** Adds the stream. */
export function addReaderRoutes<From extends Following>(
  routes: FollowRoutes<From>,
  now: () => Sessions<From> | undefined,
): void {
  const { scope, handler } = routes;
  scope.get(
    STREAM,
    handler((visit) => stream(visit, routes, now)),
  );
}

async function stream<From extends Following>(
  visit: From,
  { runtime }: FollowRoutes<From>,
  now: () => Sessions<From> | undefined,
): Promise<FastifyReply> {
  const { request, reply } = visit;
  const parameters = new Parameters(request.query, ["last", "newest", "params", TICKET]);
  const lastId = header(request, "last-event-id");
  const held = lastId === undefined ? heldOf("last", parameters.text("last")) : heldOf("Last-Event-ID", lastId);
  const sessions = serving(now);
  requireRoom(sessions, runtime);
  const events = new EventStream(runtime);
  const reader = readerOf(visit, { ...{ sessions, runtime, held }, ...wishIn(parameters), listener: events });
  events.onEnd = () => reader.stop();
  events.onDrained = () => reader.drained();
  reply.raw.once("close", () => {
    reader.stop();
    events.left();
  });
  reader.begin();
  const refusal = await events.begun;
  if (refusal !== undefined) return sendUnmet(reply, refusal);
  events.flow(takeOver(visit, "text/event-stream; charset=utf-8"));
  return reply;
}

/** How a request waits for its answer. */
export interface Waiting {
  /** Resolves with `work`, or with why it is not waited for any more. */
  waitFor(work: Promise<void>): Promise<Cut | undefined>;
  /** Answers with JSON that may be long. */
  sendText(text: string): FastifyReply;
}

interface Polling<From extends Following> extends Waiting {
  readonly runtime: Runtime;
  readonly sessions: () => Sessions<From> | undefined;
}

/** The long poll: `after` is what is held, or nothing. Answers with what has changed since, at once or once it does. */
export async function poll<From extends Following>(
  visit: From,
  { runtime, sessions: now, waitFor, sendText }: Polling<From>,
): Promise<FastifyReply> {
  const { request, reply } = visit;
  const parameters = new Parameters(request.query, ["after", "newest", "params", "wait"]);
  const held = heldOf("after", parameters.text("after"));
  const waitMs = (parameters.whole("wait", WAIT_S) ?? WAIT_DEFAULT_S) * 1_000;
  const changes = new LongPoll(runtime, waitMs);
  const sessions = serving(now);
  const reader = readerOf(visit, { ...{ sessions, runtime, held }, ...wishIn(parameters), listener: changes });
  changes.of(() => reader.isSettled);
  reader.begin();
  const cut = await waitFor(changes.finished);
  reader.stop();
  changes.stop();
  const isAnswered = cut === undefined || (cut === "deadline_exceeded" && changes.isOpened);
  if (!isAnswered) return sendUnmet(reply, { kind: "no", code: cut });
  const { refusal } = changes;
  return refusal === undefined ? sendText(changes.textFrom(held)) : sendUnmet(reply, refusal);
}

/** What of a document is read. */
interface Wish {
  readonly params: JsonObject | undefined;
  readonly newest: number | undefined;
}

interface Reading<From extends Following> extends Wish {
  readonly sessions: Sessions<From>;
  readonly runtime: Runtime;
  readonly held: Held | undefined;
  readonly listener: Listener;
}

function readerOf<From extends Following>(visit: From, reading: Reading<From>): DocumentReader<From> {
  const [type, key] = [inPath(visit.request, "type"), inPath(visit.request, "key")];
  const create = type === CHANNEL_TYPE;
  return new DocumentReader({ ...reading, visit, doc: formatDocumentId(type, key), create });
}

const heldOf = (path: string, text: string | undefined): Held | undefined =>
  text === undefined || text === "" ? undefined : heldIn(path, text);

function wishIn(parameters: Parameters): Wish {
  const params = parameters.json("params");
  return {
    params: params === undefined ? undefined : fieldsOf(params, "params"),
    newest: parameters.whole("newest", NEWEST),
  };
}
