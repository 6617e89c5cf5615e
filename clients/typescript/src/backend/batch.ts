// The outcomes of several messages in one request: receipts when all were published, else an answer that says whether it is
// worth sending them again, and what became of each.
import { type Json, type JsonObject, TidemarkError } from "@tidemark/protocol";
import type { Receipt } from "../api/call.js";
import type { Published } from "../api/server-client.js";
import { isObject } from "../stream/local-diff.js";
import { type Answer, type Outcome, problemAnswer, type Unmet } from "./answer.js";
import { receiptIn, unreadable } from "./receipt.js";
import { SomeRefusedError } from "./some-refused-error.js";

/** What the answer to a batch means: not done, while one of its messages may be sent again. */
export function judgedBatch(answer: Answer): Answer {
  if (answer.kind !== "done") return answer;
  const outcomes = outcomesIn(answer.body).map((fields, index) => problemAnswer(fields) ?? receiptOf(fields, index));
  const unmet = outcomes.filter(isUnmet);
  if (unmet.length === 0) return answer;
  return {
    kind: unmet.some(({ kind }) => kind === "open") ? "open" : "refused",
    isRepeatable: unmet.some(({ isRepeatable }) => isRepeatable),
    afterMs: Math.max(...unmet.map(({ afterMs }) => afterMs)),
    error: (_outcome, before) => someRefused(outcomes, before),
  };
}

/** The receipts of a batch that was published as a whole. */
export const receiptsIn = (body: Json): readonly Receipt[] => outcomesIn(body).map(receiptOf);

const receiptOf = (fields: JsonObject, index: number): Receipt => receiptIn(fields, index + 1);

/** A copy of the whole that came before and may be under way may still publish each. */
function someRefused(outcomes: readonly (Unmet | Receipt)[], before: Outcome): TidemarkError {
  const known = outcomes.map((one): Published => (isUnmet(one) ? errorOf(one, before) : one));
  const first = known.find((one) => one instanceof TidemarkError);
  return first === undefined ? unreadable() : new SomeRefusedError(first, known);
}

const errorOf = ({ kind, error }: Unmet, before: Outcome): TidemarkError =>
  error(kind === "open" ? "unknown" : before, before);

const isUnmet = (outcome: object): outcome is Unmet => "isRepeatable" in outcome;

function outcomesIn(body: Json): readonly JsonObject[] {
  const { outcomes }: JsonObject = isObject(body) ? body : {};
  if (!Array.isArray(outcomes) || !outcomes.every(isObject)) throw unreadable();
  return outcomes;
}
