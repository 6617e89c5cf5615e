// P16: fan-out by two processes over fan-out by one, with one owner beside them. Both sides have every core, which they share
// with the load: what the load takes is not there for the edges, so the ratio is the lower bound of what they gain.
import type { LoadShape } from "../load.js";
import type { Scenario, Side } from "../scenario.js";
import { loadAgainst, tidemarkWithEdges } from "../servers.js";

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
