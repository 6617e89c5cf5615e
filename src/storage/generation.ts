// The rule by which each opening of a store gets an epoch of its own (WIRE, Epoch).

/**
 * Greater than `stored`, the newest one given: the clock when that is ahead, else a random step that the line a
 * restored backup rolled back is unlikely to have taken. `now` in Unix ms, `random` in [0, 1).
 */
export function generationAfter(stored: number, { now, random }: { now: number; random: number }): number {
  return now > stored ? now : stored + 1 + Math.floor(random * 2 ** 30);
}
