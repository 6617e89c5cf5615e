// Where everybody stands once nothing goes wrong any more.
import { hasTeams, shownTo } from "../app/shown.js";
import type { Standing } from "../history/history.js";
import type { SimulatedDisk } from "../storage/simulated-disk.js";
import type { TimeLine } from "../world/time-line.js";
import type { Slot } from "./slot.js";

/** A client that was well comes back from any cut in this time. */
const MOMENT_MS = 3_000;
const LOOK_AGAIN_MS = 250;

/** Where standings are taken. */
export interface StandingsParts {
  readonly timeLine: TimeLine;
  readonly slots: readonly Slot[];
  readonly disk: SimulatedDisk;
}

/** Where everybody stands. Whoever does not stand well is looked at again for a moment: a token may run out at any time,
 * and its owner come back with another. */
export async function takeStandings(parts: StandingsParts): Promise<readonly Standing[]> {
  const { timeLine } = parts;
  const untilMs = timeLine.nowMs + MOMENT_MS;
  const well = new Map<string, Standing>();
  for (;;) {
    const left: Standing[] = [];
    for (const standing of look(parts)) {
      const name = `${standing.client} ${standing.documentId}`;
      if (isWell(standing) && !well.has(name)) well.set(name, standing);
      if (!well.has(name)) left.push(standing);
    }
    if (left.length === 0 || timeLine.nowMs >= untilMs) return [...well.values(), ...left];
    await timeLine.runUntil(timeLine.nowMs + LOOK_AGAIN_MS);
  }
}

function look({ slots, disk }: StandingsParts): Standing[] {
  const lines = disk.lines();
  return slots
    .flatMap(({ client }) => client?.standings() ?? [])
    .map((standing) => ({ ...standing, head: lines.get(standing.documentId)?.length ?? 0 }));
}

function isWell({ status, seq, head, documentId, state, team }: Standing): boolean {
  if (status === "denied") return true;
  return status === "live" && seq === head && (!hasTeams(documentId) || shownTo(documentId, state) === team);
}
