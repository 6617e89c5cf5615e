// A thousand readers that stop reading, beside a hundred healthy ones on one busy document. What is compared is what the
// healthy ones notice; what the server keeps for the others is bounded, and all of them are at the head once they wake.
import { LIMITS } from "@tidemark/protocol";
import { LoadFailure, type LoadShape, type MeasuredLoad } from "../load.js";
import { rateFigures, type Scenario, type Side } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";

const HEALTHY = 100;
const STOPPED = 1_000;
/** What a server may grow by besides what waits for its slow readers. */
const GROWTH_BYTES_MAX = 256 * 1_048_576;
const MB = 1_000_000;
/** Until every stopped reader has its fill. */
const FILLING_S = 8;

/** Deltas of 2 KB, so that a stopped reader has its fill soon. */
const shape: LoadShape = {
  mode: "tidemark",
  documents: 1,
  outstanding: 4,
  payloadBytes: 2_000,
  freshValues: true,
  subscribers: HEALTHY,
};

function lag(name: string, stopped: number): Side {
  return {
    name,
    async measure({ seconds, warmUpSeconds }) {
      const length = { seconds, warmUpSeconds: Math.max(warmUpSeconds, FILLING_S) };
      const result = await loadAgainst(tidemark, { ...shape, stopped, subscribers: HEALTHY + stopped }, length);
      assertBounded(result, stopped);
      return { ...rateFigures(result, "deliveries"), value: result.deliveryP50Ms };
    },
  };
}

/** Rejects when the server grew by more than it may, or nobody was ever slow. */
function assertBounded({ serverRssGrownMb = 0, stoppedResets = 0 }: MeasuredLoad, stopped: number): void {
  const bound = (stopped * LIMITS.outboundSoftBytes + GROWTH_BYTES_MAX) / MB;
  if (serverRssGrownMb > bound) throw new LoadFailure(`the server grew by ${serverRssGrownMb} MB, above ${bound} MB`);
  if (stopped > 0 && stoppedResets < stopped / 2)
    throw new LoadFailure(`only ${stoppedResets} of ${stopped} stopped readers were ever slow: run it for longer`);
}

export const stoppedReaders: Scenario = {
  id: "S1",
  title: `${HEALTHY} healthy readers of a busy document beside ${STOPPED} stopped ones, over the same without those`,
  unit: "ms to deliver",
  subject: lag("with stopped", STOPPED),
  peer: lag("without", 0),
  goal: { atMost: 1.2 },
};
