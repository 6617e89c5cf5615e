// What is drawn at random: a policy, somebody with rights, what the owner of a document does to it and what that somebody
// tries meanwhile. A case is one document of a type of its own; its number makes everything in it unique.
import fc from "fast-check";
import type { Right } from "../../../src/document/grants.js";

/** What a rule says. `open`: what the state says; the last three are no answers. */
export type Says = "default" | "yes" | "no" | "member" | "open" | "throws" | "promise" | "truthy";

/** Who may do what, and what is seen of it. A `channel` has no rules. */
export interface Policy {
  readonly shape: "log" | "hidden" | "views" | "channel";
  readonly canOpen: Says;
  readonly canCreate: Says;
  readonly canList: Says;
  readonly canHistory: Says;
  readonly canDelete: Says;
  /** Of a message and of a query that have one. */
  readonly can: Says;
}

/** What a token gives. */
export interface Rights {
  readonly roles: readonly string[];
  /** `TYPE` stands for the type of the case. */
  readonly grants: readonly { readonly doc: string; readonly may: readonly Right[] }[];
}

/** What the owner does. */
export type OwnerDeed = "write" | "say" | "whisper" | "own" | "hide" | "shut" | "reopen" | "delete" | "create";

export const DEEDS = [
  ...(["open", "resume", "openCreate", "openLast", "openSome", "write", "unknown", "guarded", "guardedBadly"] as const),
  ...(["peek", "guardedPeek", "guardedPeekBadly", "head", "get", "past", "history", "messages"] as const),
  ...(["create", "delete", "list", "ifSeq", "close"] as const),
] as const;

/** What the viewer tries. */
export type Deed = (typeof DEEDS)[number];

/** One after the other: the owner acts, the viewer's token is refreshed, the viewer acts. */
export interface Wave {
  readonly owner: OwnerDeed | undefined;
  readonly refresh: Rights | undefined;
  readonly deeds: readonly Deed[];
}

export interface Case {
  readonly policy: Policy;
  /** The document is there from the beginning. */
  readonly born: boolean;
  readonly rights: Rights;
  readonly waves: readonly Wave[];
}

const state = fc.constantFrom<Says>(
  "default",
  "yes",
  "no",
  "no",
  "member",
  "open",
  "open",
  "throws",
  "promise",
  "truthy",
);
const stateless = fc.constantFrom<Says>("default", "yes", "no", "member", "throws", "promise", "truthy");
const right = fc.constantFrom<Right>("open", "call", "publish", "presence", "create", "delete", "list", "history");
const grant = fc.record({
  doc: fc.constantFrom("TYPE/doc", "TYPE/d*", "TYPE/*", "TYPE/do", "TYPE/doc-*", "TYPES/*"),
  may: fc.array(right, { minLength: 1, maxLength: 3 }),
});
const rights: fc.Arbitrary<Rights> = fc.record({
  roles: fc.constantFrom<readonly string[]>([], [], ["member"], ["service"], ["Member", "services"]),
  grants: fc.oneof(
    { arbitrary: fc.constant([]), weight: 2 },
    { arbitrary: fc.array(grant, { maxLength: 2 }), weight: 3 },
  ),
});
const owner = fc.constantFrom<OwnerDeed>(
  ...(["write", "say", "whisper", "own", "hide", "shut", "shut", "reopen", "delete", "create"] as const),
);

export const cases: fc.Arbitrary<Case> = fc.record({
  policy: fc.record({
    shape: fc.constantFrom<Policy["shape"]>("log", "hidden", "views", "views", "channel"),
    canOpen: state,
    canCreate: stateless,
    canList: stateless,
    canHistory: state,
    canDelete: state,
    can: state,
  }),
  born: fc.boolean(),
  rights,
  waves: fc.array(
    fc.record({
      owner: fc.option(owner, { nil: undefined }),
      refresh: fc.option(rights, { nil: undefined, freq: 3 }),
      deeds: fc.array(fc.constantFrom(...DEEDS), { maxLength: 3 }),
    }),
    { minLength: 3, maxLength: 3 },
  ),
});
