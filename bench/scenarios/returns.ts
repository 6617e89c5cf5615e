// P14 and P23: clients that were away and come back with their position. P14 asks that it takes no more bytes than the
// smaller of what they missed and a snapshot; P23, what a thousand of them at once take over bare sockets that are
// written the same bytes.
import type { LoadShape, MeasuredLoad } from "../load.js";
import { type Figures, loadFigures, type RunLength, type Scenario } from "../scenario.js";
import { loadAgainst, rawBurst, tidemark } from "../servers.js";

const MILLISECONDS = 1_000;

/** One subscriber stays, so that there is something to compare with. */
const away = (clients: number, missed: number, stateBytes: number): LoadShape => ({
  mode: "tidemark",
  documents: 1,
  subscribers: clients + 1,
  outstanding: 16,
  missed,
  stateBytes,
});

function noteOf(result: MeasuredLoad): string {
  const { resumedByReset, missedBytes, resumeBytes, snapshotBytes, resumeP50Ms, snapshotP50Ms } = result;
  const way = resumedByReset === 1 ? "a snapshot" : "the deltas";
  return (
    `came back by ${way}: ${resumeBytes} bytes in ${resumeP50Ms} ms each; missed ${missedBytes} bytes, ` +
    `a snapshot ${snapshotBytes} bytes in ${snapshotP50Ms} ms`
  );
}

/** What is compared: of those who came back, and of the smaller of what they missed and a snapshot. */
interface Measure {
  readonly id: string;
  readonly title: string;
  readonly stateBytes: number;
  readonly unit: string;
  readonly cameBack: (result: MeasuredLoad) => number | undefined;
  readonly otherwise: (result: MeasuredLoad) => number | undefined;
}

const ONE_BY_ONE = 100;

function smaller({ id, title, stateBytes, unit, cameBack, otherwise }: Measure): Scenario {
  let last: MeasuredLoad | undefined;
  const run = async (length: RunLength): Promise<MeasuredLoad> => {
    last = await loadAgainst(tidemark, { ...away(ONE_BY_ONE, 1_000, stateBytes), oneByOne: true }, length);
    return last;
  };
  return {
    id,
    title: `${unit} that a client takes who missed 1,000 deltas, over the smaller of them and a snapshot: ${title}`,
    unit,
    subject: {
      name: "coming back",
      async measure(length): Promise<Figures> {
        const result = await run(length);
        return { ...loadFigures(result, cameBack(result) ?? 0), note: noteOf(result) };
      },
    },
    peer: {
      name: "the smaller",
      async measure(length): Promise<Figures> {
        return { value: otherwise(last ?? (await run(length))) ?? 0, details: {} };
      },
    },
    goal: { atMost: 1.1 },
  };
}

const bytes = (id: string, title: string, stateBytes: number): Scenario =>
  smaller({
    id,
    title,
    stateBytes,
    unit: "bytes",
    cameBack: ({ resumeBytes }) => resumeBytes,
    otherwise: ({ missedBytes = 0, snapshotBytes = 0 }) => Math.min(missedBytes, snapshotBytes),
  });

/** How long the deltas take is not known when a snapshot was sent: then the snapshot is what is compared with. */
const time = (id: string, title: string, stateBytes: number): Scenario =>
  smaller({
    id,
    title,
    stateBytes,
    unit: "ms",
    cameBack: ({ resumeP50Ms }) => resumeP50Ms,
    otherwise: ({ snapshotP50Ms }) => snapshotP50Ms,
  });

const LARGE = 1_000_000;
const SMALL = 1_000;

/** P14: bytes and time, after a document of 1 MB and one of 1 KB was followed. */
export const missed: readonly Scenario[] = [
  bytes("P14-large", "a document of 1 MB", LARGE),
  time("P14-large-time", "a document of 1 MB", LARGE),
  bytes("P14-small", "a document of 1 KB", SMALL),
  time("P14-small-time", "a document of 1 KB", SMALL),
];

const CLIENTS = 1_000;
const MISSED = 500;
const STATE_BYTES = 200_000;

function allBack(): Scenario {
  let bytes = 0;
  return {
    id: "P23",
    title: `${CLIENTS} clients at head after ${MISSED} missed deltas each, over bare sockets written the same bytes`,
    unit: "s",
    subject: {
      name: "tidemark",
      async measure(length): Promise<Figures> {
        const result = await loadAgainst(tidemark, away(CLIENTS, MISSED, STATE_BYTES), length);
        bytes = Math.round(result.resumeBytes ?? 0);
        return { ...loadFigures(result, (result.resumeMs ?? 0) / MILLISECONDS), note: noteOf(result) };
      },
    },
    peer: {
      name: "raw sockets",
      async measure(length): Promise<Figures> {
        const shape: LoadShape = { mode: "burst", subscribers: CLIENTS, burstBytes: bytes };
        const result = await loadAgainst(rawBurst(bytes), shape, length);
        return loadFigures(result, (result.resumeMs ?? 0) / MILLISECONDS);
      },
    },
    goal: { atMost: 2 },
  };
}

export const manyReturns = allBack();
