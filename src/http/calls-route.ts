// The calls of a client that has no socket: the same numbers, receipts and order of checks as on one (R6), each request by
// itself. What has not begun by the time the request says is not begun any more, so that its client knows when a copy that
// was lost on its way can do nothing any more (POST-3).
import {
  type CallMessage,
  type ClientMessage,
  type Json,
  jsonCodec,
  LIMITS,
  type Piece,
  type ServerMessage,
  TidemarkError,
} from "@tidemark/protocol";
import { type AnswerSink, type Followed, Requests } from "../session/requests.js";
import type { Cut } from "./exchange.js";
import { invalid, refuseParameters } from "./parameters.js";
import { type Routes, sendJson, type Visit } from "./routes.js";
import { saidIn } from "./said.js";

/** Nothing is followed on a request. */
const NOTHING: Followed = { documentOf: () => undefined, catchUp: () => undefined };

/** Adds it. */
export function addCallsRoute({ scope, runtime, handler }: Routes): void {
  scope.post(
    "/calls",
    handler(async (visit) => {
      refuseParameters(visit.request.query);
      const { hello, messages } = saidIn(visit.request, isCall);
      const { until, client, conn } = hello;
      if (until === undefined) throw invalid("hello.until", "when the calls may not begin any more, Unix ms");
      if (messages.length > LIMITS.inFlightMax) throw tooMany(messages.length);
      if (runtime.now() > until) throw new TidemarkError("deadline_exceeded", { retry: "after", afterMs: 0 });
      if (messages.length > 1) visit.admitted.more(messages.length - 1);
      return sendJson(visit.reply, await answered(visit, messages.map(before(until)), { client, conn }));
    }),
  );
}

const isCall = (message: ClientMessage): message is CallMessage => message[0] === "c";

const tooMany = (yours: number): TidemarkError =>
  new TidemarkError("too_large", { data: { limit: "inFlightMax", value: LIMITS.inFlightMax, yours } });

/** The same call, to begin no later than that. */
const before =
  (until: number) =>
  ([type, n, target, name, input, extension]: CallMessage): CallMessage => {
    const ttl = Math.max(0, Math.min(extension.ttl ?? Number.MAX_SAFE_INTEGER, until - extension.born));
    return [type, n, target, name, input, { ...extension, ttl }];
  };

/** A frame with an answer for each call; for those that are not waited for any more, that nobody knows. */
async function answered(
  { exchange }: Visit,
  calls: readonly CallMessage[],
  from: { readonly client: string; readonly conn: number },
): Promise<string> {
  const { caller, identity, documents } = exchange;
  const answers = new Answers(calls.length);
  const holder = { overrun: (): void => undefined };
  const parts = { caller, identity, documents, subscriptions: NOTHING, out: answers, codec: jsonCodec, holder };
  const requests = new Requests({ ...parts, ...from });
  for (const call of calls) requests.take(call);
  const cut = await exchange.waitFor(answers.complete);
  requests.leave();
  return answers.frame(calls, cut);
}

/** The answers to the calls of one request, in the order in which they come. */
class Answers implements AnswerSink {
  readonly complete: Promise<void>;
  readonly #pieces: Piece[] = [];
  #left: number;
  #finish: () => void = () => undefined;

  constructor(count: number) {
    this.#left = count;
    this.complete = new Promise((resolve) => {
      this.#finish = resolve;
    });
    if (count === 0) this.#finish();
  }

  send(message: ServerMessage): void {
    this.sendPiece(jsonCodec.encode(message));
  }

  sendPiece(piece: Piece): void {
    this.#pieces.push(piece);
    this.#left -= 1;
    if (this.#left === 0) this.#finish();
  }

  /** All of them as one frame. */
  frame(calls: readonly CallMessage[], cut: Cut | undefined): string {
    const unknown = cut === undefined ? [] : this.#unanswered(calls).map((n) => jsonCodec.encode(["unk", n, cut, {}]));
    return `[${[...this.#pieces, ...unknown].join(",")}]`;
  }

  #unanswered(calls: readonly CallMessage[]): readonly number[] {
    const numbers = new Set(this.#pieces.map((piece) => numberOf(JSON.parse(String(piece)))));
    return calls.map(([, n]) => n).filter((n) => !numbers.has(n));
  }
}

const numberOf = (answer: Json): Json | undefined => (Array.isArray(answer) ? answer[1] : undefined);
