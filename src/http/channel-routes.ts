// The routes of channels: short names for what their documents do. One message by its event, several in one request, and
// what was published before.
import { CHANNEL_HISTORY, CHANNEL_TYPE, type Json, PUBLISH } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import { callOnce, sendOutcome } from "./one-call.js";
import { invalid, Parameters, WHOLE } from "./parameters.js";
import { sendUnmet } from "./problem.js";
import { bodyOf, fieldsOf, inPath, type Routes, sendLong, type Visit } from "./routes.js";
import { answerEach } from "./several-calls.js";

const CHANNEL = "/channels/:name";

/** Adds them. */
export function addChannelRoutes({ scope, runtime, handler }: Routes): void {
  scope.post(
    `${CHANNEL}/:event`,
    handler(async (visit) => {
      const input = { event: inPath(visit.request, "event"), data: bodyOf(visit) ?? null };
      const call = { document: channelOf(visit), name: PUBLISH, input };
      return sendOutcome(visit.reply, await callOnce(visit, runtime, call));
    }),
  );
  scope.post(
    CHANNEL,
    handler(async (visit) => {
      const document = channelOf(visit);
      const calls = messagesIn(bodyOf(visit)).map((input) => ({
        document,
        name: PUBLISH,
        input,
        condition: undefined,
      }));
      return answerEach(visit, runtime, calls);
    }),
  );
  scope.get(CHANNEL, handler(sendMessages));
}

/** Newest first. */
async function sendMessages(visit: Visit): Promise<unknown> {
  const { exchange, request, reply } = visit;
  const parameters = new Parameters(request.query, ["before", "limit", "event", "where"]);
  const before = parameters.whole("before", WHOLE);
  const limit = parameters.whole("limit", WHOLE);
  const event = parameters.text("event");
  const where = parameters.json("where");
  const input = {
    ...(before === undefined ? {} : { before }),
    ...(limit === undefined ? {} : { limit }),
    ...(event === undefined ? {} : { events: [event] }),
    ...(where === undefined ? {} : { where }),
  };
  const answer = await exchange.ask({ document: channelOf(visit), name: CHANNEL_HISTORY, input, identity: undefined });
  if (answer.kind !== "ok") return sendUnmet(reply, answer);
  return sendLong(visit, JSON.stringify(named(JSON.parse(answer.resultJson ?? "null"))));
}

/** What the query answers; `next` is the next `before`, null when there is no more. */
interface Page {
  readonly messages: readonly (readonly [seq: number, at: number, event: string, data: Json])[];
  readonly next: number | null;
}

const named = ({ messages, next }: Page): object => ({
  messages: messages.map(([seq, at, event, data]) => ({ seq, at, event, data })),
  ...(next === null ? {} : { next }),
});

const channelOf = ({ exchange, request }: Visit): DocumentName => ({
  space: exchange.caller.space,
  type: CHANNEL_TYPE,
  key: inPath(request, "name"),
});

function messagesIn(body: Json | undefined): readonly Json[] {
  if (!Array.isArray(body) || body.length === 0) throw invalid("", "a list of messages, each {event, data}");
  for (const [index, message] of body.entries()) {
    if (typeof fieldsOf(message, `/${index}`).event !== "string") throw invalid(`/${index}/event`, "a name");
  }
  return body;
}
