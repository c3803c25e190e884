import { seededRandom, type Random } from "../../src/core/random.ts";

/** A source of chance for one purpose, so that what one part draws does not change what another part gets. */
export function stream(seed: number, purpose: string): Random {
  let mixed = Math.imul(seed, 0x9e3779b1) | 0;
  for (const character of purpose) mixed = Math.imul(mixed ^ character.codePointAt(0)!, 0x85ebca6b);
  return seededRandom(mixed ^ (mixed >>> 15));
}

/** An exponentially distributed number with this mean: times between the events of a Poisson process. */
export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean;
}

/** A log-normally distributed number with this mean; `sigma` is the standard deviation of its logarithm. */
export function logNormal(random: Random, mean: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return mean * Math.exp(sigma * normal - (sigma * sigma) / 2);
}
