// `npm run replay`: parses what was asked for, shows progress, prints the outcome, and fails when anything was lost.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { holds, type ReplayResult, replay } from "./run.js";

const ALL_DAYS = fileURLToPath(new URL("../../../shared/data/irc-ubuntu", import.meta.url));
const ONE_DAY = fileURLToPath(new URL("../../examples/irc-log/lines", import.meta.url));

const HELP = `Feeds IRC logs, a document for each file, into a real server that is killed and cut off on the way, and compares
input, log, and every subscriber's state and events.

  npm run replay -- [options]

  --data DIR         folder of log files (all days if they are there, else the example's one)
  --subscribers N    per document, half of them msgpack (5)
  --kills N          kill -9 and restart (5)
  --cuts N           cut sockets (30)
  --faults N         late bytes, half-open connections, one way or both swallowed, without a cut (20)
  --fold-rows N      rows in the journal that start a fold (500)
`;

const { values } = parseArgs({
  options: {
    data: { type: "string", default: existsSync(ALL_DAYS) ? ALL_DAYS : ONE_DAY },
    subscribers: { type: "string", default: "5" },
    kills: { type: "string", default: "5" },
    cuts: { type: "string", default: "30" },
    faults: { type: "string", default: "20" },
    "fold-rows": { type: "string", default: "500" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  const started = performance.now();
  const result = await replay({
    data: values.data,
    subscribersPerDocument: Number(values.subscribers),
    kills: Number(values.kills),
    cuts: Number(values.cuts),
    faults: Number(values.faults),
    foldRows: Number(values["fold-rows"]),
    progress: (text) => process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`),
  });
  process.stdout.write(report(result, (performance.now() - started) / 1_000));
  process.exitCode = holds(result) ? 0 : 1;
}

function report(result: ReplayResult, seconds: number): string {
  const { verdict } = result;
  const rows: readonly (readonly [string, number])[] = [
    ["documents", result.documents],
    ["lines", result.lines],
    ["acks", result.acks],
    ["kills with -9", result.kills],
    ["socket cuts", result.cuts],
    ["network faults", result.faults],
    ["calls sent again", result.retries],
    ["folds", result.folds],
    ["resumes by replay", result.replays],
    ["resumes by snapshot", result.snapshots],
    ["lost", verdict.lost],
    ["duplicated", verdict.duplicated],
    ["reordered", verdict.reordered],
    ["divergent", verdict.divergent],
  ];
  const table = rows.map(([name, count]) => `${name.padEnd(20)} ${String(count).padStart(7)}`).join("\n");
  const notes = [...result.failures.slice(0, 20), ...verdict.notes].map((note) => `! ${note}\n`).join("");
  return `\n${table}\n${notes}${holds(result) ? "holds" : "DOES NOT HOLD"}, ${seconds.toFixed(1)} s\n`;
}
