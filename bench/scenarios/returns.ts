// P14 and P23: clients that were away and come back with their position. P14 asks that it takes no more bytes than the
// smaller of what they missed and a snapshot; P23, what a thousand of them at once take over bare sockets that are
// written the same bytes.
import type { LoadResult, LoadShape } from "../load.js";
import type { Figures, RunLength, Scenario } from "../scenario.js";
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

function noteOf({ resumedByReset, missedBytes, resumeBytes, snapshotBytes, resumeMs, snapshotMs }: LoadResult): string {
  const way = resumedByReset === 1 ? "a snapshot" : "the deltas";
  return (
    `came back by ${way}: ${resumeBytes} bytes in ${resumeMs} ms each; missed ${missedBytes} bytes, ` +
    `a snapshot ${snapshotBytes} bytes in ${snapshotMs} ms`
  );
}

function smaller(id: string, title: string, stateBytes: number): Scenario {
  let last: LoadResult | undefined;
  const run = async (length: RunLength): Promise<LoadResult> => {
    last = await loadAgainst(tidemark, away(1, 1_000, stateBytes), length);
    return last;
  };
  return {
    id,
    title: `bytes that a client takes who missed 1,000 deltas, over the smaller of them and a snapshot: ${title}`,
    unit: "bytes",
    subject: {
      name: "coming back",
      async measure(length): Promise<Figures> {
        const result = await run(length);
        return { value: result.resumeBytes ?? 0, details: {}, note: noteOf(result) };
      },
    },
    peer: {
      name: "the smaller",
      async measure(length): Promise<Figures> {
        const { missedBytes = 0, snapshotBytes = 0 } = last ?? (await run(length));
        return { value: Math.min(missedBytes, snapshotBytes), details: {} };
      },
    },
    goal: { atMost: 1.1 },
  };
}

export const missedALittle = smaller("P14", "a document of 1 MB", 1_000_000);
export const missedALot = smaller("P14 small", "a document of 1 KB", 1_000);

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
        return { value: (result.resumeMs ?? 0) / MILLISECONDS, details: {}, note: noteOf(result) };
      },
    },
    peer: {
      name: "raw sockets",
      async measure(length): Promise<Figures> {
        const shape: LoadShape = { mode: "burst", subscribers: CLIENTS, burstBytes: bytes };
        const { resumeMs = 0 } = await loadAgainst(rawBurst(bytes), shape, length);
        return { value: resumeMs / MILLISECONDS, details: {} };
      },
    },
    goal: { atMost: 2 },
  };
}

export const manyReturns = allBack();
