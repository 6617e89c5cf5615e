// What one viewer sees of one state, once: both layers put together. For `get`; subscribers are served by layers.
import type { Json, JsonObject, Principal } from "@tidemark/protocol";
import type { ResolvedViews } from "../definition/resolved-type.js";
import { refusePromise } from "../refusal.js";
import { shownValue } from "./shown-value.js";

/** The view of a read-only state. Throws what the author's functions throw, and TypeError for what is no JSON. */
export function composedView(
  views: ResolvedViews,
  of: { state: object; viewer: Principal; params: unknown },
): JsonObject {
  const shared = shown(views.shared(of.state, of.params));
  if (typeof shared !== "object" || shared === null || isArray(shared))
    throw new TypeError("the view `shared` must return an object");
  if (views.mine === undefined) return shared;
  return { ...shared, mine: shown(views.mine.of(of.state, views.mine.key(of.viewer), of.params)) };
}

function shown(made: unknown): Json {
  refusePromise(made);
  return shownValue(made);
}

const isArray = (value: object): value is readonly Json[] => Array.isArray(value);
