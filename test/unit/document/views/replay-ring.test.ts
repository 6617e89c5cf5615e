import { describe, expect, it } from "vitest";
import type { LayerDelta } from "../../../../src/document/documents.js";
import { frozenTree } from "../../../../src/document/views/frozen-tree.js";
import { HiddenParts } from "../../../../src/document/views/hidden.js";
import { Layer } from "../../../../src/document/views/layer.js";
import { ReplayRing } from "../../../../src/document/views/replay-ring.js";
import { viewTag } from "../../../../src/document/views/tag.js";

const at = (seq: number) => ({ epoch: 1, seq });
const layer = (id: number): Layer =>
  new Layer({ id, kind: "shared", group: "", tag: "", name: String(id), view: () => ({}) }, frozenTree({}), at(1));
const delta = (prev: number, to: number, bytes = 1): LayerDelta => ({
  prev: at(prev),
  to: at(to),
  at: 0,
  operations: "x".repeat(bytes),
  events: [],
  by: undefined,
});
const seqs = (deltas: readonly LayerDelta[] | undefined): readonly number[] | undefined =>
  deltas?.map(({ to }) => to.seq);

describe("the replay ring", () => {
  it("[VIEW-8] goes on from where it began, from each end of a range and from where nothing had changed yet", () => {
    const ring = new ReplayRing();
    const one = layer(1);
    ring.begin(one, at(5));
    ring.push(one, delta(3, 8), at(6));
    // 9 and 10 changed nothing; 11 to 13 came together.
    ring.push(one, delta(8, 13), at(10));
    expect(seqs(ring.after(one, 5))).toEqual([8, 13]);
    expect(seqs(ring.after(one, 6))).toEqual([8, 13]);
    expect(seqs(ring.after(one, 8))).toEqual([13]);
    expect(seqs(ring.after(one, 10))).toEqual([13]);
    expect(seqs(ring.after(one, 13))).toEqual([]);
    expect(seqs(ring.after(one, 20))).toEqual([]);
  });

  it("[VIEW-8] does not go on from inside of a range, from before it began, or for a layer it does not keep", () => {
    const ring = new ReplayRing();
    const one = layer(1);
    ring.begin(one, at(5));
    ring.push(one, delta(3, 8), at(6));
    for (const seq of [1, 3, 4, 7]) expect(ring.after(one, seq)).toBeUndefined();
    expect(ring.after(layer(2), 8)).toBeUndefined();
    ring.begin(one, at(9));
    expect(ring.after(one, 8)).toBeUndefined();
    expect(ring.after(one, 9)).toEqual([]);
  });

  it("[R14] [VIEW-8] holds so many bytes of all layers, forgets the oldest first, and replays over no hole", () => {
    const ring = new ReplayRing(10_000);
    const layers = [layer(1), layer(2)];
    for (const one of layers) ring.begin(one, at(1));
    for (let seq = 2; seq <= 200; seq += 1) {
      const one = layers[seq % 2];
      if (one !== undefined) ring.push(one, delta(seq - 2, seq, 400), at(seq - 1));
      expect(ring.bytes).toBeLessThanOrEqual(10_000);
    }
    for (const [index, one] of layers.entries()) {
      for (let seq = 1; seq <= 200; seq += 1) {
        const deltas = ring.after(one, seq);
        if (deltas === undefined) continue;
        const wanted = Array.from({ length: 200 - seq }, (_, more) => seq + 1 + more).filter((to) => to % 2 === index);
        expect(seqs(deltas)).toEqual(wanted);
      }
      expect(ring.after(one, 100)).toBeUndefined();
      expect(ring.after(one, 198)).toHaveLength(1);
    }
    for (const one of layers) ring.delete(one);
    expect(ring.bytes).toBe(0);
  });
});

describe("tags", () => {
  it("[VIEW-2] differ whenever something else decides what is shown", () => {
    const of = { version: 1, hidden: undefined, sources: ["a", "b"], layer: "mine" as const, group: "g", params: "{}" };
    const tags = [
      of,
      { ...of, version: 2 },
      { ...of, hidden: new HiddenParts(["x"]) },
      { ...of, hidden: new HiddenParts(["y"]) },
      { ...of, sources: ["a", "c"] },
      { ...of, layer: "shared" as const },
      { ...of, group: "h" },
      { ...of, params: '{"a":1}' },
    ].map(viewTag);
    expect(new Set(tags).size).toBe(tags.length);
    expect(viewTag({ ...of, hidden: new HiddenParts(["y", "x"]) })).toBe(
      viewTag({ ...of, hidden: new HiddenParts(["x", "y"]) }),
    );
    expect(tags.every((tag) => /^[A-Za-z0-9_-]{16}$/.test(tag))).toBe(true);
  });
});
