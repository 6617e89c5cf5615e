// Parts of the state that no subscriber, replay, history page or `get` shows, filtered by path. It looks at top-level
// keys only and never at what is inside a part; documents without hidden parts have none of these.
import { escapeToken, type Json, type JsonObject, type PatchOperation } from "@tidemark/protocol";
import { invariant } from "../../runtime/invariant.js";
import { topPartOf } from "../parts.js";

const NO_OPERATIONS = "[]";

/** The hidden top-level parts of one document type. */
export class HiddenParts {
  /** Sorted. */
  readonly names: readonly string[];
  readonly #hides: ReadonlySet<string>;
  /** One of these stands in the text of every operation that could show a hidden part. */
  readonly #marks: readonly string[];

  constructor(names: readonly string[]) {
    this.names = [...new Set(names)].sort();
    this.#hides = new Set(this.names);
    this.#marks = [
      ...this.names.map((name) => JSON.stringify(`/${escapeToken(name)}`).slice(0, -1)),
      '"=",""',
      '"+",""',
    ];
  }

  /** Is this top-level part hidden? */
  has(part: string): boolean {
    return this.#hides.has(part);
  }

  /** The state as subscribers may know it; shares everything with `state`. */
  stateOf(state: JsonObject): JsonObject {
    return Object.fromEntries(Object.entries(state).filter(([part]) => !this.#hides.has(part)));
  }

  /** Compact operations as JSON text without those that touch hidden parts; the same text when there are none. */
  operationsJson(text: string): string {
    if (text === NO_OPERATIONS || !this.#marks.some((mark) => text.includes(mark))) return text;
    const operations: readonly PatchOperation[] = JSON.parse(text);
    return JSON.stringify(this.operations(operations));
  }

  /** Compact operations without those that touch hidden parts. */
  operations(operations: readonly PatchOperation[]): PatchOperation[] {
    const shown: PatchOperation[] = [];
    for (const operation of operations) {
      const one = this.#operation(operation);
      if (one !== undefined) shown.push(one);
    }
    return shown;
  }

  #operation(operation: PatchOperation): PatchOperation | undefined {
    const [name, path] = operation;
    if (path === "")
      return (name === "=" || name === "+") && isObject(operation[2])
        ? [name, path, this.stateOf(operation[2])]
        : operation;
    const hidden = this.#hides.has(topPartOf(path));
    // A move into the open would lack its value: between parts the recorder logs a removal and an addition.
    if (name === ">") invariant(hidden === this.#hides.has(topPartOf(operation[2])), "a move stays within its part");
    return hidden ? undefined : operation;
  }
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
