// Random programs over a few documents of one store: commits, reads, snapshots, trims, deletions, new owners and
// reopenings, each answer compared with the model's.
import fc from "fast-check";
import { expect } from "vitest";
import type { DocumentStore } from "../../src/document/document-store.js";
import { TransactionKind } from "../../src/document/document-store.js";
import { BORN, commitAll, DocumentDriver, type Draft, named } from "./document-driver.js";
import { DocumentModel } from "./store-model.js";

const KEYS = ["a", "b", "Z", "~z"];
const SUBJECTS = ["ann", "bob"];
const CLIENTS = ["c1", "c2"];

const doc = fc.nat(KEYS.length - 1);
const asker = fc.record({ subject: fc.constantFrom(...SUBJECTS), client: fc.constantFrom(...CLIENTS) });
const content = fc.record({
  asker: fc.option(asker, { nil: undefined, freq: 5 }),
  skip: fc.nat(2),
  behind: fc.nat(4),
  events: fc.option(fc.constant('[["said",{"text":"å\\u0000🎈"}]]'), { nil: undefined }),
  text: fc.string({ unit: "grapheme", maxLength: 30 }),
  typeVersion: fc.integer({ min: 1, max: 2 }),
  result: fc.option(fc.json({ maxDepth: 1 }), { nil: undefined }),
});
type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      docs: fc.uniqueArray(doc, { minLength: 1, maxLength: KEYS.length }),
      contents: fc.array(content, { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), doc }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("load" as const), doc }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      doc,
      after: fc.nat(120),
      limit: fc.integer({ min: 1, max: 60 }),
      bytesMax: fc.constantFrom(0, 100, 1_000_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("epochAt" as const), doc, seq: fc.nat(120) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("receipts" as const), doc, asker }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("snapshot" as const), doc, back: fc.nat(10) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("trim" as const), doc, deltas: fc.nat(20), since: fc.nat(120) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("list" as const), limit: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export const storePrograms: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 5, maxLength: 60 });

/** Runs a program on a store and reopens it through `reopen`. At the end every document is compared whole. */
export async function runProgram(program: readonly Step[], reopen: () => Promise<DocumentStore>): Promise<void> {
  const run = new ProgramRun(await reopen(), reopen);
  for (const one of program) await run.perform(one);
  await run.expectEverything();
  await run.perform({ do: "reopen" });
  await run.expectEverything();
}

class ProgramRun {
  #store: DocumentStore;
  readonly #reopen: () => Promise<DocumentStore>;
  readonly #models: DocumentModel[];

  constructor(store: DocumentStore, reopen: () => Promise<DocumentStore>) {
    this.#store = store;
    this.#reopen = reopen;
    this.#models = KEYS.map((key) => new DocumentModel(new DocumentDriver(store, named(key))));
  }

  async perform(one: Step): Promise<void> {
    switch (one.do) {
      case "commit":
        return commitAll(
          this.#store,
          one.docs.map((index) => ({ driver: this.#at(index).driver, drafts: this.#drafts(index, one.contents) })),
        );
      case "delete":
        return this.#delete(this.#at(one.doc));
      case "load":
        return this.#at(one.doc).expectLoaded();
      case "read":
        return this.#at(one.doc).expectRead(this.#store, one);
      case "epochAt":
        return this.#at(one.doc).expectEpochAt(this.#store, one.seq);
      case "receipts":
        return this.#at(one.doc).expectReceipts(this.#store, one.asker.subject, one.asker.client);
      case "snapshot":
        return this.#at(one.doc).saveSnapshot(this.#store, this.#at(one.doc).driver.head - one.back);
      case "trim":
        return this.#at(one.doc).trim(this.#store, { deltas: one.deltas, since: BORN + one.since });
      case "list":
        return this.#expectList(one.limit);
      case "reopen":
        this.#store = await this.#reopen();
        for (const { driver } of this.#models) driver.moveTo(this.#store);
    }
  }

  async expectEverything(): Promise<void> {
    for (const model of this.#models) {
      await model.expectLoaded();
      await model.expectRead(this.#store, { after: 0, limit: 10_000, bytesMax: 1e9 });
      for (const subject of SUBJECTS) {
        for (const client of CLIENTS) await model.expectReceipts(this.#store, subject, client);
      }
    }
    await this.#expectList(2);
  }

  #at(index: number): DocumentModel {
    const model = this.#models[index];
    if (model === undefined) throw new Error(`no document ${index}`);
    return model;
  }

  async #delete({ driver }: DocumentModel): Promise<void> {
    if (driver.head > 0 && !driver.deleted) await driver.commit({ kind: TransactionKind.delete, operations: "[]" });
  }

  #drafts(index: number, contents: readonly Content[]): Draft[] {
    const model = this.#at(index);
    const highest = new Map<string, number>();
    return contents.map((one, offset) => {
      const first = offset === 0 && (model.driver.head === 0 || model.driver.deleted);
      const draft = {
        ...(first ? { kind: TransactionKind.create } : {}),
        at: BORN + model.driver.head + offset,
        typeVersion: one.typeVersion,
        operations: JSON.stringify([["=", "/text", one.text]]),
        ...(one.events === undefined ? {} : { events: one.events }),
      };
      if (one.asker === undefined) return draft;
      const { subject, client } = one.asker;
      const key = `${subject} ${client}`;
      const n = (highest.get(key) ?? model.receipts(subject, client).highest) + 1 + one.skip;
      highest.set(key, n);
      return { ...draft, request: { subject, client, n, low: Math.max(0, n - one.behind), result: one.result } };
    });
  }

  async #expectList(limit: number): Promise<void> {
    const live = this.#models
      .filter(({ driver }) => driver.head > 0 && !driver.deleted)
      .map(({ driver }) => driver.name.key);
    const listed: string[] = [];
    for (let after: string | undefined = ""; after !== undefined; ) {
      const page = await this.#store.list({ space: "", type: "note", after, limit });
      expect(page.keys.length).toBeLessThanOrEqual(limit);
      listed.push(...page.keys);
      after = page.next;
    }
    expect(listed).toEqual(live.sort());
  }
}
