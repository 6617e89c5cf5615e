import { describe, expect, it } from "vitest";
import { ReceivedParts, SentParts } from "../../../src/cluster/kept-parts.js";
import type { FromOwner } from "../../../src/cluster/link-messages.js";
import { fromPlain, toPlain } from "../../../src/cluster/plain-opening.js";
import type { Committed, Opening, Snapshot } from "../../../src/document/documents.js";

const MIB = 1024 * 1024;

const snapshotOf = (bytes: number, seq = 1): Snapshot => ({ epoch: 1, seq, stateJson: "x".repeat(bytes) });

const resetAt = (snapshot: Snapshot): Opening => ({ kind: "reset", tag: "t", snapshot, events: [], gap: false });

/** Both ends of a link, and how much went over. */
class Ends {
  bytes = 0;
  readonly sent = new SentParts((message) => this.#carry(message));
  readonly #received = new ReceivedParts();

  pass(opening: Opening): Opening {
    const plain = toPlain(opening, this.sent);
    const passed = fromPlain(plain, this.#received);
    this.sent.makeRoom();
    return passed;
  }

  #carry(message: FromOwner): void {
    this.bytes += JSON.stringify(message).length;
    if (message[0] === "keep") this.#received.keep(message[1], message[2]);
    if (message[0] === "drop") this.#received.drop(message[1]);
  }
}

describe("the large parts of openings", () => {
  it("[R15] go over once, and are one object again for all", () => {
    const ends = new Ends();
    const snapshot = snapshotOf(MIB);
    const passed = Array.from({ length: 100 }, () => ends.pass(resetAt(snapshot)));
    expect(ends.bytes).toBeLessThan(1.1 * MIB);
    const [first] = passed;
    expect(first).toEqual(resetAt(snapshot));
    for (const opening of passed) {
      expect(opening.kind === "reset" && first?.kind === "reset" && opening.snapshot === first.snapshot).toBe(true);
    }
  });

  it("the same of a replay, whose rows come back as they were", () => {
    const ends = new Ends();
    const missed: readonly Committed[] = [
      { epoch: 1, previousEpoch: 1, seq: 2, at: 5, operations: '[["=","/a",1]]', events: undefined, by: "ann" },
      { epoch: 2, previousEpoch: 1, seq: 3, at: 6, operations: "[]", events: '[["e",1]]', by: undefined },
    ];
    const opening: Opening = { kind: "resume", tag: "t", prev: [1, 1], missed };
    const [one, other] = [ends.pass(opening), ends.pass(opening)];
    expect(one).toEqual(opening);
    expect(one.kind === "resume" && other.kind === "resume" && one.missed === other.missed).toBe(true);
  });

  it("[R14] are forgotten at both ends, the oldest first, when they are too much", () => {
    const ends = new Ends();
    const snapshots = Array.from({ length: 40 }, (_, n) => snapshotOf(MIB, n));
    for (const snapshot of snapshots) expect(ends.pass(resetAt(snapshot))).toEqual(resetAt(snapshot));
    const before = ends.bytes;
    ends.pass(resetAt(snapshots.at(-1) ?? snapshotOf(1)));
    expect(ends.bytes).toBe(before);
    ends.pass(resetAt(snapshots[0] ?? snapshotOf(1)));
    expect(ends.bytes).toBeGreaterThan(before + MIB);
  });

  it("one that is more than all that is kept goes over all the same", () => {
    const ends = new Ends();
    const layers = [1, 2].map((layer) => {
      const mode = "reset" as const;
      return { mode, layer, tag: "t", snapshot: snapshotOf(33 * MIB, layer) };
    });
    const opening: Opening = { kind: "view", layers, at: { epoch: 1, seq: 2 }, events: [], gap: false };
    expect(ends.pass(opening)).toEqual(opening);
  });
});
