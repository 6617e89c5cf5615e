// The rules of measuring, in one place: sides take turns (A B A B), and what is compared ran back to back, since absolute
// figures drift while ratios of neighbours hold. Each pair is recorded as it ends.
import type { RecordedPoint, RecordFile } from "./record.js";
import type { Curve, Figures, RunLength, Scenario, Series, Side } from "./scenario.js";

/** How often, how long, and as which command it is recorded. */
export interface MeasureOptions {
  readonly length: RunLength;
  /** Runs of each side, or of each point. */
  readonly pairs: number;
  readonly command: string;
}

/** Hears what goes on. */
export interface Progress {
  /** So many of the scenario's pairs, or rounds, are there. */
  beginPair(pairsDone: number): void;
  /** One run has ended. */
  ran(side: string, figures: Figures): void;
  /** A pair, or a round, took so long. */
  endPair(tookSeconds: number): void;
}

/** Runs those pairs of a scenario that the file does not have. Rejects as soon as one run is wrong. */
export async function measureScenario(
  scenario: Scenario,
  { length, pairs, command }: MeasureOptions,
  { file, progress }: { readonly file: RecordFile; readonly progress: Progress },
): Promise<void> {
  const run = async (side: Side): Promise<Figures> => {
    const figures = counted(side.name, await side.measure(length));
    progress.ran(side.name, figures);
    return figures;
  };
  for (let i = file.beginScenario(scenario, length, command); i < pairs; i++) {
    progress.beginPair(i);
    const began = new Date();
    const subject = await run(scenario.subject);
    const peer = await run(scenario.peer);
    const tookSeconds = (Date.now() - began.getTime()) / 1_000;
    file.addPair(scenario.id, { at: began.toISOString(), tookSeconds, subject, peer });
    progress.endPair(tookSeconds);
  }
}

/** Runs those points of a curve that the file does not have: in each round all series at the first x, then at the next. */
export async function measureCurve(
  curve: Curve,
  { length, pairs, command }: MeasureOptions,
  { file, progress }: { readonly file: RecordFile; readonly progress: Progress },
): Promise<void> {
  const known = new Set(file.beginCurve(curve, length, command).map(keyOf));
  for (let round = 0; round < pairs; round++) {
    const missing = pointsOf(curve, round).filter((point) => !known.has(keyOf(point)));
    if (missing.length === 0) continue;
    progress.beginPair(round);
    const began = Date.now();
    for (const { series, x, of } of missing) {
      const at = new Date();
      const figures = (await of.measurePoint(x, length)) ?? null;
      const tookSeconds = (Date.now() - at.getTime()) / 1_000;
      if (figures !== null) progress.ran(`${series} at ${x}`, counted(series, figures));
      file.addPoint(curve.id, { series, x, round, at: at.toISOString(), tookSeconds, figures });
    }
    progress.endPair((Date.now() - began) / 1_000);
  }
}

type Point = Pick<RecordedPoint, "series" | "x" | "round">;

function pointsOf({ xs, series }: Curve, round: number): readonly (Point & { readonly of: Series })[] {
  return xs.flatMap((x) => series.map((of) => ({ series: of.name, x, round, of })));
}

function keyOf({ series, x, round }: Point): string {
  return `${round} ${x} ${series}`;
}

/** JSON has no word for what is not a number, and a ratio none for what is nothing. */
function counted(name: string, figures: Figures): Figures {
  if (!Number.isFinite(figures.value) || figures.value <= 0) throw new Error(`${name} came to ${figures.value}`);
  return figures;
}
