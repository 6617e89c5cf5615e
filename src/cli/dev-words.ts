// What a server under `dev` tells the process that restarts it, and the other way round. Plain JSON, one machine, one
// version: the guard only keeps strangers' messages out.
import type { PlainError } from "./failure.js";

/** From the server. */
export type Word =
  | { readonly kind: "imported"; readonly file: string }
  | { readonly kind: "serving"; readonly url: string; readonly app: AppSummary }
  | { readonly kind: "failed"; readonly error: PlainError };

/** To the server: close in order and end. */
export const STOP = "stop";

/** What a newcomer wants to know of an application. */
export interface AppSummary {
  /** One line for each document type: its name, messages and queries. */
  readonly types: readonly string[];
  /** A command that sends a first message, without `tidemark`; undefined when there is none to be sent. */
  readonly example: string | undefined;
}

const KINDS: ReadonlySet<unknown> = new Set<Word["kind"]>(["imported", "serving", "failed"]);

/** Whether a message is one of the above. */
export function isWord(message: unknown): message is Word {
  return typeof message === "object" && message !== null && "kind" in message && KINDS.has(message.kind);
}
