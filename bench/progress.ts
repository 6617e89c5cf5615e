// What is printed while a benchmark runs: where it is, what each run came to, and about how long is left. It computes
// nothing that is kept.
import { formatFigure } from "./format.js";
import type { Progress } from "./measure.js";
import { type Figures, isCurve, type Measurable, type RunLength } from "./scenario.js";

/** Starting, connecting and stopping, about, for one run. */
const OVERHEAD_SECONDS = 2.5;

/** How long one pair or round takes, about, before any has been seen. */
export function aboutSeconds(measurable: Measurable, { seconds, warmUpSeconds }: RunLength): number {
  const runs = isCurve(measurable) ? measurable.xs.length * measurable.series.length : 2;
  return measurable.aboutSeconds ?? runs * (seconds + warmUpSeconds + OVERHEAD_SECONDS);
}

interface Planned {
  readonly measurable: Measurable;
  readonly pairs: number;
  /** Of one pair; what it is known to take, once one was seen. */
  pairSeconds: number;
  left: number;
}

/** Prints what goes on; `planned` pairs of each are to come. */
export class ProgressPrinter {
  readonly #print: (line: string) => void;
  readonly #planned: readonly Planned[];

  constructor(
    planned: readonly { readonly measurable: Measurable; readonly pairs: number; readonly left: number }[],
    length: RunLength,
    print: (line: string) => void,
  ) {
    this.#print = print;
    this.#planned = planned.map((one) => ({ ...one, pairSeconds: aboutSeconds(one.measurable, length) }));
  }

  /** Of one scenario. */
  of(measurable: Measurable): Progress {
    const index = this.#planned.findIndex((one) => one.measurable === measurable);
    const planned = this.#planned[index];
    if (planned === undefined) throw new Error(`${measurable.id} was not planned`);
    const what = isCurve(measurable) ? "round" : "pair";
    const unit = isCurve(measurable) ? measurable.y.unit : measurable.unit;
    return {
      beginPair: (done) =>
        this.#print(
          `${measurable.id} (${index + 1} of ${this.#planned.length}), ${what} ${done + 1} of ${planned.pairs}; about ${this.#left()} left`,
        ),
      ran: (side, figures) => this.#print(`  ${runLine(side, unit, figures)}`),
      endPair: (tookSeconds) => {
        planned.pairSeconds = tookSeconds;
        planned.left -= 1;
      },
    };
  }

  /** A scenario has ended early: nothing of it is to come. */
  gaveUp(measurable: Measurable): void {
    for (const one of this.#planned) if (one.measurable === measurable) one.left = 0;
  }

  #left(): string {
    const seconds = this.#planned.reduce((sum, { left, pairSeconds }) => sum + left * pairSeconds, 0);
    if (seconds < 90) return `${Math.round(seconds)} s`;
    const minutes = Math.round(seconds / 60);
    return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
}

/** One run, as it ends. */
function runLine(side: string, unit: string, figures: Figures): string {
  const { ackP50Ms, ackP99Ms, deliveryP50Ms, deliveryP99Ms } = figures.details;
  const { serverRssGrownMb, wakeSeconds, stoppedResets } = figures.details;
  const { wallSeconds, cpuSeconds, memory } = figures;
  const parts = [`${formatFigure(figures.value)} ${unit}`];
  if (ackP50Ms !== undefined && ackP50Ms > 0) parts.push(`ack p50 ${ackP50Ms} p99 ${ackP99Ms} ms`);
  if (deliveryP50Ms !== undefined && deliveryP50Ms > 0)
    parts.push(`delivery p50 ${deliveryP50Ms} p99 ${deliveryP99Ms} ms`);
  if (wallSeconds && cpuSeconds) parts.push(`server ${(cpuSeconds / wallSeconds).toFixed(2)} cores`);
  if (figures.loadCpu !== undefined) parts.push(`load ${figures.loadCpu.toFixed(2)}`);
  if (memory !== undefined) parts.push(`RSS ${formatFigure(memory.rssMaxMb)} MB`);
  if (memory?.heapMaxMb !== undefined) parts.push(`heap ${formatFigure(memory.heapMaxMb)} MB`);
  if (stoppedResets) {
    parts.push(`grown by ${formatFigure(serverRssGrownMb ?? 0)} MB`);
    parts.push(`woken in ${formatFigure(wakeSeconds ?? 0)} s by ${stoppedResets} resets`);
  }
  const line = `${side.padEnd(16)} ${parts.join(", ")}`;
  return figures.note === undefined ? line : `${line}\n${" ".repeat(19)}${figures.note}`;
}
