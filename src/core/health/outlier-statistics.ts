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
  /** An upper bound of the slowest of them, in ms. */
  readonly slowest: number;
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
 * Servers that are far slower than the others: a mean above `latencyFactor` times the median of the servers' means, and
 * above it by `latencyDifference`. A few answers can raise a mean as far (a packet that is lost costs 200 ms and more),
 * so the excess must need more slow answers than chance explains: each of them adds at most slowest − median to it.
 */
export function latencyOutliers(samples: readonly LatencySample[], rules: OutlierRules): Outlier[] {
  const enough = samples.filter(({ answers }) => answers >= rules.latencyRequests);
  if (rules.latencyFactor === 0 || enough.length < 2) return [];
  const means = enough.map(({ total, answers }) => total / answers).toSorted((a, b) => a - b);
  // The lower one of two: with two servers the faster one is the measure.
  const median = means[(means.length - 1) >> 1]!;
  const limit = Math.max(median * rules.latencyFactor, median + rules.latencyDifference);
  const answersOfAll = sum(enough.map(({ answers }) => answers));
  const totalOfAll = sum(enough.map(({ total }) => total));

  return samples.flatMap(({ answers, total, slowest }, index): Outlier[] => {
    const mean = total / answers;
    if (answers < rules.latencyRequests || !(mean > limit)) return [];
    const most = Math.max(slowest, mean) - median;
    const slow = (mean - median) / most;
    const others = ((totalOfAll - total) / (answersOfAll - answers) - median) / most;
    const usual = Math.max(SLOW_BY_CHANCE, others);
    if (!tooManyForChance(slow * answers, answers, usual)) return [];
    const reason = `answers after ${ms(mean)} on average, the median of the pool is ${ms(median)}`;
    return [{ index, rule: "latency", reason }];
  });
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
