// Looks at clients again and again while faults happen, and writes down each time one of them says that it is live: so
// that it can be asked afterwards whether it was (R13). It leaves out the moments in which nobody could know better.
import type { Sighting } from "../history/history.js";
import type { House } from "../server/house.js";
import type { TimeLine } from "../world/time-line.js";
import type { Slot } from "./slot.js";

/** What a lookout is made of. */
export interface LookoutParts {
  readonly timeLine: TimeLine;
  readonly house: House;
  readonly slots: readonly Slot[];
  readonly pingIntervalMs: number;
}

const LOOK_MS = 700;
/** Timers are exact here: this is the way of a commit through the server. */
const SLACK_MS = 20;

/** Sightings of one run. */
export class Lookout {
  readonly sightings: Sighting[] = [];
  readonly #parts: LookoutParts;

  constructor(parts: LookoutParts) {
    this.#parts = parts;
  }

  /** Looks now, and until then. */
  lookUntil(untilMs: number): void {
    const { timeLine, slots } = this.#parts;
    for (const slot of slots) this.#look(slot);
    // Nobody is awake while everybody sleeps.
    const awakeMs = Math.min(...slots.map(({ client }) => client?.process.badUntilMs ?? 0));
    const nextMs = Math.max(timeLine.nowMs + LOOK_MS, awakeMs);
    if (nextMs < untilMs) timeLine.at(nextMs, () => this.lookUntil(untilMs));
  }

  #look({ client, route }: Slot): void {
    if (client === undefined || client.process.isPaused) return;
    const atMs = this.#parts.timeLine.nowMs;
    const link = client.platform.socket?.link;
    const { server } = this.#parts.house;
    // Something came two heartbeats ago, after all that was sent before it; but what was lost shows at the next heads.
    const beats = link !== undefined && server?.wires.get(link)?.watch.isLossy === true ? 3 : 2;
    const withinMs = beats * this.#parts.pingIntervalMs + route.delayMaxMs + SLACK_MS;
    // One that was taken for dead knows nothing of what its successor writes.
    const isOfGhost = link?.server.alive === true && link.server !== server?.process;
    if (isOfGhost || isJustBack(client.process, atMs, withinMs)) return;
    if (link !== undefined && isJustBack(link.server, atMs, withinMs)) return;
    for (const { everyMs, ...position } of client.live())
      this.sightings.push({ client: client.process.name, atMs, withinMs: withinMs + everyMs, ...position });
  }
}

/** It stood still, and has not caught up with what happened meanwhile. */
function isJustBack({ badUntilMs }: { readonly badUntilMs: number }, atMs: number, withinMs: number): boolean {
  return badUntilMs <= atMs && badUntilMs > atMs - withinMs;
}
