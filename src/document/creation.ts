// The first state of a document, made by the type's `init`. Pure: time and chance come in, a state or a refusal comes
// out; nothing is committed here.
import type { Json, JsonObject, Principal } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { InvalidStateError } from "./recorder/invalid-state.js";
import { invalidInput, parseInput, type Refused, refusalOf, refusePromise, requireWithin } from "./refusal.js";
import { detachedJson, TransactionContext } from "./transaction-context.js";

/** `operations`: the whole state as the only operation of the first transaction, as JSON text. */
export type Creation =
  | {
      readonly kind: "created";
      readonly state: JsonObject;
      readonly operations: string;
      readonly eventsJson: string | undefined;
    }
  | Refused;

/** Runs `init`. `input` is what the creator passed; `true` and null stand for nothing. */
export function createState(
  type: ResolvedType,
  parts: { key: string; runtime: Runtime; now: number; seq: number; caller: Principal; input: Json },
): Creation {
  const bare = parts.input === true ? null : parts.input;
  try {
    const input = type.create === undefined ? parseInput(undefined, bare) : type.create.parse(parts.input);
    if (!input.ok) return invalidInput(input.issues);
    const context = new TransactionContext({ ...parts, type, state: undefined });
    const made = type.init(context, input.value);
    refusePromise(made);
    const state = detachedState(made);
    type.state.checkWhole(state);
    const operations = JSON.stringify([["=", "", state]]);
    requireWithin("stateBytesMax", operations);
    return { kind: "created", state, operations, eventsJson: context.eventsJson() };
  } catch (error) {
    return refusalOf(error);
  }
}

function detachedState(value: unknown): JsonObject {
  const state = detachedJson(value, "");
  if (isObject(state)) return state;
  throw new InvalidStateError("", "the state must be an object");
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
