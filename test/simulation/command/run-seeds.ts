// `--seeds`: a campaign, told to a person while it runs, kept in a file if wanted, and summed up in the end.
import type { ScenarioOptions } from "../scenario.js";
import { fingerprintOf, runCampaign } from "./campaign.js";
import { cpuMs, ProgressLine } from "./console.js";
import { type Progress, readProgress, writeProgress } from "./progress-file.js";
import { failureOf, shrunkOf } from "./report-failure.js";
import { summaryOf } from "./summary.js";

/** What `--seeds` was given. */
export interface SeedsOptions {
  readonly from: number;
  readonly seeds: number;
  readonly scenario: ScenarioOptions;
  /** The flags that make `scenario`, for commands that repeat a seed. */
  readonly flags: string;
  readonly resume: string | undefined;
}

/** How often the file is written, ms. */
const KEEP_MS = 5_000;
/** Only the first ones are shrunk: it takes its time, and they are often the same. */
const SHRUNK_MAX = 3;

/** Resolves with whether all seeds were run and none failed. Throws Error for a file that does not belong to this. */
export async function runSeeds(options: SeedsOptions): Promise<boolean> {
  const { from, seeds, scenario, resume } = options;
  const fingerprint = resume === undefined ? "" : await fingerprintOf(scenario);
  const begun = resume === undefined ? undefined : begunBefore(resume, { fingerprint, from });
  const line = new ProgressLine();
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  let next = begun?.next ?? from;
  let keptMs = performance.now();
  const keep = (progress: Pick<Progress, "next" | "totals">): void => {
    if (resume !== undefined) writeProgress(resume, { fingerprint, from, ...progress });
    keptMs = performance.now();
  };
  const totals = await runCampaign({
    from,
    seeds,
    options: scenario,
    ...(begun === undefined ? {} : { begun }),
    nowMs: cpuMs,
    ran: async (outcome, progress) => {
      next = progress.next;
      const { failures, virtualMs } = progress.totals;
      if (outcome.problems.length > 0) {
        line.clear();
        console.log(`\n${failureOf(outcome, options)}`);
        if (failures.length <= SHRUNK_MAX) console.log(await shrunkOf(outcome, options));
      }
      line.show(next - from, seeds, `${(virtualMs / 3_600_000).toFixed(1)} simulated hours, ${failures.length} failed`);
      if (performance.now() - keptMs >= KEEP_MS) keep(progress);
      return stopped;
    },
  });
  process.off("SIGINT", stop).off("SIGTERM", stop);
  keep({ next, totals });
  line.print(summaryOf(totals));
  const left = from + seeds - next;
  if (left > 0) console.log(`${left.toLocaleString("en-US")} seeds are left${goOn(resume)}`);
  return left <= 0 && totals.failures.length === 0;
}

const goOn = (resume: string | undefined): string =>
  resume === undefined ? "" : ": the same command goes on with them";

function begunBefore(path: string, now: { readonly fingerprint: string; readonly from: number }): Progress | undefined {
  const progress = readProgress(path);
  if (progress === undefined) return undefined;
  if (progress.fingerprint !== now.fingerprint) {
    throw new Error(
      `${path} was begun with other code or other options: its seeds mean other runs. Remove it to begin anew.`,
    );
  }
  if (progress.from !== now.from) throw new Error(`${path} was begun with --from ${progress.from}`);
  return progress;
}
