// Why a file cannot be opened, as plain words that can cross from the writer thread: the main thread makes the
// registered operator error of it.
import type { OperatorErrorCode } from "@tidemark/protocol";

/** `message` names the file, `hint` says what to do. */
export class OpenFailure extends Error {
  readonly code: OperatorErrorCode;
  readonly hint: string;

  constructor(code: OperatorErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OpenFailure";
    this.code = code;
    this.hint = hint;
  }
}
