// What commands print: results on standard output, all else on standard error, as text for people or, with --json, as
// one line of JSON each. It decides no wording of results and no exit code.
import type { Failure } from "./failure.js";

/** Plain fields of one line of JSON. */
export type Fields = { readonly [name: string]: unknown };

/** Where a command prints. */
export class Output {
  readonly #json: boolean;

  constructor({ json }: { readonly json: boolean }) {
    this.#json = json;
  }

  /** A result: the text, or the fields. */
  result(text: string, fields: Fields): void {
    process.stdout.write(`${this.#json ? JSON.stringify(fields) : text}\n`);
  }

  /** A line that is JSON either way. */
  line(fields: Fields): void {
    process.stdout.write(`${JSON.stringify(fields)}\n`);
  }

  /** Something worth knowing that is no result. */
  note(text: string, fields: Fields): void {
    process.stderr.write(`${this.#json ? JSON.stringify(fields) : text}\n`);
  }

  /** Why the command, or a part of it, failed. */
  failure({ label, message, code, details, hint, fields }: Failure): void {
    const named = code === undefined ? message : `${message} (${code})`;
    const text = [`${label}: ${named}`, ...details.map((detail) => `  ${detail}`), hint].join("\n");
    const { outcome, reason, data } = fields;
    this.note(text, { error: { code: code ?? label, message, hint, outcome, reason, data } });
  }
}

/** JSON as people read it. */
export const pretty = (value: unknown): string => JSON.stringify(value, null, 2);
