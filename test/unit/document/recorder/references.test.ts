// What becomes of references a handler holds, and what drafts are as values.
// biome-ignore-all lint/suspicious/noAssignInExpressions: a handler of one assignment reads best as one.
import { describe, expect, it } from "vitest";
import { type Recording, record } from "../../../../src/document/recorder/recorder.js";
import { type Item, initial, logged, refusalOf, type State } from "./fixture.js";
import { canonical, LIMITS, liveRoot } from "./replay.js";

describe("references", () => {
  it("write where the node is now", () => {
    expect(
      logged((s) => {
        const held = s.a[3];
        s.a.unshift({ text: "new" });
        if (held !== undefined) held.text = "";
      }),
    ).toEqual([
      ["+", "/a/0", { text: "new" }],
      ["=", "/a/4/text", ""],
    ]);
  });

  it("are the same draft each time, in search and comparison too", () => {
    const { draft } = record<State>(liveRoot(initial()), LIMITS);
    expect(draft.a[1]).toBe(draft.a.at(1));
    expect(draft.a.indexOf(draft.a[2] as Item)).toBe(2);
    expect(draft.a.includes(draft.a.find((item) => item.text === "3") as Item)).toBe(true);
    expect(draft.a.lastIndexOf(draft.a[0] as Item)).toBe(0);
    expect(draft.n.lastIndexOf(2)).toBe(2);
    expect(draft.a.includes({ text: "3" })).toBe(false);
  });

  it.each<[string, (s: State) => Item | undefined]>([
    ["splice", (s) => s.a.splice(1, 1)[0]],
    ["pop", (s) => s.a.pop()],
    ["shift", (s) => s.a.shift()],
    ["length", (s) => [s.a[3], (s.a.length = 3)][0] as Item],
    ["replacement of the node", (s) => [s.a[0], (s.a[0] = { text: "new" })][0]],
    ["replacement of what holds it", (s) => [s.a[0], (s.a = [])][0] as Item],
    ["delete of what holds it", (s) => [s.a[0], delete (s as Partial<State>).a][0] as Item],
    ["fill", (s) => [s.a[0], s.a.fill({ text: "same" })][0] as Item],
  ])("to a node that %s removed can be read and not written", (_way, remove) => {
    const error = refusalOf((s) => {
      const held = remove(s);
      expect(held?.text).toMatch(/[0-3]/);
      if (held !== undefined) held.text = "lost";
    });
    expect(error.path).toMatch(/^\/a\/\d$/);
    expect(error.message).toContain("removed");
  });

  it("stay detached when what was removed is inserted again: that was a copy", () => {
    const error = refusalOf((s) => {
      const item = s.a.shift();
      if (item === undefined) return;
      s.a.push(item);
      expect(s.a[3]).not.toBe(item);
      item.done = true;
    });
    expect(error.path).toBe("/a/0");
  });

  it("insert deep copies", () => {
    expect(
      logged((s) => {
        s.a.push(s.a[0] as Item);
        (s.a[4] as Item).text = "copy";
        s.both = { spread: { ...s.records.one }, whole: s.records };
        (s.records.one as { n: number }).n = 7;
      }),
    ).toEqual([
      ["+", "/a/4", { text: "copy" }],
      [
        "+",
        "/both",
        { spread: { n: 1, inner: { deep: 1 } }, whole: { one: { n: 1, inner: { deep: 1 } }, two: { n: 2 } } },
      ],
      ["=", "/records/one/n", 7],
    ]);
  });

  it("do not keep what was inserted", () => {
    const root = liveRoot({ list: [] });
    const recording = record<{ list: unknown[] }>(root, LIMITS);
    const mine = { tags: ["x"] };
    recording.draft.list.push(mine);
    mine.tags.push("later");
    expect(recording.finish().operations).toEqual([["+", "/list/0", { tags: ["x"] }]]);
    expect(canonical(root)).toBe('{"list":[{"tags":["x"]}]}');
  });

  it("are dead after finish and after rollback", () => {
    for (const end of ["finish", "rollback"] as const) {
      const recording: Recording<State> = record(liveRoot(initial()), LIMITS);
      const { draft } = recording;
      const { a } = draft;
      const { push } = a;
      recording[end]();
      expect(() => draft.a).toThrow(TypeError);
      expect(() => a.length).toThrow(TypeError);
      expect(() => ((draft as Record<string, unknown>).x = 1)).toThrow(TypeError);
      expect(() => delete (draft as Partial<State>).a).toThrow(TypeError);
      expect(() => push.call(a, { text: "" })).toThrow(TypeError);
      expect(() => "a" in draft).toThrow(TypeError);
      expect(() => Object.keys(draft)).toThrow(TypeError);
      expect(() => Object.getOwnPropertyDescriptor(draft, "a")).toThrow(TypeError);
      expect(() => Object.getPrototypeOf(draft)).toThrow(TypeError);
      expect(() => Object.isExtensible(draft)).toThrow(TypeError);
      expect(() => recording.finish()).toThrow(TypeError);
    }
  });
});

describe("drafts as values", () => {
  it("see own keys only, and work with what reads objects and arrays", () => {
    const { draft } = record<State>(liveRoot({ ...initial(), constructor: "data" }), LIMITS);
    expect("toString" in draft).toBe(false);
    expect(draft.toString).toBeUndefined();
    expect(draft.hasOwnProperty).toBeUndefined();
    expect(Reflect.get(draft, "__proto__")).toBeUndefined();
    expect(draft.constructor).toBe("data");
    expect(Object.getPrototypeOf(draft)).toBeNull();
    expect(Reflect.get(draft, Symbol.toStringTag)).toBeUndefined();
    expect(Object.keys(draft)).toEqual(["a", "n", "text", "count", "records", "constructor"]);
    expect(JSON.parse(JSON.stringify(draft))).toEqual({ ...initial(), constructor: "data" });
    expect({ ...draft.records.two }).toEqual({ n: 2 });
    expect(Object.entries(draft.records).map(([name, { n }]) => [name, n])).toEqual([
      ["one", 1],
      ["two", 2],
    ]);
    expect(Object.getOwnPropertyDescriptor(draft, "n")?.value).toBe(draft.n);
    expect(Array.isArray(draft.n)).toBe(true);
    const [first, ...rest] = draft.n;
    expect([first, rest]).toEqual([3, [1, 2]]);
    expect([...draft.a.map((item) => item.text), ...draft.n.concat([4])]).toEqual(["0", "1", "2", "3", 3, 1, 2, 4]);
    expect(draft.n.toSorted()).toEqual([1, 2, 3]);
    expect(draft.a.flatMap((item) => [item.text]).join("")).toBe("0123");
    expect(`${draft.n}`).toBe("3,1,2");
    let sum = 0;
    for (const n of draft.n) sum += n;
    draft.a.forEach((item) => {
      sum += Number(item.text);
    });
    expect(sum).toBe(12);
  });

  it("take Object.assign, ??=, ++ and destructuring", () => {
    expect(
      logged((s) => {
        Object.assign(s.records, { one: { n: 5 }, four: { n: 4 } });
        (s.tags ??= {} as never) as object;
        s.count++;
        [s.n[0], s.n[1]] = [s.n[1] ?? 0, s.n[0] ?? 0];
      }),
    ).toEqual([
      ["=", "/records/one", { n: 5 }],
      ["+", "/records/four", { n: 4 }],
      ["+", "/tags", {}],
      ["=", "/count", 2],
      ["=", "/n/0", 1],
      ["=", "/n/1", 3],
    ]);
  });
});
