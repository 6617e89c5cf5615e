// Random clients, followers, commits and restarts against one document room; the log is the judge. A failing seed is
// printed and can be run alone. The judge itself must find planted bugs, or it proves nothing.
import { describe, expect, it } from "vitest";
import type { Append, DocumentStore } from "../../../src/document/document-store.js";
import type { Audience, Call, Documents } from "../../../src/document/documents.js";
import { type SimulationOptions, simulate } from "../../support/document-simulation.js";

const SEEDS = Number(process.env["TIDEMARK_SEEDS"] ?? 250);
const FIRST = Number(process.env["TIDEMARK_SEED"] ?? 1);

/** The first seed whose run the judge refuses. */
async function firstFailure(count: number, options?: SimulationOptions): Promise<string | undefined> {
  for (let seed = FIRST; seed < FIRST + count; seed += 1) {
    const { problems } = await simulate(seed, options);
    if (problems.length > 0) return `seed ${seed}: ${problems.join("; ")}`;
  }
  return undefined;
}

describe("a document under chance", () => {
  it(`[R1] [R2] [R3] [R4] [R5] [R6] [R8] holds for seeds ${FIRST} to ${FIRST + SEEDS - 1}`, async () => {
    const happened: Record<string, number> = {};
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
      const { problems, counts } = await simulate(seed);
      expect(problems, `seed ${seed}`).toEqual([]);
      for (const [what, count] of Object.entries(counts)) happened[what] = (happened[what] ?? 0) + count;
    }
    for (const fault of ["commit", "lost", "kept", "disk_full", "failed", "restart", "reconnect", "late"]) {
      expect(happened[fault], fault).toBeGreaterThan(0);
    }
  });

  it("[R6] the same seed gives the same run", async () => {
    expect(await simulate(7)).toEqual(await simulate(7));
  });
});

/** A store with one method of another kind. */
const storeWith =
  (change: (inner: DocumentStore) => Partial<DocumentStore>) =>
  (inner: DocumentStore): DocumentStore => {
    const changed = change(inner);
    return new Proxy(inner, {
      get(target, name) {
        const own: unknown = Reflect.get(changed, name);
        const value: unknown = own ?? Reflect.get(target, name);
        return typeof value === "function" ? value.bind(own === undefined ? target : changed) : value;
      },
    });
  };

const documentsWith =
  (change: (inner: Documents) => Partial<Documents>) =>
  (inner: Documents): Documents => ({
    open: (request) => inner.open(request),
    close: (document, follower) => inner.close(document, follower),
    refresh: (document, follower) => inner.refresh(document, follower),
    say: (document, follower, speech) => inner.say(document, follower, speech),
    call: (call) => inner.call(call),
    list: (request) => inner.list(request),
    ...change(inner),
  });

const audienceWith =
  (change: (inner: Audience) => Partial<Audience>) =>
  (inner: Audience): Audience => ({
    begin: (at) => inner.begin(at),
    deliver: (rows) => inner.deliver(rows),
    retire: () => inner.retire(),
    beginLayer: (layer, chain) => inner.beginLayer(layer, chain),
    endLayer: (layer) => inner.endLayer(layer),
    release: (head, deltas) => inner.release(head, deltas),
    ...change(inner),
  });

/** Bugs put between the room and what surrounds it: each looks from outside like one inside. */
const PLANTED: Record<string, SimulationOptions> = {
  "ack before durable": {
    wrap: storeWith((inner) => ({
      append: (batch: readonly Append[]) => {
        void inner.append(batch).catch(() => undefined);
        return Promise.resolve(batch.map(() => "committed" as const));
      },
    })),
  },
  "dedupe in memory only": {
    wrap: storeWith(() => ({ receipts: () => Promise.resolve({ low: 0, highest: 0, receipts: [] }) })),
  },
  "no dedupe": {
    wrapDocuments: documentsWith((inner) => {
      let copies = 0;
      const strange = ({ origin, ...call }: Call): Call => ({
        ...call,
        origin: { ...origin, client: `${origin.client}/${++copies}` },
      });
      return { call: (call) => inner.call(call.query ? call : strange(call)) };
    }),
  },
  "a delta is lost": {
    wrapAudience: audienceWith((inner) => {
      let count = 0;
      return { deliver: (rows) => inner.deliver(rows.filter(() => ++count % 7 !== 0)) };
    }),
  },
  "a delta comes twice": {
    wrapAudience: audienceWith((inner) => {
      let count = 0;
      return { deliver: (rows) => inner.deliver(rows.flatMap((row) => (++count % 7 === 0 ? [row, row] : [row]))) };
    }),
  },
  "snapshot off by one": {
    wrapDocuments: documentsWith((inner) => ({
      open: (request) => {
        const { follower } = request;
        const opened: typeof follower.opened = (opening) =>
          follower.opened(
            opening.kind === "reset"
              ? { ...opening, snapshot: { ...opening.snapshot, seq: opening.snapshot.seq - 1 } }
              : opening,
          );
        inner.open({
          ...request,
          follower: {
            caller: follower.caller,
            opened,
            ended: (code) => follower.ended(code),
            said: (speech, refusal) => follower.said(speech, refusal),
          },
        });
      },
    })),
  },
  "low is ignored": {
    wrapDocuments: documentsWith((inner) => ({
      call: (call) => inner.call({ ...call, low: Number.MAX_SAFE_INTEGER }),
    })),
  },
};

describe("the judge", () => {
  it.each(Object.entries(PLANTED))("[R6] finds: %s", async (_name, options) => {
    expect(await firstFailure(40, options)).toMatch(/^seed/);
  });
});
