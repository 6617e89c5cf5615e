// The judge: every check over one history. It knows nothing of how the history came to be.
import { Folds } from "../history/fold.js";
import type { History, Problem } from "../history/history.js";
import { checkAnswers } from "./check-answers.js";
import { checkCompany } from "./check-company.js";
import { checkConvergence } from "./check-convergence.js";
import { checkEvents } from "./check-events.js";
import { checkLiveness } from "./check-liveness.js";
import { checkLog } from "./check-log.js";
import { checkOrder } from "./check-order.js";
import { checkSubscribers } from "./check-subscribers.js";

const CHECKS = [
  checkLog,
  checkAnswers,
  checkOrder,
  checkSubscribers,
  checkEvents,
  checkLiveness,
  checkConvergence,
  checkCompany,
];

/** Everything that is wrong with a history; empty: nothing is. */
export function judge(history: History): readonly Problem[] {
  const folds = new Folds(history.lines, history.abandoned);
  return CHECKS.flatMap((check) => check(history, folds));
}
