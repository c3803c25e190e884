/** What a server did in one interval. */
export interface SuccessSample {
  readonly requests: number;
  readonly errors: number;
}

/** How fast a server answered in one interval. */
export interface LatencySample {
  /** Answers, and the sum of their latencies in ms. */
  readonly answers: number;
  readonly total: number;
  /** How many of them were slower than what `latencyLimit` said about the time before. */
  readonly slow: number;
}

/** A server that stands out, by its place in the samples. */
export interface Outlier {
  readonly index: number;
  readonly rule: "successRate" | "failurePercentage" | "latency";
  /** For people: what it did, and what the others did. */
  readonly reason: string;
}

/** Settings of a pool's `outlierDetection`, as far as they are about statistics. */
export interface OutlierRules {
  readonly successRateDeviation: number;
  readonly successRateServers: number;
  readonly successRateRequests: number;
  readonly failurePercentage: number;
  readonly failurePercentageRequests: number;
  readonly latencyFactor: number;
  readonly latencyDifference: number;
  readonly latencyRequests: number;
}

/** How improbable it must be that what was seen came about by chance: one comparison in a thousand million. */
const CHANCE = 1e-9;
/** Share of answers that may be slow without anything being wrong with a server: lost packets are sent again late. */
const SLOW_BY_CHANCE = 0.05;

/**
 * Servers that fail far more often than the others, or more often than is allowed at all.
 *
 * The first rule is Envoy's: a success rate below mean − k·σ over the servers with enough requests. That alone ejects
 * somebody in nearly every interval of a pool in which all have the same few errors, for somebody is always the worst.
 * So the errors must also be too many for chance, given the rate of the others.
 */
export function successOutliers(samples: readonly SuccessSample[], rules: OutlierRules): Outlier[] {
  const outliers: Outlier[] = [];
  const enough = samples.filter(({ requests }) => requests >= rules.successRateRequests);
  const compare = rules.successRateDeviation > 0 && enough.length >= rules.successRateServers;
  const rates = enough.map(({ requests, errors }) => 1 - errors / requests);
  const mean = sum(rates) / rates.length;
  const deviation = Math.sqrt(sum(rates.map((rate) => (rate - mean) ** 2)) / rates.length);
  const lowest = mean - rules.successRateDeviation * deviation;
  const errorsOfAll = sum(enough.map(({ errors }) => errors));
  const requestsOfAll = sum(enough.map(({ requests }) => requests));

  for (const [index, { requests, errors }] of samples.entries()) {
    const rate = 1 - errors / requests;
    if (compare && requests >= rules.successRateRequests && rate < lowest) {
      // Laplace's estimate: others without a single error do not make one error impossible.
      const usual = (errorsOfAll - errors + 1) / (requestsOfAll - requests + 2);
      if (tooManyForChance(errors, requests, usual)) {
        const reason = `success rate ${percent(rate)}, the mean of the pool is ${percent(mean)}`;
        outliers.push({ index, rule: "successRate", reason });
        continue;
      }
    }
    const { failurePercentage, failurePercentageRequests } = rules;
    if (failurePercentage > 0 && requests >= failurePercentageRequests && errors >= requests * failurePercentage) {
      outliers.push({
        index,
        rule: "failurePercentage",
        reason: `${percent(errors / requests)} of the requests failed`,
      });
    }
  }
  return outliers;
}

/**
 * The mean latency in ms above which a server of the pool is an outlier: `latencyFactor` times the median of the
 * servers' means, and above it by `latencyDifference`. NaN when fewer than two servers have enough answers.
 */
export function latencyLimit(samples: readonly LatencySample[], rules: OutlierRules): number {
  const median = medianLatency(samples, rules);
  return Math.max(median * rules.latencyFactor, median + rules.latencyDifference);
}

/**
 * Servers that are far slower than the others: with a mean above `latencyLimit`. A single answer can raise a mean as far
 * (a packet that is lost costs 200 ms and more), so more answers must be slow than chance explains.
 */
export function latencyOutliers(samples: readonly LatencySample[], rules: OutlierRules): Outlier[] {
  const limit = latencyLimit(samples, rules);
  if (rules.latencyFactor === 0 || Number.isNaN(limit)) return [];
  const answersOfAll = sum(samples.map(({ answers }) => answers));
  const slowOfAll = sum(samples.map(({ slow }) => slow));

  return samples.flatMap(({ answers, total, slow }, index): Outlier[] => {
    const mean = total / answers;
    if (answers < rules.latencyRequests || !(mean > limit)) return [];
    const others = answersOfAll === answers ? 0 : (slowOfAll - slow) / (answersOfAll - answers);
    if (!tooManyForChance(slow, answers, Math.max(SLOW_BY_CHANCE, others))) return [];
    const median = medianLatency(samples, rules);
    const reason = `answers after ${ms(mean)} on average, the median of the pool is ${ms(median)}`;
    return [{ index, rule: "latency", reason }];
  });
}

/** The lower one of two in the middle: with two servers the faster one is the measure. */
function medianLatency(samples: readonly LatencySample[], { latencyRequests }: OutlierRules): number {
  const enough = samples.filter(({ answers }) => answers >= latencyRequests);
  const means = enough.map(({ total, answers }) => total / answers).toSorted((a, b) => a - b);
  return means.length < 2 ? NaN : means[(means.length - 1) >> 1]!;
}

/**
 * True when so many of `trials` are too many for a probability of `usual` each.
 * Source: Chernoff's bound, P(X ≥ qn) ≤ e^(−n·D(q‖p)) with the relative entropy D.
 */
function tooManyForChance(count: number, trials: number, usual: number): boolean {
  const share = Math.min(1, count / trials);
  if (share <= usual || usual >= 1) return false;
  const rest = share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - usual));
  return trials * (share * Math.log(share / usual) + rest) >= -Math.log(CHANCE);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

function ms(value: number): string {
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ms`;
}
