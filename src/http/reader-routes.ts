// The routes for readers of one document who speak plain HTTP: a stream of events, and one answer at a time for networks
// that hold responses back.
import { CHANNEL_TYPE, formatDocumentId, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { FastifyReply } from "fastify";
import { DocumentReader } from "./document-reader.js";
import { EventStream } from "./event-stream.js";
import { jsonValue } from "./json-body.js";
import { LongPoll } from "./long-poll.js";
import { Parameters } from "./parameters.js";
import { sendUnmet } from "./problem.js";
import { documentOf, fieldsOf, header, type Routes, STREAM, sendLong, TICKET, type Visit } from "./routes.js";
import { requireRoom, type Sessions, serving, takeOver } from "./sessions.js";
import { type Held, heldIn } from "./told.js";
import type { Listener } from "./told-wire.js";

const WAIT_S = { min: 0, max: 30 };
const WAIT_DEFAULT_S = 25;

/** Adds the stream. */
export function addReaderRoutes(routes: Routes, now: () => Sessions | undefined): void {
  const { scope, handler } = routes;
  scope.get(
    STREAM,
    handler((visit) => stream(visit, routes, now)),
  );
}

async function stream(visit: Visit, { runtime }: Routes, now: () => Sessions | undefined): Promise<FastifyReply> {
  const { request, reply } = visit;
  const parameters = new Parameters(request.query, ["last", "params", TICKET]);
  const lastId = header(request, "last-event-id");
  const held = lastId === undefined ? heldOf("last", parameters.text("last")) : heldOf("Last-Event-ID", lastId);
  const sessions = serving(now);
  requireRoom(sessions, runtime);
  const events = new EventStream(runtime);
  const reader = readerOf(visit, { ...{ sessions, runtime, held }, params: paramsIn(parameters), listener: events });
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

/** The long poll: `after` is what is held, or nothing. Answers with what has changed since, at once or once it does. */
export async function poll(
  visit: Visit,
  { runtime, sessions: now }: Pick<Routes, "runtime"> & { readonly sessions: () => Sessions | undefined },
): Promise<FastifyReply> {
  const { request, reply, exchange } = visit;
  const parameters = new Parameters(request.query, ["after", "params", "wait"]);
  const held = heldOf("after", parameters.text("after"));
  const waitMs = (parameters.whole("wait", WAIT_S) ?? WAIT_DEFAULT_S) * 1_000;
  const changes = new LongPoll(runtime, waitMs);
  const sessions = serving(now);
  const reader = readerOf(visit, { ...{ sessions, runtime, held }, params: paramsIn(parameters), listener: changes });
  changes.of(() => reader.isSettled);
  reader.begin();
  const cut = await exchange.waitFor(changes.finished);
  reader.stop();
  changes.stop();
  const isAnswered = cut === undefined || (cut === "deadline_exceeded" && changes.isOpened);
  if (!isAnswered) return sendUnmet(reply, { kind: "no", code: cut });
  const { refusal } = changes;
  return refusal === undefined ? sendLong(visit, changes.textFrom(held)) : sendUnmet(reply, refusal);
}

interface Reading extends Pick<ConstructorParameters<typeof DocumentReader>[0], "sessions" | "runtime"> {
  readonly held: Held | undefined;
  readonly params: JsonObject | undefined;
  readonly listener: Listener;
}

function readerOf(visit: Visit, reading: Reading): DocumentReader {
  const { identity } = visit.exchange;
  const create = documentOf(visit).type === CHANNEL_TYPE;
  return new DocumentReader({ ...reading, identity, doc: nameOf(visit), create });
}

const nameOf = (visit: Visit): string => {
  const { type, key } = documentOf(visit);
  return formatDocumentId(type, key);
};

const heldOf = (path: string, text: string | undefined): Held | undefined =>
  text === undefined || text === "" ? undefined : heldIn(path, text);

function paramsIn(parameters: Parameters): JsonObject | undefined {
  const text = parameters.text("params");
  return text === undefined
    ? undefined
    : fieldsOf(jsonValue(Buffer.from(text), LIMITS.targetLengthMax, "parameter params"), "params");
}
