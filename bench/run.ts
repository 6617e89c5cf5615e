// `npm run bench`: chooses the scenarios, runs them and prints the verdicts. It exits 1 when a load found anything
// wrong, since a figure with a gap in it is no figure; a goal that is not met is printed, not an exit code.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measure, type Verdict } from "./measure.js";
import { machineLine, progressLine, table } from "./report.js";
import type { Scenario } from "./scenario.js";
import { ackedCalls } from "./scenarios/acked-calls.js";
import { busyFanOut, busyFanOutFloor } from "./scenarios/busy-fan-out.js";
import { joins, publishes } from "./scenarios/channels.js";
import { herdAnew, herdOnMany, herdOnOne } from "./scenarios/crash-herd.js";
import { largeDocument } from "./scenarios/large-document.js";
import { loneWriter } from "./scenarios/lone-writer.js";
import { tenTimesTheCapacity, twiceTheCapacity, twiceTheCapacityOfFew } from "./scenarios/overload.js";
import { presentInMemory } from "./scenarios/present-in-memory.js";
import { manyReturns, missed } from "./scenarios/returns.js";
import { stoppedReaders } from "./scenarios/stopped-readers.js";

const SUITES: { readonly [name: string]: readonly Scenario[] } = {
  core: [ackedCalls, busyFanOut, largeDocument, loneWriter],
  "fan-out": [busyFanOut, busyFanOutFloor],
  herd: [
    herdOnMany,
    herdOnOne,
    herdAnew,
    twiceTheCapacity,
    twiceTheCapacityOfFew,
    tenTimesTheCapacity,
    ...missed,
    manyReturns,
  ],
  streams: [stoppedReaders],
  presence: [presentInMemory],
  channels: [publishes, joins],
};

const HELP = `Usage: npm run bench -- <suite> [options]

Suites
  core      P5 acked calls, P2 busy fan-out, P11 large document, P8 lone writer
  fan-out   P2 again, and over a raw net loop
  herd      P13 10,000 clients after kill -9: on 100 documents, on one, and with nothing remembered;
            P12 twice the capacity, R15 ten times; P14 and P23 coming back after deltas were missed
  streams   1,000 stopped readers beside 100 healthy ones
  presence  P21 within the server: 20,000 sessions join one document and everybody is told
  channels  P20 HTTP publishes to 1,000 members of a channel, P21 joins seen by 19,000 present, beside a socket.io 2
            and Redis build (needs redis-server on the PATH; its packages are installed once)

Options
  --pairs N      runs of each side, interleaved (default 3)
  --seconds N    length of each measured window (default 4)
  --warm-up N    seconds before it (default 2)
  --only ID      one scenario of the suite, e.g. P5; may be repeated
  --json FILE    every run's figures as JSON
  --help

Exits 1 when a load saw a gap, a difference, a refusal or a server that would not start.`;

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly pairs: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly json: string | undefined;
}

function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      pairs: { type: "string", default: "3" },
      seconds: { type: "string", default: "4" },
      "warm-up": { type: "string", default: "2" },
      only: { type: "string", multiple: true },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const suite = SUITES[positionals[0] ?? ""];
  if (values.help || suite === undefined) return undefined;
  const scenarios = suite.filter(({ id }) => values.only?.includes(id) ?? true);
  const [pairs, seconds, warmUpSeconds] = [Number(values.pairs), Number(values.seconds), Number(values["warm-up"])];
  const sane = scenarios.length > 0 && Number.isInteger(pairs) && pairs >= 1 && seconds > 0 && warmUpSeconds >= 0;
  return sane ? { scenarios, pairs, seconds, warmUpSeconds, json: values.json } : undefined;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) {
    console.log(HELP);
    return process.argv.includes("--help") ? 0 : 2;
  }
  const machine = await machineLine();
  console.log(machine);
  const verdicts: Verdict[] = [];
  let wrong = 0;
  for (const scenario of options.scenarios) {
    try {
      verdicts.push(await measure(scenario, options, (...run) => console.log(progressLine(...run))));
    } catch (error) {
      wrong += 1;
      console.error(`${scenario.id} FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (verdicts.length > 0) console.log(`\n${table(verdicts)}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ machine, verdicts }, null, 2)}\n`);
  return wrong === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  process.exitCode = 2;
}
