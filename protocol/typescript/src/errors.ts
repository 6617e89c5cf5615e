// The one registry of errors: what callers may meet, what operators may meet at start, and the two classes that carry
// them. Other rooms throw these codes; none invents its own. docs/ERRORS.md is generated from here.
import type { Json } from "./json.js";

/** `never`: repeating will not help. `after`: wait `afterMs`, then repeat. `reconnect`: heals by itself. */
export type Retry = "never" | "after" | "reconnect";
/** Whose doing it was. */
export type Fault = "caller" | "service";

/** What the registry says of one code. */
export interface ErrorEntry {
  readonly retry: Retry;
  readonly fault: Fault;
  /** One short sentence: what happened. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

const entry = (retry: Retry, fault: Fault, message: string, hint: string): ErrorEntry => ({
  retry,
  fault,
  message,
  hint,
});

const REGISTRY = {
  rejected: entry("never", "caller", "The document refused.", "See `reason`: it is the application's own word."),
  denied: entry("never", "caller", "This is not allowed.", "Ask for access, or check the key and its grants."),
  not_found: entry("never", "caller", "There is no such document.", "Create it, or open it with `create`."),
  already_exists: entry("never", "caller", "The document exists already.", "Open it instead of creating it."),
  deleted: entry("never", "caller", "The document was deleted.", "Creating it again goes on from its seq."),
  upgrade: entry("never", "caller", "This client was built for an older version.", "Reload the application."),
  type_ahead: entry(
    "after",
    "service",
    "A newer version of the application wrote this document.",
    "Finish the deployment; then repeat.",
  ),
  quarantined: entry(
    "never",
    "service",
    "The stored data of this document is damaged.",
    "Run `tidemark check`; the other documents are not affected.",
  ),
  invalid_input: entry(
    "never",
    "caller",
    "The input does not fit its schema.",
    "`data` lists path, expected and received kind.",
  ),
  invalid_params: entry(
    "never",
    "caller",
    "The parameters do not fit their schema.",
    "`data` lists path, expected and received kind.",
  ),
  invalid_state: entry(
    "never",
    "service",
    "A handler wrote a state that does not fit its schema.",
    "The server's log has the path; correct the handler.",
  ),
  invalid_key: entry(
    "never",
    "caller",
    "The document id is malformed.",
    "Write `type/key` with a key of 1 to 128 of `A-Z a-z 0-9 . _ ~ -`, not `.` or `..`.",
  ),
  unknown_type: entry(
    "never",
    "caller",
    "The server knows no such document type.",
    "Client and server disagree: deploy both.",
  ),
  unknown_message: entry(
    "never",
    "caller",
    "The document type has no such message or query.",
    "Client and server disagree: deploy both.",
  ),
  handler_failed: entry(
    "never",
    "service",
    "A handler threw.",
    "The server's log has the stack; nothing of the call was applied.",
  ),
  too_large: entry("never", "caller", "Something is over its limit.", "`data` names the limit, its value and yours."),
  id_reused: entry(
    "never",
    "caller",
    "The same id came with another payload.",
    "Use a new idempotency key for a new request.",
  ),
  expired: entry(
    "never",
    "caller",
    "The call is older than the horizon, so its outcome is unknown for good.",
    "Read the document, then decide whether to send it anew.",
  ),
  settled: entry(
    "never",
    "caller",
    "The call was answered before and its receipt is gone, so its outcome is unknown for good.",
    "Read the document, then decide whether to send it anew.",
  ),
  superseded: entry(
    "never",
    "caller",
    "The call was never applied and later ones were.",
    "Send it anew if it still makes sense.",
  ),
  conflict: entry("never", "caller", "The document has moved on from `ifSeq`.", "Read, decide, send anew."),
  history_trimmed: entry(
    "never",
    "caller",
    "The history asked for is older than the type keeps.",
    "Ask for a newer seq.",
  ),
  unauthenticated: entry(
    "reconnect",
    "caller",
    "The token is missing, wrong or out of date.",
    "Fetch a new token; the client does so once per connection.",
  ),
  identity_changed: entry(
    "never",
    "caller",
    "A refreshed token names another subject.",
    "A refreshed token must keep `sub`: connect anew.",
  ),
  revoked: entry("never", "caller", "The token was revoked.", "Sign in again."),
  origin_refused: entry(
    "never",
    "caller",
    "Pages of this origin may not connect.",
    "Add the origin to `--origins` of the server.",
  ),
  unsupported_version: entry(
    "never",
    "caller",
    "The server does not speak this version of the protocol.",
    "Update the client.",
  ),
  protocol_error: entry(
    "never",
    "caller",
    "The bytes do not follow the protocol.",
    "Update the client; a proxy may have changed the bytes.",
  ),
  overloaded: entry(
    "after",
    "service",
    "The service has more work than it can do.",
    "Wait `afterMs`; the client does, in order, within the deadline.",
  ),
  rate_limited: entry(
    "after",
    "caller",
    "Too many requests in too short a time.",
    "Wait `afterMs`; the client does, in order, within the deadline.",
  ),
  limit_reached: entry("after", "caller", "A limit on how many is reached.", "`data` names the limit."),
  disk_full: entry("after", "service", "The disk of the server is full.", "Free space; reads go on meanwhile."),
  moved: entry("reconnect", "service", "Another server has taken over the document.", "Nothing to do."),
  draining: entry("reconnect", "service", "The server is shutting down.", "Nothing to do: another takes over."),
  slow_reader: entry(
    "reconnect",
    "caller",
    "The connection reads more slowly than its documents change.",
    "Read faster, open less, or set `everyMs`.",
  ),
  deadline_exceeded: entry(
    "never",
    "caller",
    "The deadline passed.",
    "Rejected if it had not begun, else unknown: read before repeating.",
  ),
  aborted: entry("never", "caller", "You stopped waiting.", "The call may still be applied: read before repeating."),
  closed: entry("never", "caller", "You closed the connection.", "The call may still be applied."),
  connection_lost: entry(
    "reconnect",
    "service",
    "No answer came before the deadline.",
    "Read the document before repeating the call.",
  ),
  commit_unknown: entry(
    "reconnect",
    "service",
    "The store failed in the middle of the commit.",
    "The same call is answered after recovery.",
  ),
  internal: entry("reconnect", "service", "A bug in the service.", "Report it together with the server's log."),
} as const satisfies { readonly [code: string]: ErrorEntry };

/** Every code a caller may meet. */
export type ErrorCode = keyof typeof REGISTRY;

/** What each code means. */
export const ERRORS: { readonly [C in ErrorCode]: ErrorEntry } = Object.freeze(REGISTRY);

/** Whether a text from the wire is a code of this version. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/** What one occurrence of an error adds to its registry entry. */
export interface ErrorDetails {
  /** Default `rejected`: certainly not applied. */
  readonly outcome?: "rejected" | "unknown";
  readonly message?: string;
  /** Milliseconds to wait before repeating. */
  readonly afterMs?: number;
  /** The application's own word; only with code `rejected`. */
  readonly reason?: string;
  readonly data?: Json;
  readonly retry?: Retry;
  readonly fault?: Fault;
  readonly cause?: unknown;
}

/** The only error callers get. Branch on `code`, `reason` and `outcome`; never on `message`. */
export class TidemarkError extends Error {
  override readonly name = "TidemarkError";
  readonly code: ErrorCode;
  /** `rejected`: certainly not applied. `unknown`: may have been. */
  readonly outcome: "rejected" | "unknown";
  readonly retry: Retry;
  readonly afterMs: number | undefined;
  readonly fault: Fault;
  /** What the handler passed to `ctx.reject`; only with `rejected`. */
  readonly reason: string | undefined;
  readonly data: Json | undefined;
  /** One sentence: what to do about it. */
  readonly hint: string;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const known = ERRORS[code];
    super(details.message ?? known.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.outcome = details.outcome ?? "rejected";
    this.retry = details.retry ?? known.retry;
    this.afterMs = details.afterMs;
    this.fault = details.fault ?? known.fault;
    this.reason = details.reason;
    this.data = details.data;
    this.hint = known.hint;
  }
}
