// The past of a channel against a list: whatever was published, kept and deleted, and however it is asked for.
import type { Json } from "@tidemark/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { LookBack } from "../../../src/document/channels/channel-inputs.js";
import { MessageFilter } from "../../../src/document/channels/message-filter.js";
import { messagesBefore } from "../../../src/document/channels/past-messages.js";
import { type DocumentStore, type LogRow, TransactionKind } from "../../../src/document/document-store.js";
import type { PastEvent } from "../../../src/document/documents.js";

const NOW = 1_700_000_000_000;
const DAY_MS = 86_400_000;

const row = fc.record({
  kind: fc.constantFrom<"message" | "empty" | "delete">("message", "message", "message", "message", "empty", "delete"),
  name: fc.constantFrom("say", "left", "bell"),
  room: fc.constantFrom<Json>("a", "b", 1, null),
  text: fc.constantFrom("", "x".repeat(400_000)),
  agoDays: fc.nat({ max: 9 }),
});
const scenes = fc.record({
  rows: fc.array(row, { maxLength: 60 }),
  trimmed: fc.nat({ max: 30 }),
  undurable: fc.nat({ max: 3 }),
  history: fc.oneof(
    fc.constant("forever" as const),
    fc.record({ deltas: fc.integer({ min: 1, max: 50 }), days: fc.integer({ min: 1, max: 8 }) }),
  ),
  events: fc.option(fc.uniqueArray(fc.constantFrom("say", "left", "bell"), { minLength: 1 }), { nil: undefined }),
  room: fc.option(fc.constantFrom<string | number | null>("a", 1, null), { nil: undefined }),
  before: fc.option(fc.integer({ min: 1, max: 70 }), { nil: undefined }),
  limit: fc.integer({ min: 1, max: 40 }),
});
type Scene = typeof scenes extends fc.Arbitrary<infer S> ? S : never;

/** The log, oldest first: times never fall. */
function logOf({ rows }: Scene): LogRow[] {
  const times = rows.map(({ agoDays }) => NOW - agoDays * DAY_MS).sort((a, b) => a - b);
  return rows.map(({ kind, name, room, text }, index) => ({
    ...{ seq: index + 1, epoch: 1, typeVersion: 1, at: times[index] ?? NOW, subject: "", operations: "[]" },
    kind: kind === "delete" ? TransactionKind.delete : TransactionKind.message,
    events: kind === "message" ? JSON.stringify([[name, { room, text }]]) : undefined,
  }));
}

/** A store that only reads, and gives as few rows at a time as it may. */
function storeOf(log: readonly LogRow[], trimmed: number): DocumentStore {
  const read: DocumentStore["read"] = async (_ref, { after, limit, bytesMax }) => {
    const found = log.filter(({ seq }) => seq > Math.max(after, trimmed)).slice(0, limit);
    let bytes = 0;
    return found.filter(({ events = "" }, index) => {
      bytes += events.length;
      return index === 0 || bytes <= bytesMax;
    });
  };
  return { read } as Partial<DocumentStore> as DocumentStore;
}

/** The model: what must be seen, newest first. */
function expected(scene: Scene, log: readonly LogRow[], head: number): PastEvent[] {
  const { history, events, room, before = Number.POSITIVE_INFINITY } = scene;
  const deleted = log.findLast(({ seq, kind }) => seq <= head && kind === TransactionKind.delete)?.seq ?? 0;
  const kept = history === "forever" ? { oldest: 0, since: 0 } : { oldest: head - history.deltas, since: history.days };
  return log
    .filter(({ seq }) => seq > scene.trimmed && seq > deleted && seq > kept.oldest && seq <= head && seq < before)
    .filter(({ at }) => history === "forever" || at >= NOW - kept.since * DAY_MS)
    .flatMap(({ seq, at, events: text = "[]" }): PastEvent[] => {
      const parsed: [string, { room: Json }][] = JSON.parse(text);
      return parsed.map(([name, data]) => ({ seq, at, name, data }));
    })
    .filter(({ name }) => events === undefined || events.some((event) => event === name))
    .filter(({ data }) => room === undefined || (data as { room: Json }).room === room)
    .reverse();
}

it("[CHANNEL-4] gives every message that is kept and passes, once, newest first, however many answers that takes", async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const log = logOf(scene);
      const head = Math.max(0, log.length - scene.undurable);
      const past = { store: storeOf(log, scene.trimmed), ref: { name: NAME }, head, snapshot: undefined };
      const filter = new MessageFilter({
        ...(scene.events === undefined ? {} : { events: scene.events }),
        ...(scene.room === undefined ? {} : { where: { room: scene.room } }),
      });
      const wanted = expected(scene, log, head);
      const since = (log.findLast(({ seq, kind }) => seq <= head && kind === TransactionKind.delete)?.seq ?? 0) + 1;
      const found: PastEvent[] = [];
      let before = scene.before;
      for (let answers = 0; ; answers += 1) {
        expect(answers).toBeLessThan(100);
        const asked = new LookBack({ filter, limit: scene.limit, ...(before === undefined ? {} : { before }) });
        const page = await messagesBefore(past, asked, { history: scene.history, since, now: NOW });
        expect(page.messages.length).toBeLessThanOrEqual(scene.limit);
        // One answer is bounded, but for its first message.
        const texts = page.messages.map(({ data }) => JSON.stringify(data).length);
        expect(texts.slice(1).reduce((sum, length) => sum + length, 0)).toBeLessThan(1_048_576);
        found.push(...page.messages);
        if (page.next === undefined) break;
        expect(page.next).toBeLessThan(before ?? Number.POSITIVE_INFINITY);
        before = page.next;
      }
      expect(found).toEqual(wanted);
    }),
    { numRuns: 300 },
  );
});

const NAME = { space: "", type: "channel", key: "x" };
