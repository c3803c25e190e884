import { tooManyForChance, type Outlier, type OutlierRules } from "./outlier-statistics.ts";

/** How fast a server answered in one interval. */
export interface LatencySample {
  /** Answers, and the sum of their latencies in ms. */
  readonly answers: number;
  readonly total: number;
  /** How many of them were slower than what `latencyLimit` said about the time before. */
  readonly slow: number;
}

/** What is remembered of a server between comparisons. */
export interface LatencyStanding {
  /** The window that is being filled: it takes as many intervals as bring `latencyRequests` answers. */
  window: LatencySample;
  /** Mean latency in ms of the latest full window; NaN before the first and when that is long ago. */
  mean: number;
  /** Comparisons since that window. */
  age: number;
  /** Windows in a row with a mean above the limit, and all their answers together. */
  strikes: number;
  struck: LatencySample;
}

const NOTHING: LatencySample = { answers: 0, total: 0, slow: 0 };

/**
 * So many windows in a row must be too slow: a process that stands still for a moment (garbage collection, a page that
 * comes from disk) answers all that waited in one or two.
 */
const STRIKES = 3;
/** A window is forgotten after so many comparisons without another one. */
const MAX_AGE = 40;
/** Share of answers that may be slow without anything being wrong with a server: lost packets are sent again late. */
const SLOW_BY_CHANCE = 0.05;

/** A server of which nothing is known yet. */
export function newStanding(): LatencyStanding {
  return { window: NOTHING, mean: NaN, age: 0, strikes: 0, struck: NOTHING };
}

/**
 * Servers that are far slower than the others. A server's window is too slow when its mean is above `latencyLimit`; one
 * with three such windows in a row is an outlier if more of their answers were slow than chance explains. A single
 * answer can raise a mean as far: a packet that is lost costs 200 ms and more.
 *
 * @param standings one per server, changed by the call
 * @param samples what the same servers did since the last call
 */
export function latencyOutliers(
  standings: readonly LatencyStanding[],
  samples: readonly LatencySample[],
  rules: OutlierRules,
): Outlier[] {
  if (rules.latencyFactor === 0) return [];
  const full = standings.map((standing, index) => fill(standing, samples[index]!, rules.latencyRequests));
  const limit = latencyLimit(standings, rules);
  const all = samples.reduce(joined, NOTHING);

  return standings.flatMap((standing, index): Outlier[] => {
    const window = full[index];
    if (window === undefined) return [];
    if (!(standing.mean > limit)) {
      standing.strikes = 0;
      standing.struck = NOTHING;
      return [];
    }
    standing.strikes++;
    standing.struck = joined(standing.struck, window);
    const { answers, total, slow } = standing.struck;
    const others = all.answers - samples[index]!.answers;
    const usual = others === 0 ? 0 : (all.slow - samples[index]!.slow) / others;
    if (standing.strikes < STRIKES || !tooManyForChance(slow, answers, Math.max(SLOW_BY_CHANCE, usual))) return [];
    const reason = `answers after ${ms(total / answers)} on average, the median of the pool is ${ms(median(standings))}`;
    return [{ index, rule: "latency", reason }];
  });
}

/**
 * The mean latency in ms above which a server of the pool is too slow: `latencyFactor` times the median of the servers'
 * means, and above it by `latencyDifference`. NaN when fewer than two servers have a mean.
 */
export function latencyLimit(standings: readonly LatencyStanding[], rules: OutlierRules): number {
  const middle = median(standings);
  return Math.max(middle * rules.latencyFactor, middle + rules.latencyDifference);
}

/** Adds to a server's window. Returns the window when it is full, and begins another one. */
function fill(standing: LatencyStanding, sample: LatencySample, enough: number): LatencySample | undefined {
  const window = joined(standing.window, sample);
  if (window.answers < enough) {
    standing.window = window;
    if (++standing.age > MAX_AGE) Object.assign(standing, newStanding());
    return undefined;
  }
  standing.window = NOTHING;
  standing.mean = window.total / window.answers;
  standing.age = 0;
  return window;
}

/** The lower one of two in the middle: with two servers the faster one is the measure. */
function median(standings: readonly LatencyStanding[]): number {
  const means = standings.flatMap(({ mean }) => (Number.isNaN(mean) ? [] : [mean])).toSorted((a, b) => a - b);
  return means.length < 2 ? NaN : means[(means.length - 1) >> 1]!;
}

function joined(a: LatencySample, b: LatencySample): LatencySample {
  return { answers: a.answers + b.answers, total: a.total + b.total, slow: a.slow + b.slow };
}

function ms(value: number): string {
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ms`;
}
