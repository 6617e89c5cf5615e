// Several processes that hold sockets. The case of a study of River: 20,000 connections on one channel, each announced to all,
// and 37 bytes to everybody, which two single-core containers delivered 300,000 times a second. And P16: fan-out by two processes over fan-out by one, with one owner beside them. Both sides have every core, which they share
// with the load: what the load takes is not there for the edges, so the ratio is the lower bound of what they gain.

import { type PublishForm, runPublishes } from "../channel-load.js";
import type { LoadShape } from "../load.js";
import type { Figures, RunLength, Scenario, Side } from "../scenario.js";
import { loadAgainst, tidemarkWithEdges, withServer } from "../servers.js";

/** Nothing to coalesce: what each delivery costs is the edges' to pay. */
const shape: LoadShape = { mode: "tidemark", documents: 10, subscribers: 200, outstanding: 1 };

function edges(count: number): Side {
  return {
    name: count === 1 ? "1 edge" : `${count} edges`,
    async measure(length) {
      const {
        failures: _failures,
        loadCpu,
        memory,
        ...details
      } = await loadAgainst(tidemarkWithEdges(count), shape, length);
      return { value: details.deliveriesPerSecond, loadCpu, details, ...(memory === undefined ? {} : { memory }) };
    },
  };
}

export const twoEdges: Scenario = {
  id: "P16",
  title: "deliveries to 2,000 subscribers by two edge processes, over one (10 documents x 1 outstanding, two cores)",
  unit: "deliveries/s",
  subject: edges(2),
  peer: edges(1),
  goal: { atLeast: 1.5 },
};

const CHANNEL = "dogs";
const CALLERS = 16;
/** In two processes of the load: one has no more than 20,000 descriptors. */
const MEMBERS = 20_000;
const STUDY_PER_SECOND = 300_000;

const crowd = ({ seconds, warmUpSeconds }: RunLength): Promise<Figures> =>
  withServer(tidemarkWithEdges(2), async ({ port, pid }) => {
    const form: PublishForm = {
      ...{ httpPort: port, callers: CALLERS, path: `/v1/channels/${CHANNEL}/post` },
      ...{ authorization: "Authorization: Bearer publisher", bodyBefore: "", bodyAfter: "" },
    };
    const load = { kind: "tidemark", port, serverPid: pid, token: "member-", present: true, cores: "any" } as const;
    const members = { members: MEMBERS / 2, beside: MEMBERS / 2 };
    const result = await runPublishes({ ...load, ...members, seconds, warmUpSeconds }, form);
    const { deliveriesPerSecond: value, loadCpu, lagP50Ms, lagP99Ms, publishedPerSecond } = result;
    const note = `${Math.round(publishedPerSecond)} posts/s to ${MEMBERS}, all present; lag p50 ${lagP50Ms} p99 ${lagP99Ms} ms`;
    return { value, wallSeconds: result.seconds, loadCpu, details: { ...result }, note };
  });

/** The study's figure is one of another machine: it is printed beside, and no goal. */
export const studiedCrowd: Scenario = {
  id: "study",
  title: `deliveries to ${MEMBERS} present members of one channel over --edges 2 (load, owner and edges on two cores), beside the 300,000 a second of the study`,
  unit: "deliveries/s",
  subject: { name: "2 edges", measure: crowd },
  peer: { name: "the study", measure: async () => ({ value: STUDY_PER_SECOND, details: {} }) },
  aboutSeconds: 60,
};
