/** What a server did in one interval. */
export interface SuccessSample {
  readonly requests: number;
  readonly errors: number;
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
 * True when so many of `trials` are too many for a probability of `usual` each.
 * Source: Chernoff's bound, P(X ≥ qn) ≤ e^(−n·D(q‖p)) with the relative entropy D.
 */
export function tooManyForChance(count: number, trials: number, usual: number): boolean {
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
