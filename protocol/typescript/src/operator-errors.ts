// What operators meet when a server starts or must stop: the second half of the error registry. It never reaches a
// client, and each occurrence brings its own message and hint, because both name a file or a port.

const REGISTRY = {
  not_a_database: "The file is not a Tidemark database.",
  newer_format: "A newer version of Tidemark wrote the database.",
  database_damaged: "The database as a whole cannot be read.",
  database_locked: "Another server owns the database.",
  port_in_use: "Another process listens on the port.",
  tls_invalid: "The certificate or its key cannot be used.",
  unsafe_settings: "The settings together would let in, or show, what they should not.",
  app_invalid: "The application file does not compile, exports no application, or defines one that cannot work.",
  auth_invalid: "Nobody could come in, or the keys that tokens are checked with cannot be used.",
  storage_failed:
    "The disk refused a write or a sync, and the server stopped rather than acknowledge what may be lost.",
} as const satisfies { readonly [code: string]: string };

/** Every code an operator may meet. */
export type OperatorErrorCode = keyof typeof REGISTRY;

/** What each code means, in one sentence. */
export const OPERATOR_ERRORS: { readonly [C in OperatorErrorCode]: string } = Object.freeze(REGISTRY);

/** A failure to start, or a reason to stop. `message` names the file or port, `hint` says what to do. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
  readonly code: OperatorErrorCode;
  readonly hint: string;

  constructor(code: OperatorErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
