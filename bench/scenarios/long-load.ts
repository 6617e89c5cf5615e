// P19: the load of P6, a hundred documents with eight calls outstanding each, for so long that what runs beside it shows: the
// fold, checkpoints, the collector. What is compared is the last tenth with the first: of ten minutes, a minute each.
import type { LoadShape, MeasuredLoad } from "../load.js";
import { loadFigures, type Scenario } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";

const shape: LoadShape = { mode: "tidemark", documents: 100, outstanding: 8 };
/** Windows of the usual length: ten minutes of four seconds. A shorter trial is one with shorter windows. */
const WINDOWS = 150;
const TENTH = 0.1;
const ABOUT_SECONDS = 610;

function longLoad(): Scenario {
  let first: MeasuredLoad | undefined;
  const run = async (seconds: number, warmUpSeconds: number): Promise<MeasuredLoad> =>
    loadAgainst(tidemark, shape, { seconds: WINDOWS * seconds, warmUpSeconds });
  const perSecond = (acks: number | undefined, { seconds }: MeasuredLoad): number => (acks ?? 0) / (seconds * TENTH);
  return {
    id: "P19",
    title: "acks of 100 documents x 8 outstanding in the last of ten minutes, over the first",
    unit: "acks/s",
    subject: {
      name: "last tenth",
      async measure({ seconds, warmUpSeconds }) {
        first = await run(seconds, warmUpSeconds);
        const least = Math.round(perSecond(first.leastTenthAcks, first)).toLocaleString("en-US");
        const { ackP50Ms, ackP99Ms, memory } = first;
        const note = `${Math.round(first.seconds)} s in all; least in a tenth ${least}; ack p50 ${ackP50Ms.toFixed(1)} p99 ${ackP99Ms.toFixed(1)} ms; at most ${Math.round(memory?.rssMaxMb ?? 0)} MB`;
        return { ...loadFigures(first, perSecond(first.lastTenthAcks, first)), note };
      },
    },
    peer: {
      name: "first tenth",
      async measure({ seconds, warmUpSeconds }) {
        const result = first ?? (await run(seconds, warmUpSeconds));
        return loadFigures(result, perSecond(result.firstTenthAcks, result));
      },
    },
    goal: { atLeast: 0.9 },
    aboutSeconds: ABOUT_SECONDS,
  };
}

export const tenMinutes = longLoad();
