// The small index behind drafts and slots: what is found in it must not depend on how many there are.
import { describe, expect, it } from "vitest";
import { addTo, type Few, findIn, type Link } from "../../../../src/document/recorder/few.js";
import { record } from "../../../../src/document/recorder/recorder.js";
import { canonical, LIMITS, liveRoot } from "./replay.js";

class Named implements Link<string, Named> {
  next: Named | undefined;
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `k${n}`);

describe.each([0, 1, 2, 7, 8, 9, 10, 50])("%i in a small index", (count) => {
  it("are all found, and nothing else", () => {
    let few: Few<string, Named>;
    const all = names(count).map((name) => new Named(name));
    for (const named of all) few = addTo(few, named);
    for (const named of all) expect(findIn(few, named.id)).toBe(named);
    expect(findIn(few, "other")).toBeUndefined();
  });

  it("give the latest of two with one id, whenever it came", () => {
    let few: Few<string, Named> = addTo<string, Named>(undefined, new Named("twice"));
    const latest = new Named("twice");
    few = addTo(few, latest);
    for (const name of names(count)) few = addTo(few, new Named(name));
    expect(findIn(few, "twice")).toBe(latest);
    const later = new Named("twice");
    few = addTo(few, later);
    expect(findIn(few, "twice")).toBe(later);
  });

  it("keys and parts of one node are one operation each, and the same draft each time", () => {
    const parts = Object.fromEntries(names(count).map((name) => [name, { n: 0 }]));
    const root = liveRoot({ parts, fields: {} });
    const before = canonical(root);
    const recording = record<{ parts: Record<string, { n: number }>; fields: Record<string, number> }>(root, LIMITS);
    const { draft } = recording;
    const seen = names(count).map((name) => draft.parts[name]);
    for (const round of [1, 2]) for (const name of names(count)) draft.fields[name] = round;
    for (const [index, name] of names(count).entries()) expect(draft.parts[name]).toBe(seen[index]);
    expect(recording.finish().operations).toEqual(names(count).map((name) => ["+", `/fields/${name}`, 2]));
    recording.rollback();
    expect(canonical(root)).toBe(before);
  });
});
