// The model of a drive against what a drive may do. If it were too kind, lost acknowledgements would go unseen; if it
// were too harsh, honest stores would fail.
import { describe, expect, it } from "vitest";
import { DiskModel } from "./disk-model.js";
import { seededRandom } from "./seeded-random.js";
import type { TraceEvent } from "./trace.js";

const write = (file: "main" | "wal", offset: number, text: string): TraceEvent => {
  return { kind: "write", file, offset, bytes: Buffer.from(text) };
};
const synced = (file: "main" | "wal", serial: number, failed = false): readonly TraceEvent[] => [
  { kind: "sync-begin", file, serial },
  { kind: "sync-end", file, serial, failed },
];

/** What 300 crashes left of a file after these events; "(absent)" where it was not there. */
function crashes(events: readonly TraceEvent[], file: "main" | "wal" = "wal"): ReadonlySet<string> {
  const random = seededRandom(1);
  const left = new Set<string>();
  for (let run = 0; run < 300; run += 1) {
    const disk = new DiskModel(random);
    for (const event of events) disk.apply(event);
    left.add(disk.crash(random).get(file)?.toString() ?? "(absent)");
  }
  return left;
}

describe("disk model", () => {
  it("[R1] keeps what was synced, always", () => {
    expect(crashes([write("wal", 0, "abc"), ...synced("wal", 1)])).toEqual(new Set(["abc"]));
  });

  it("[R1] may lose, keep or reorder what was not synced", () => {
    const left = crashes([write("wal", 0, "ab"), ...synced("wal", 1), write("wal", 2, "cd"), write("wal", 4, "ef")]);
    expect(left).toEqual(new Set(["ab", "abcd", "abcdef", "ab\0\0ef"]));
  });

  it("[R1] does not let a sync cover what was written after it began", () => {
    const [begin, end] = synced("wal", 1);
    if (begin === undefined || end === undefined) throw new Error("two events");
    expect(crashes([write("wal", 0, "ab"), begin, write("wal", 2, "cd"), end])).toContain("ab");
  });

  it("[R1] does not let a sync of one file cover another", () => {
    expect(crashes([write("main", 0, "m"), write("wal", 0, "w"), ...synced("main", 1)], "wal")).toContain("");
    expect(crashes([write("main", 0, "m"), write("wal", 0, "w"), ...synced("main", 1)], "main")).toEqual(
      new Set(["m"]),
    );
  });

  it("[R1] tears a large write at sectors", () => {
    const left = crashes([write("wal", 0, "a".repeat(512) + "b".repeat(512))]);
    expect(left).toContain("\0".repeat(512) + "b".repeat(512));
  });

  it("[R10] loses what a failed sync covered, though a later sync succeeds", () => {
    const left = crashes([write("wal", 0, "ab"), ...synced("wal", 1, true), ...synced("wal", 2)]);
    expect(left).toEqual(new Set(["", "ab"]));
  });

  it("[R1] may bring back an unlinked file until something was synced after it", () => {
    const unlinked: TraceEvent = { kind: "unlink", file: "wal" };
    const before = [write("wal", 0, "ab"), ...synced("wal", 1), unlinked];
    expect(crashes(before)).toEqual(new Set(["ab", "(absent)"]));
    expect(crashes([...before, write("main", 0, "m"), ...synced("main", 2)])).toEqual(new Set(["(absent)"]));
  });

  it("[R1] shows zeros, not old bytes, where a shortened file grew again", () => {
    const events: TraceEvent[] = [write("wal", 0, "abcdef"), { kind: "truncate", file: "wal", length: 2 }];
    expect(crashes([...events, write("wal", 4, "xy"), ...synced("wal", 1)])).toEqual(new Set(["ab\0\0xy"]));
  });
});
