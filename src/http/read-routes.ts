// The routes that only read: the state of a document as its caller sees it, its history, the keys of a type, and who the
// caller is. Nothing here leaves a trace.
import type { Json } from "@tidemark/protocol";
import type { FastifyReply } from "fastify";
import { GET, HEAD, HISTORY } from "../document/queries.js";
import { invariant } from "../runtime/invariant.js";
import type { Exchange } from "./exchange.js";
import { isGiven, Parameters, refuseParameters, WHOLE } from "./parameters.js";
import { etagOf, namesEtag } from "./preconditions.js";
import { sendUnmet, type Unmet } from "./problem.js";
import { poll, type Waiting } from "./reader-routes.js";
import { DOCUMENT, documentOf, header, inPath, type Routes, sendJson, sendLong, type Visit } from "./routes.js";
import type { Sessions } from "./sessions.js";

const PAGE = { min: 1, max: 1_000 };
const PAGE_DEFAULT = 100;
const WAIT_S = { min: 0, max: 30 };
const WAIT_DEFAULT_S = 25;
/** How long it rests on one look at its sender's token. */
const FRESH_MS = 1_000;
/** How often a document is looked at by somebody who waits for a seq: soon, then less and less often. */
const LOOK_AFTER_MS = 10;
const LOOK_AFTER_MAX_MS = 500;

/** Adds them. */
export function addReadRoutes(routes: Routes, sessions: () => Sessions | undefined): void {
  const { scope, runtime, identifyAgain, handler } = routes;
  scope.get(
    DOCUMENT,
    handler(async (visit) => {
      if (isGiven(visit.request.query, "after")) return poll(visit, { runtime, sessions, ...waitingOf(visit) });
      const parameters = new Parameters(visit.request.query, ["at-least", "params", "seq", "wait"]);
      const atLeast = parameters.whole("at-least", WHOLE);
      const waitMs = (parameters.whole("wait", WAIT_S) ?? WAIT_DEFAULT_S) * 1_000;
      const sinceMs = runtime.monotonicMs();
      const isOver = (): boolean => runtime.monotonicMs() >= sinceMs + waitMs;
      const refusal = atLeast === undefined ? undefined : await reached(visit, atLeast, isOver);
      // Whoever has waited may have lost the right meanwhile (R17).
      if (runtime.monotonicMs() >= sinceMs + FRESH_MS) await identifyAgain(visit);
      return refusal === undefined ? sendState(visit, parameters) : sendUnmet(visit.reply, refusal);
    }),
  );
  scope.get(`${DOCUMENT}/history`, handler(sendHistory));
  scope.get("/docs/:type", handler(sendKeys));
  scope.get("/whoami", handler(sendIdentity));
}

const waitingOf = (visit: Visit): Waiting => ({
  waitFor: (work) => visit.exchange.waitFor(work),
  sendText: (text) => sendLong(visit, text),
});

async function sendState(visit: Visit, parameters: Parameters): Promise<FastifyReply> {
  const { exchange, request, reply } = visit;
  const [seq, params] = [parameters.whole("seq", WHOLE), parameters.json("params")];
  const input = { ...(seq === undefined ? {} : { seq }), ...(params === undefined ? {} : { params }) };
  const answer = await exchange.ask({ document: documentOf(visit), name: GET, input, identity: undefined });
  if (answer.kind !== "ok") return sendUnmet(reply, answer);
  const { text, at } = shownText(answer.resultJson ?? "");
  const etag = etagOf(at, text);
  reply.header("ETag", etag);
  return namesEtag(header(request, "if-none-match"), etag) ? reply.code(304).send() : sendLong(visit, text);
}

/** Waits until the durable document is there. Undefined: it is; else why it is not waited for any more. */
async function reached(visit: Visit, seq: number, isOver: () => boolean): Promise<Unmet | undefined> {
  const { exchange } = visit;
  const document = documentOf(visit);
  for (let afterMs = LOOK_AFTER_MS; ; afterMs = Math.min(2 * afterMs, LOOK_AFTER_MAX_MS)) {
    const answer = await exchange.ask({ document, name: HEAD, input: null, identity: undefined });
    if (answer.kind !== "ok") return answer;
    const head = Number(/,(\d+)\]$/.exec(answer.resultJson ?? "")?.[1] ?? 0);
    if (head >= seq) return undefined;
    if (isOver()) return { kind: "no", code: "deadline_exceeded", data: { seq: head } };
    await exchange.pause(afterMs);
  }
}

async function sendHistory(visit: Visit): Promise<FastifyReply> {
  const { exchange, request, reply } = visit;
  const parameters = new Parameters(request.query, ["after", "limit"]);
  const input = {
    after: parameters.whole("after", WHOLE) ?? 0,
    limit: parameters.whole("limit", PAGE) ?? PAGE_DEFAULT,
  };
  const answer = await exchange.ask({ document: documentOf(visit), name: HISTORY, input, identity: undefined });
  if (answer.kind !== "ok") return sendUnmet(reply, answer);
  return sendLong(visit, `{"entries":${answer.resultJson ?? "[]"}}`);
}

async function sendKeys(visit: Visit): Promise<FastifyReply> {
  const { exchange, request } = visit;
  const parameters = new Parameters(request.query, ["after", "limit"]);
  const after = parameters.text("after") ?? "";
  const limit = parameters.whole("limit", PAGE) ?? PAGE_DEFAULT;
  return sendLong(visit, JSON.stringify(await exchange.list({ type: inPath(request, "type"), after, limit })));
}

async function sendIdentity(visit: Visit): Promise<FastifyReply> {
  refuseParameters(visit.request.query);
  return sendJson(visit.reply, JSON.stringify(whoami(visit.exchange)));
}

function whoami({ identity: { principal, expiresAt } }: Exchange): Json {
  return { id: principal.id, roles: [...principal.roles], claims: principal.claims, expiresAt };
}

/** What `$get` answers ends with its position, which is said here as everywhere in answers over HTTP. */
function shownText(resultJson: string): { readonly text: string; readonly at: readonly [epoch: number, seq: number] } {
  const ending = /,"at":\[(\d+),(\d+)\]\}$/.exec(resultJson);
  invariant(ending !== null, "a state comes with its position");
  const [, epoch, seq] = ending;
  const text = `${resultJson.slice(0, ending.index)},"epoch":${epoch},"seq":${seq}}`;
  return { text, at: [Number(epoch), Number(seq)] };
}
