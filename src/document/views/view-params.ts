// What a viewer passes to narrow its view: checked once, and named by a text that is equal for equal parameters.
import { canonicalJson, type Json } from "@tidemark/protocol";
import type { InputIssue } from "../definition/compiled-input.js";
import type { ResolvedType } from "../definition/resolved-type.js";
import type { RefusedAnswer } from "../documents.js";

/** Parameters of a view. */
export interface ViewParams {
  /** As the view functions read them. */
  readonly value: unknown;
  /** Canonical JSON of what was passed: equal for equal parameters. */
  readonly text: string;
}

/** What checking gave. */
type CheckedParams =
  | { readonly ok: true; readonly params: ViewParams }
  | { readonly ok: false; readonly refusal: RefusedAnswer };

/** The same as `viewParams`, for whoever must not throw: what the type's own checks throw goes to `failed`. */
export function checkedParams(
  type: Pick<ResolvedType, "params">,
  passed: Json | undefined,
  failed: (error: unknown) => void,
): CheckedParams {
  try {
    return viewParams(type, passed);
  } catch (error) {
    failed(error);
    return { ok: false, refusal: { code: "handler_failed" } };
  }
}

/** Checks what a viewer passed; undefined stands for `{}`. Throws only what the type's own checks throw. */
export function viewParams(type: Pick<ResolvedType, "params">, passed: Json | undefined): CheckedParams {
  const input = passed ?? {};
  const text = canonicalJson(input);
  if (type.params === undefined) {
    if (text === "{}") return { ok: true, params: { value: {}, text } };
    return refused([{ path: "", expected: "no parameters", received: "object" }]);
  }
  const parsed = type.params.parse(input);
  return parsed.ok ? { ok: true, params: { value: parsed.value, text } } : refused(parsed.issues);
}

function refused(issues: readonly InputIssue[]): CheckedParams {
  const data = issues.map(({ path, expected, received }) => ({ path, expected, received }));
  return { ok: false, refusal: { code: "invalid_params", data } };
}
