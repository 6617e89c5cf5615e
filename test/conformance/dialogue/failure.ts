// What is wrong with whoever is driven, and how it is told: the rule, what was expected, what came.
import type { Json } from "@tidemark/protocol";
import { type Difference, shown } from "./pattern.js";

/** One fault. `rule` is a number of SPEC.md when the fault is a breach of one; else the dialogue's rules are meant. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly rule: string | undefined;
  readonly expected: string;
  readonly came: string;

  constructor(fault: { readonly rule?: string; readonly expected: string; readonly came: string }) {
    super(`expected ${fault.expected}, came ${fault.came}`);
    this.rule = fault.rule;
    this.expected = fault.expected;
    this.came = fault.came;
  }
}

/** A message or observation that is another than the one expected. */
export function unlike(pattern: Json, value: Json, difference: Difference): Failure {
  const at = difference.path === "" ? "" : `; at ${difference.path} ${difference.expected}, not ${difference.came}`;
  return new Failure({ expected: shown(pattern), came: `${shown(value)}${at}` });
}
