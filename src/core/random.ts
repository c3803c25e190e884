/** A source of chance: a number in [0, 1). Rules get it as a parameter, so that tests can repeat a run. */
export type Random = () => number;

/**
 * A small, fast generator whose whole sequence follows from the seed; not for secrets.
 *
 * @param seed any integer; only its low 32 bits count
 * Source: the mulberry32 construction by Tommy Ettinger (one 32-bit Weyl step and a mixing function).
 */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
