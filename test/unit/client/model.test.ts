import { applyJsonPatch, type Json, jsonEquals, TidemarkError } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { seeded, settled } from "../../support/virtual-platform.js";
import { ModelDocument } from "./model-document.js";
import { ModelServer } from "./model-server.js";
import { type Board, world } from "./world.js";

const SEEDS = Number(process.env.SEEDS ?? 100);
const FIRST = Number(process.env.FIRST_SEED ?? 1);
const STEPS = 120;

/** Everything an application could note of a document, checked as it comes. */
class Notes {
  readonly cards = new Map<string, unknown>();
  readonly events: string[] = [];
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  firstSeq: number | undefined;
  #previous: Json | undefined;

  constructor(board: Board) {
    board.subscribe((state, change) => {
      if (change.cause === "first") this.firstSeq ??= change.at.seq;
      else expect(jsonEquals(applyJsonPatch(this.#previous ?? null, change.patch), plain(state))).toBe(true);
      this.#previous = plain(state);
    });
    board.watch((state) => state.cards, {
      added: (card, key) => {
        expect(this.cards.has(key)).toBe(false);
        this.cards.set(key, card);
      },
      changed: (card, key, previous) => {
        expect(this.cards.get(key)).toBe(previous);
        this.cards.set(key, card);
      },
      removed: (_card, key) => expect(this.cards.delete(key)).toBe(true),
    });
    board.on("added", ({ id }) => this.events.push(id));
    board.on("gap", (gap) => this.gaps.push(gap));
  }
}

interface CallNote {
  readonly n: number;
  outcome: "pending" | "ok" | "rejected" | "unknown";
  code: string | undefined;
}

interface Faults {
  readonly lose?: boolean;
  readonly restore?: boolean;
}

class Run {
  readonly document = new ModelDocument();
  readonly made = world();
  readonly chance: () => number;
  readonly model: ModelServer;
  readonly board: Board;
  readonly notes: Notes;
  readonly calls: CallNote[] = [];
  /** How many left while other things went on. */
  parts = 0;
  readonly #layers: 1 | 2;

  constructor(seed: number, layers: 1 | 2) {
    this.chance = seeded(seed);
    this.#layers = layers;
    this.made.platform.random = seeded(seed + 7);
    this.model = new ModelServer(this.made.server, this.document, { chance: this.chance, layers });
    this.board = this.made.tide.open("board", "b");
    this.notes = new Notes(this.board);
  }

  async step(faults: Faults): Promise<void> {
    const roll = this.chance();
    if (roll < 0.2) this.model.commit();
    else if (roll < 0.43) this.model.takeOne();
    else if (roll < 0.48) this.parts += this.model.part() ? 1 : 0;
    // What one of two layers lost shows only when heads are compared.
    else if (roll < 0.7) this.deliver(faults.lose !== true || this.#layers === 1);
    else if (roll < 0.74) this.model.cut();
    else if (roll < 0.78) this.model.ping();
    else if (roll < 0.8) this.document.epoch += 1 + Math.floor(this.chance() * 3);
    else if (roll < 0.82) this.document.trimmed = Math.floor(this.chance() * this.document.rows.length);
    else if (roll < 0.92) this.call();
    else if (faults.lose && roll < 0.94) this.model.loseOne();
    else if (faults.restore && roll < 0.94) this.model.restore();
    else await this.made.platform.advance(Math.floor(this.chance() * 400));
    await settled();
  }

  call(): void {
    const note: CallNote = { n: this.calls.length + 1, outcome: "pending", code: undefined };
    this.calls.push(note);
    const stop = new AbortController();
    if (this.chance() < 0.1) void this.made.platform.setTimer(this.chance() * 500, () => stop.abort());
    const sent = this.board.send.add({ text: "x" }, { signal: stop.signal, deadlineMs: 500 + this.chance() * 20_000 });
    sent.then(
      async () => {
        note.outcome = "ok";
        expect((await sent.receipt).n).toBe(note.n);
      },
      (error: unknown) => {
        if (!(error instanceof TidemarkError)) throw error;
        note.outcome = error.outcome;
        note.code = error.code;
      },
    );
  }

  /** Delivers a frame, and compares what the client then shows with what the log says. */
  deliver(check = true): boolean {
    if (!this.model.deliverOne()) return false;
    const { shown } = this.model;
    if (!check || shown === undefined || this.board.status !== "live") return true;
    const [shared, mine] = shown.states;
    const expected = this.#layers === 1 ? shared : { ...Object(shared), mine };
    expect(plain(this.board.state)).toEqual(expected);
    expect(Object.fromEntries(this.notes.cards)).toEqual(this.board.state?.cards);
    return true;
  }

  /** The faults stop: everything that can be said and done is. */
  async calm(check = true): Promise<void> {
    for (let round = 0; round < 60; round++) {
      await this.made.platform.advance(1_000);
      if (round % 10 === 9) this.model.ping();
      let moved = true;
      while (moved) {
        moved = this.model.takeOne() || this.model.part();
        await settled();
        moved = this.deliver(check) || moved;
        await settled();
      }
    }
  }

  expectCaughtUp(): void {
    const { seq, epoch, states } = this.document.head;
    expect([this.board.status, this.board.position]).toEqual(["live", { epoch, seq }]);
    expect(this.board.state?.cards).toEqual(Reflect.get(Object(states[0]), "cards"));
    expect(this.made.platform.reported).toEqual([]);
  }

  /** Each event once and in order; only those in a gap that was told may be missing. */
  expectEvents(): void {
    const { events, gaps, firstSeq = 0 } = this.notes;
    const told = new Set(events);
    const all = this.document.rows.filter(({ seq }) => seq > firstSeq);
    expect(told.size).toBe(events.length);
    const still = new Set(all.flatMap((row) => row.events));
    expect(events.filter((id) => still.has(id))).toEqual([...still].filter((id) => told.has(id)));
    const lost = all.filter((row) => row.events.some((id) => !told.has(id)));
    for (const { seq } of lost) expect(gaps.some(({ from, to }) => seq > from && seq <= to)).toBe(true);
  }

  expectCalls(): void {
    const applied = this.document.rows.flatMap(({ n }) => (n === undefined ? [] : [n]));
    expect(applied).toEqual([...new Set(applied)].toSorted((a, b) => a - b));
    for (const { n, outcome, code } of this.calls) {
      expect(outcome).not.toBe("pending");
      if (code === "superseded") expect(this.document.rejected.has(n)).toBe(true);
      if (outcome !== "unknown") expect([n, applied.includes(n)]).toEqual([n, outcome === "ok"]);
    }
  }
}

function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value));
}

async function run(seed: number, layers: 1 | 2, faults: Faults = {}): Promise<Run> {
  const made = new Run(seed, layers);
  await settled();
  for (let step = 0; step < STEPS; step++) await made.step(faults);
  await made.calm(faults.lose !== true);
  return made;
}

describe.each([1, 2] as const)(
  "%i layer(s), random schedules with cuts, late calls, resumes, resets, trims",
  (layers) => {
    test(`[R3] [R4] [R5] [R6] [R8] [R20] [SEQ-6] [SEQ-7] [SEQ-9] [EVENT-1] [EVENT-2] [REQ-3] [REQ-16] [REQ-17] seeds ${FIRST}..`, async () => {
      const seen = { ok: 0, rejected: 0, unknown: 0, gaps: 0, events: 0, parts: 0 };
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        try {
          const made = await run(seed, layers);
          made.expectCaughtUp();
          made.expectEvents();
          made.expectCalls();
          for (const { outcome } of made.calls) if (outcome !== "pending") seen[outcome]++;
          seen.parts += made.parts;
          seen.gaps += made.notes.gaps.length;
          seen.events += made.notes.events.length;
        } catch (error) {
          throw new Error(`seed ${seed}, ${layers} layer(s)`, { cause: error });
        }
      }
      // The schedules must have met what they are for.
      for (const count of Object.values(seen)) expect(count).toBeGreaterThan(SEEDS / 10);
    });

    test(`[R3] [R4] [R8] [EVENT-2] [SEQ-4] restored backups are another history, whose events come once or are told as lost, seeds ${FIRST}..`, async () => {
      let restored = 0;
      for (let seed = FIRST; seed < FIRST + SEEDS / 2; seed++) {
        try {
          const made = await run(seed, layers, { restore: true });
          made.expectCaughtUp();
          made.expectEvents();
          const applied = made.document.rows.map(({ n }) => n);
          for (const { n, outcome } of made.calls) if (outcome === "rejected") expect(applied).not.toContain(n);
          restored += made.made.tide.stats.resets.other_history;
        } catch (error) {
          throw new Error(`seed ${seed}, ${layers} layer(s), with restored backups`, { cause: error });
        }
      }
      expect(restored).toBeGreaterThan(SEEDS / 10);
    });

    test(`[R13] [R20] frames lost in the middle are noticed and healed, seeds ${FIRST}..`, async () => {
      for (let seed = FIRST; seed < FIRST + SEEDS / 2; seed++) {
        try {
          const made = await run(seed, layers, { lose: true });
          made.expectCaughtUp();
          expect(made.made.platform.reported).toEqual([]);
        } catch (error) {
          throw new Error(`seed ${seed}, ${layers} layer(s), with lost frames`, { cause: error });
        }
      }
    });
  },
);
