// Checks `history`: how much of a log is kept.
import { DefinitionError, isRecord, kindOf } from "./definition-error.js";
import type { ResolvedHistory } from "./resolved-type.js";

/** The bounds; what is not said is as in `otherwise`. Throws `DefinitionError` naming the part of `property`. */
export function resolveHistory(
  property: string,
  history: unknown,
  otherwise: Exclude<ResolvedHistory, "forever">,
): ResolvedHistory {
  if (history === undefined) return otherwise;
  if (history === "forever") return history;
  if (!isRecord(history)) {
    throw new DefinitionError(property, `must be "forever" or { deltas, days }, but is ${kindOf(history)}.`);
  }
  const other = Object.keys(history).find((key) => key !== "deltas" && key !== "days");
  if (other !== undefined) throw new DefinitionError(`${property}.${other}`, "is not a bound: use deltas and days.");
  const { deltas = otherwise.deltas, days = otherwise.days } = history;
  if (typeof deltas !== "number" || !Number.isSafeInteger(deltas) || deltas < 1) {
    throw new DefinitionError(`${property}.deltas`, "must be a whole number of deltas, at least 1.");
  }
  if (typeof days !== "number" || !Number.isFinite(days) || days <= 0) {
    throw new DefinitionError(`${property}.days`, "must be a finite number of days above 0.");
  }
  return { deltas, days };
}
