// Turns what a command threw into what its user reads and its exit code. Expected errors have no stack; anything else
// is a bug and comes with one.
import { type ErrorCode, OperatorError, type OperatorErrorCode, TidemarkError } from "@tidemark/protocol";
import { CommandError, EXIT, UsageError } from "./exit.js";

/** One failure, ready to print. */
export interface Failure {
  readonly exit: number;
  /** How it begins: `error`, `refused` or `unknown`. */
  readonly label: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly details: readonly string[];
  readonly hint: string;
  /** What a program may want besides. */
  readonly fields: { readonly outcome?: string; readonly reason?: string | undefined; readonly data?: unknown };
}

/** Codes that a client gives to itself: no server has refused anything. */
const OWN_CODES: ReadonlySet<ErrorCode> = new Set(["deadline_exceeded", "aborted", "closed", "connection_lost"]);

/** The registry speaks to applications; these speak to who types commands. */
const HINTS: { readonly [C in ErrorCode]?: string } = {
  rejected: "The word is the application's own: look for `ctx.reject` in the document type.",
  unknown_type: "The types are the names in `defineApp({ documents: { ... } })`; `tidemark dev` prints them.",
  unknown_message: "The names are those in the type's `messages` and `queries`; `tidemark dev` prints them.",
  invalid_input: "Give the input as JSON that fits the schema of the message.",
  not_found: "Create it: add --create to `tidemark call` or `tidemark tail`.",
  denied: "Ask as somebody else (--as, --token), or change the type's `canX` or `can`.",
  unauthenticated: "`dev:<id>` tokens (--as) work with `tidemark dev` on this machine only; elsewhere give --token.",
  deadline_exceeded: "Read the document (`tidemark get`) before repeating, or give more time with --deadline-ms.",
};

/** What to say of an error. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof TidemarkError) return ofCall(error);
  const plain = { details: [], fields: {} };
  if (error instanceof OperatorError) {
    const { message, code, hint } = error;
    return { ...plain, exit: EXIT.failed, label: "error", message, code, hint };
  }
  if (error instanceof UsageError || error instanceof CommandError) {
    const exit = error instanceof UsageError ? EXIT.usage : EXIT.failed;
    return { ...plain, exit, label: "error", message: error.message, code: undefined, hint: error.hint };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = "This is a bug in tidemark: please report it with the lines above.";
  return { ...plain, exit: EXIT.failed, label: "error", message, code: "internal", hint };
}

function ofCall(error: TidemarkError): Failure {
  const { code, message, outcome, reason, data } = error;
  const details = [
    ...(reason === undefined ? [] : [`reason: ${reason}`]),
    ...(data === undefined ? [] : dataLines(data)),
  ];
  const hint = HINTS[code] ?? error.hint;
  return { ...verdict(error), message, code, details, hint, fields: { outcome, reason, data } };
}

function verdict({ outcome, code }: TidemarkError): { exit: number; label: string } {
  if (outcome === "unknown") return { exit: EXIT.unknown, label: "unknown" };
  return OWN_CODES.has(code) ? { exit: EXIT.failed, label: "error" } : { exit: EXIT.refused, label: "refused" };
}

/** Issues of a schema one a line, everything else as it is. */
function dataLines(data: unknown): string[] {
  const issues: readonly unknown[] = Array.isArray(data) ? data : [data];
  return issues.map((issue) => {
    if (typeof issue !== "object" || issue === null || !("expected" in issue) || !("path" in issue)) {
      return JSON.stringify(issue);
    }
    const received = "received" in issue ? `, received ${String(issue.received)}` : "";
    return `${issue.path === "" ? "the input" : String(issue.path)}: expected ${String(issue.expected)}${received}`;
  });
}

/** An operator's error as plain fields, to cross between processes. */
export interface PlainError {
  readonly code: OperatorErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** The plain fields of an operator's error; undefined for any other. */
export function plainError(error: unknown): PlainError | undefined {
  if (!(error instanceof OperatorError)) return undefined;
  const { code, message, hint } = error;
  return { code, message, hint };
}
