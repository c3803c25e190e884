import type { OutlierRules } from "./outlier-statistics.ts";

/** The rules of outlier statistics as a pool has them by default. */
export const rules: OutlierRules = {
  successRateDeviation: 1.9,
  successRateServers: 5,
  successRateRequests: 100,
  failurePercentage: 0,
  failurePercentageRequests: 50,
  latencyFactor: 5,
  latencyDifference: 20,
  latencyRequests: 5,
};
