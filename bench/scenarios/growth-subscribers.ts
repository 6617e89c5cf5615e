// How deliveries grow with the subscribers of one document, up to all the descriptors that a process has. Beside it the floor
// of one Node process: bare sockets, the bytes of 16 deltas with each write.
import type { LoadShape } from "../load.js";
import { type Curve, type Figures, type RunLength, rateFigures } from "../scenario.js";
import { loadAgainst, rawLoop, type ServerKind, tidemark } from "../servers.js";
import { DELTA, DELTAS_PER_WRITE } from "./busy-fan-out.js";

const busy: LoadShape = { mode: "tidemark", documents: 1, outstanding: DELTAS_PER_WRITE };

const deliveries = async (kind: ServerKind, shape: LoadShape, length: RunLength): Promise<Figures> =>
  rateFigures(await loadAgainst(kind, shape, length), "deliveries");

/** A round to so many takes so long that a writer needs several of them to have all of its calls under way. */
const SUBSCRIBERS_PER_WARM_UP_SECOND = 4_000;
const warmedUp = (subscribers: number, { seconds, warmUpSeconds }: RunLength): RunLength => ({
  seconds,
  warmUpSeconds: Math.max(warmUpSeconds, subscribers / SUBSCRIBERS_PER_WARM_UP_SECOND),
});

export const subscribersCurve: Curve = {
  id: "growth-subscribers",
  title: "deliveries of one busy document (16 outstanding) by its subscribers",
  x: { label: "subscribers", scale: "log" },
  y: { label: "deliveries", unit: "deliveries/s", scale: "log" },
  xs: [10, 100, 1_000, 5_000, 10_000, 19_000],
  series: [
    {
      name: "tidemark",
      measurePoint: (subscribers, length) =>
        deliveries(tidemark, { ...busy, subscribers }, warmedUp(subscribers, length)),
    },
    {
      name: "raw loop x 16",
      measurePoint: (subscribers, length) =>
        deliveries(
          rawLoop(subscribers, DELTA, DELTAS_PER_WRITE),
          { mode: "sink", subscribers },
          warmedUp(subscribers, length),
        ),
    },
  ],
  aboutSeconds: 130,
};
