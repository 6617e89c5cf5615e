// Randomness that a printed seed repeats. For tests only.

/** Uniform in [0, 1). */
export type Random = () => number;

/** Mulberry32. The same seed gives the same sequence. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An integer in [0, below). */
export const integer = (random: Random, below: number): number => Math.floor(random() * below);
