// Every call of a run by its token: whoever sends one, be it another page in the name of one that is gone, sends it as
// the same call.
import type { CallRecord, ClientHistory } from "../history/history.js";

/** A call and whose it is. */
export interface BookedCall {
  readonly call: CallRecord;
  readonly owner: ClientHistory;
}

/** The calls of one run. */
export class CallBook {
  readonly #byToken = new Map<string, BookedCall>();

  add(call: CallRecord, owner: ClientHistory): void {
    this.#byToken.set(call.token, { call, owner });
  }

  /** Undefined: no application has made such a call. */
  find(token: string): BookedCall | undefined {
    return this.#byToken.get(token);
  }
}
