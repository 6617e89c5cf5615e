// Several messages in one request of which some were not published. It says of each what became of it.
import { TidemarkError } from "@tidemark/protocol";
import type { Published } from "../api/server-client.js";

/**
 * The code is that of the first that was not published. `outcome` is `rejected` only when certainly none was; what is known
 * of each is in `outcomes`, in their order.
 */
export class SomeRefusedError extends TidemarkError {
  readonly outcomes: readonly Published[];

  constructor(first: TidemarkError, outcomes: readonly Published[]) {
    const published = outcomes.filter((outcome) => !(outcome instanceof TidemarkError)).length;
    const isNone = outcomes.every((outcome) => outcome instanceof TidemarkError && outcome.outcome === "rejected");
    super(first.code, {
      outcome: isNone ? "rejected" : "unknown",
      message: `${published} of ${outcomes.length} messages were published; of the first other: ${first.message}`,
      retry: first.retry,
      fault: first.fault,
      ...(first.afterMs === undefined ? {} : { afterMs: first.afterMs }),
      ...(first.reason === undefined ? {} : { reason: first.reason }),
      ...(first.data === undefined ? {} : { data: first.data }),
    });
    this.outcomes = outcomes;
  }
}
