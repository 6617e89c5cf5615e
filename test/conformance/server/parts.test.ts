import { CODECS, type Codec, type Json, type ReceivedMessage } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { Failure } from "../dialogue/failure.js";
import { Parts } from "./parts.js";

const STATE = { text: "tide".repeat(20_000), mark: ["é", 1, null] };
const SLICE = 40_000;

/** The messages by which a state comes in parts. */
function cut(codec: Codec, sliceBytesMax = SLICE): readonly (readonly [ReceivedMessage, ...ReceivedMessage[]])[] {
  const slices = codec.sliceState(JSON.stringify(STATE), sliceBytesMax);
  const bytes = slices.reduce((sum, slice) => sum + codec.sliceBytes(slice), 0);
  const snap: Json = ["snap", 7, 5, 3, null, { bytes, parts: slices.length }];
  return [[snap], ...slices.map((slice, index) => [["part", 7, index, slice]] as const)];
}

function ruleOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Failure ? error.rule : String(error);
  }
}

describe.each<Codec>([...CODECS])("states in parts, $name", (codec) => {
  it("[PART-1] come as a whole with their last part, other messages in between where they were", () => {
    const [snap = [], ...parts] = cut(codec);
    const reader = new Parts(codec);
    const other: Json = ["d", 8, 1, 2, []];
    const came = [reader.whole(snap), ...parts.map((part) => reader.whole([...part, other]))];
    const whole = ["snap", 7, 5, 3, STATE];
    expect(came).toEqual([[], ...parts.slice(1).map(() => [other]), [whole, other]]);
  });

  it("[PART-1] are a fault when a part is missing, strange, or when they are not what was announced", () => {
    const [snap = [], first = [], second = []] = cut(codec);
    const broken = (...frames: readonly (readonly ReceivedMessage[])[]): string | undefined => {
      const reader = new Parts(codec);
      return ruleOf(() => {
        for (const frame of frames) reader.whole(frame);
      });
    };
    expect(broken(snap, first, second)).toBeUndefined();
    expect(broken(first)).toBe("PART-1");
    expect(broken(...cut(codec, 70_000))).toBe("PART-1");
    expect(broken(snap, second)).toBe("PART-1");
    expect(broken(snap, first, first)).toBe("PART-1");
    expect(broken([["snap", 7, 5, 3, null, { bytes: 1, parts: 1 }]], first)).toBe("PART-1");
    expect(broken([["snap", 7, 5, 3, { text: "x".repeat(300_000) }]])).toBe("PART-1");
    expect(broken([["snap", 7, 5, 3, { text: "x".repeat(200_000) }]])).toBeUndefined();
  });
});
