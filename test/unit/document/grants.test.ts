// What a grant may say, and which documents it covers.
import { LIMITS } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { checkedGrants, type Grant, isGranted, isGrantedForAll } from "../../../src/document/grants.js";

const open = (doc: string): Grant[] => [{ doc, may: ["open"] }];
const covers = (doc: string, id: string): boolean => {
  const [type = "", key = ""] = id.split("/");
  return isGranted(checkedGrants(open(doc)), "open", { type, key });
};

describe("a grant", () => {
  it("[ACCESS-3] covers a document by its id, or by the beginning of its key", () => {
    expect(covers("note/a", "note/a")).toBe(true);
    expect(covers("note/a*", "note/a")).toBe(true);
    expect(covers("note/a*", "note/abc")).toBe(true);
    expect(covers("note/*", "note/abc")).toBe(true);
  });

  it("[ACCESS-3] covers nothing else: not what begins as an id does, another type, another right", () => {
    expect(covers("note/a", "note/ab")).toBe(false);
    expect(covers("note/a*", "note/ba")).toBe(false);
    expect(covers("note/*", "notes/a")).toBe(false);
    expect(covers("note/a.c", "note/abc")).toBe(false);
    expect(isGranted(open("note/a"), "call", { type: "note", key: "a" })).toBe(false);
    expect(isGranted(undefined, "open", { type: "note", key: "a" })).toBe(false);
  });

  it("[ACCESS-3] is of all documents of a type only when it says so", () => {
    const list = (doc: string): Grant[] => [{ doc, may: ["list"] }];
    expect(isGrantedForAll(list("note/*"), "list", "note")).toBe(true);
    expect(isGrantedForAll(list("note/a*"), "list", "note")).toBe(false);
    expect(isGrantedForAll(list("note/*"), "list", "not")).toBe(false);
    expect(isGrantedForAll(open("note/*"), "list", "note")).toBe(false);
  });

  it("is a copy: what its author changes later does not count", () => {
    const grant = { doc: "note/a", may: ["open" as const] };
    const checked = checkedGrants([grant]);
    grant.doc = "note/*";
    expect(isGranted(checked, "open", { type: "note", key: "b" })).toBe(false);
  });

  for (const [what, grants, place] of [
    ["no list", { doc: "note/a", may: ["open"] }, "an array"],
    ["no object", ["note/a"], "grants[0]"],
    ["no document", [{ may: ["open"] }], "grants[0].doc"],
    ["every type", [{ doc: "*", may: ["open"] }], "grants[0].doc"],
    ["a pattern of types", [{ doc: "no*/a", may: ["open"] }], "grants[0].doc"],
    ["a star in the middle", [{ doc: "note/a*b", may: ["open"] }], "grants[0].doc"],
    ["two stars", [{ doc: "note/**", may: ["open"] }], "grants[0].doc"],
    ["no key", [{ doc: "note/", may: ["open"] }], "grants[0].doc"],
    ["a key that cannot be", [{ doc: "note/a b*", may: ["open"] }], "grants[0].doc"],
    ["no rights", [{ doc: "note/a" }], "grants[0].may"],
    ["an unknown right", [...open("note/a"), { doc: "note/a", may: ["open", "admin"] }], "grants[1].may[1]"],
    ["a limit of its own", [{ doc: "note/a", may: ["open"], until: 5 }], "grants[0].until"],
    ["too many", Array.from({ length: LIMITS.grantsMax + 1 }, () => open("note/a")[0]), "at most"],
  ] as const) {
    it(`[ACCESS-3] is refused by name of its place: ${what}`, () => {
      expect(() => checkedGrants(grants)).toThrow(place);
    });
  }
});
