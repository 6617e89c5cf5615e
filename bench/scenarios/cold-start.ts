// P15: a server starts on a database of 100,000 documents and ten million deltas that is not in memory, and documents are opened
// that nobody has opened yet. The database is made once, through the product's own store.
import { forgetPages } from "../cold-server.js";
import { type ColdShape, coldState, coldStore } from "../cold-store.js";
import { openOneByOne } from "../openings.js";
import type { Figures, Scenario } from "../scenario.js";
import { tidemark } from "../servers.js";

const SHAPE: ColdShape = { documents: 100_000, deltas: 100 };
const OPENED = 2_000;
const SERVING_S_MAX = 2;
const OPENING_MS_MAX = 10;
/** Any number without a common factor: no two of those opened are neighbours, and none is opened twice. */
const STRIDE = 7_919;
const ABOUT_SECONDS = 20;

/** What came of one start. */
export interface ColdStart {
  readonly servingSeconds: number;
  readonly openingMs: readonly number[];
  readonly rssMb: number;
}

/** Starts a server on such a database, and opens so many of its documents. */
export async function startCold(shape: ColdShape, opened: number): Promise<ColdStart> {
  const folder = await coldStore(shape, (text) => console.log(text));
  await forgetPages(folder);
  const began = performance.now();
  const server = await tidemark(folder);
  const servingSeconds = (performance.now() - began) / 1_000;
  try {
    const count = Math.min(opened, shape.documents);
    const documents = Array.from({ length: count }, (_, i) => `sheet/cold-${(i * STRIDE) % shape.documents}`);
    const of = { documents, state: coldState(shape), head: shape.deltas };
    const times = await openOneByOne({ port: server.port, ...of });
    const { rss } = await server.memory();
    return { servingSeconds, openingMs: [...times].sort((a, b) => a - b), rssMb: rss / 1e6 };
  } finally {
    await server.stop();
  }
}

/** Of those below which a share lies. */
export const quantile = (sorted: readonly number[], q: number): number => sorted[Math.ceil(sorted.length * q) - 1] ?? 0;

/** What is worth a line of it. */
export function coldFigures(start: ColdStart, value: number): Figures {
  const { servingSeconds, openingMs, rssMb } = start;
  const details = {
    servingSeconds,
    openP50Ms: quantile(openingMs, 0.5),
    openP99Ms: quantile(openingMs, 0.99),
    openMaxMs: quantile(openingMs, 1),
    rssMb,
  };
  const note = `serving after ${servingSeconds.toFixed(2)} s; opened p50 ${details.openP50Ms.toFixed(1)} p99 ${details.openP99Ms.toFixed(1)} max ${details.openMaxMs.toFixed(1)} ms; ${Math.round(rssMb)} MB`;
  return { value, details, note };
}

export const opensColdP99Ms = ({ openingMs }: ColdStart): number => quantile(openingMs, 0.99);

function cold(
  id: string,
  title: string,
  { unit, figure, most }: { unit: string; figure: (start: ColdStart) => number; most: number },
): Scenario {
  return {
    id,
    title,
    unit,
    subject: {
      name: "tidemark",
      async measure() {
        const start = await startCold(SHAPE, OPENED);
        return coldFigures(start, figure(start));
      },
    },
    peer: { name: "bound", measure: async () => ({ value: most, details: {} }) },
    goal: { atMost: 1 },
    aboutSeconds: ABOUT_SECONDS,
  };
}

export const coldStart = cold(
  "P15-start",
  "from the start until it serves, with 100,000 documents and 10 million deltas that are not in memory, over the bound of 2 s",
  { unit: "s", figure: ({ servingSeconds }) => servingSeconds, most: SERVING_S_MAX },
);

export const coldOpenings = cold(
  "P15-open",
  "99th percentile of opening one of them that nobody has opened, over the bound of 10 ms",
  { unit: "ms", figure: opensColdP99Ms, most: OPENING_MS_MAX },
);
