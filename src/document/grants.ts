// What a token may do besides the rules of the types: which rights, on which documents. A grant only ever adds rights;
// it is checked once, when its holder comes in, and asked at every operation. It knows nothing of states.
import { isKey, isTypeName, LIMITS } from "@tidemark/protocol";

/** What may be done to a document. `publish` is for channels. */
export type Right = "open" | "call" | "publish" | "presence" | "create" | "delete" | "list" | "history";

/** A right on documents: `doc` is `type/key` with `*` at its end allowed. It stands in for the type's `canX`. */
export interface Grant {
  readonly doc: string;
  readonly may: readonly Right[];
}

const RIGHTS: ReadonlySet<unknown> = new Set<Right>([
  "open",
  "call",
  "publish",
  "presence",
  "create",
  "delete",
  "list",
  "history",
]);

/** Grants as somebody wrote them, copied. Throws TypeError that says which one is malformed, and how. */
export function checkedGrants(grants: unknown): readonly Grant[] {
  if (grants === undefined) return [];
  if (!Array.isArray(grants)) throw new TypeError("grants must be an array");
  if (grants.length > LIMITS.grantsMax) throw new TypeError(`there may be at most ${LIMITS.grantsMax} grants`);
  return Object.freeze(grants.map((grant: unknown, index) => checkedGrant(`grants[${index}]`, grant)));
}

function checkedGrant(place: string, grant: unknown): Grant {
  if (typeof grant !== "object" || grant === null) throw new TypeError(`${place} must be an object`);
  const { doc, may, ...others }: { doc?: unknown; may?: unknown } = grant;
  // A limit that is not understood must not be left out.
  const [other] = Object.keys(others);
  if (other !== undefined) throw new TypeError(`${place}.${other} is not a property of a grant`);
  if (typeof doc !== "string" || !isPattern(doc)) {
    throw new TypeError(`${place}.doc must be type/key, where the key may end in *`);
  }
  if (!Array.isArray(may)) throw new TypeError(`${place}.may must be an array`);
  const rights = may.map((right: unknown, index) => {
    if (isRight(right)) return right;
    throw new TypeError(`${place}.may[${index}] must be one of ${[...RIGHTS].join(", ")}`);
  });
  return Object.freeze({ doc, may: Object.freeze(rights) });
}

const isRight = (value: unknown): value is Right => RIGHTS.has(value);

function isPattern(doc: string): boolean {
  const slash = doc.indexOf("/");
  return slash !== -1 && isTypeName(doc.slice(0, slash)) && isKeyPattern(doc.slice(slash + 1));
}

/** Whether a text is a key, or the beginning of one with `*` at its end. */
export function isKeyPattern(text: string): boolean {
  // Whatever begins as a key does is one when something follows.
  return text.endsWith("*") ? text === "*" || isKey(`${text.slice(0, -1)}0`) : isKey(text);
}

/** Whether a pattern is that text, or its beginning with `*` at the end. */
export const matches = (pattern: string, text: string): boolean =>
  pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;

/** Is there a grant of `right` on the document? */
export function isGranted(
  grants: readonly Grant[] | undefined,
  right: Right,
  { type, key }: { readonly type: string; readonly key: string },
): boolean {
  if (grants === undefined || grants.length === 0) return false;
  const document = `${type}/${key}`;
  return grants.some(({ doc, may }) => may.includes(right) && matches(doc, document));
}

/** Does one who has `grants` have all that `grant` gives? */
export const isCovered = (grants: readonly Grant[], grant: Grant): boolean =>
  grant.may.every((right) => grants.some(({ doc, may }) => may.includes(right) && isPartOf(grant.doc, doc)));

/** Whatever the one pattern is of, the other is too. */
const isPartOf = (pattern: string, whole: string): boolean =>
  pattern === whole || (whole.endsWith("*") && pattern.startsWith(whole.slice(0, -1)));

/** Is there a grant of `right` on every document of the type, `type/*`? */
export const isGrantedForAll = (grants: readonly Grant[] | undefined, right: Right, type: string): boolean =>
  grants?.some(({ doc, may }) => doc === `${type}/*` && may.includes(right)) === true;
