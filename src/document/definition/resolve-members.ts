// Checks `members`: what a document does when somebody comes, and when they have gone.
import { LIMITS } from "@tidemark/protocol";
import { DefinitionError, kindOf, requireRecord } from "./definition-error.js";
import type { ResolvedMembers } from "./resolved-type.js";

const GRACE_MS = 10_000;

/** Undefined: who follows is nobody's business. Throws `DefinitionError` for what cannot work. */
export function resolveMembers(
  members: unknown,
  requireHook: (property: string, value: unknown) => (...parts: readonly unknown[]) => unknown,
): ResolvedMembers | undefined {
  if (members === undefined) return undefined;
  const { graceMs = GRACE_MS, joined, left, ...others } = requireRecord("members", members);
  const [other] = Object.keys(others);
  if (other !== undefined) throw new DefinitionError(`members.${other}`, "is not a property of members.");
  if (joined === undefined && left === undefined) {
    throw new DefinitionError("members", "must have joined, or left, or both: nothing would come of it.");
  }
  return {
    graceMs: checkedGrace(graceMs),
    joined: joined === undefined ? undefined : requireHook("members.joined", joined),
    left: left === undefined ? undefined : requireHook("members.left", left),
  };
}

function checkedGrace(graceMs: unknown): number {
  const { membersGraceMsMax } = LIMITS;
  const isWhole = typeof graceMs === "number" && Number.isSafeInteger(graceMs);
  if (isWhole && graceMs >= 0 && graceMs <= membersGraceMsMax) return graceMs;
  const given = typeof graceMs === "number" ? String(graceMs) : kindOf(graceMs);
  throw new DefinitionError(
    "members.graceMs",
    `must be a whole number of milliseconds from 0 to ${membersGraceMsMax}, but is ${given}.`,
  );
}
