/** What active checks say about a server. unknown: no check has decided yet. */
export type CheckState = "unknown" | "healthy" | "degraded" | "unhealthy";

/** The result of one check, as the state machine takes it. */
export interface CheckResult {
  readonly outcome: "healthy" | "degraded" | "unhealthy";
  /** When it ended, by `Clock.wall()`: it is for people. */
  readonly at: number;
  /** Time that the check took, in ms. */
  readonly latency: number;
  /** One line for people; there for every result that is not good. */
  readonly reason: string | undefined;
  /** True when it failed because its time was over: the network may have lost it. */
  readonly timedOut: boolean;
}

/** When results change a state. */
export interface HealthRules {
  /** Failed checks in a row that make a server unhealthy, or results that are not good in a row that make it degraded. */
  readonly unhealthyThreshold: number;
  /** Checks in a row that make it healthy again. */
  readonly healthyThreshold: number;
  /** A check that takes longer, in ms, says degraded; 0 is off. */
  readonly degradedLatency: number;
}

/** One server's state by one of its checks. Immutable: `nextHealth` makes the next one. */
export interface CheckHealth {
  readonly state: CheckState;
  /** When the state began, as `CheckResult.at`; NaN before the first decision. */
  readonly since: number;
  /** Failed checks in a row, and checks in a row that did not fail. One of them is 0. */
  readonly failures: number;
  readonly successes: number;
  /** Good results (neither failed nor degraded) in a row, and results in a row that were not. One of them is 0. */
  readonly good: number;
  readonly notGood: number;
  /** How often it has become unhealthy lately; each time after the first costs one more good check to come back. */
  readonly falls: number;
  /** The latest result; undefined before the first. */
  readonly last: CheckResult | undefined;
  /** The latest failure, however long ago. */
  readonly lastFailure: CheckResult | undefined;
}

/** What is known before the first check. */
export const unknownHealth: CheckHealth = {
  state: "unknown",
  since: NaN,
  failures: 0,
  successes: 0,
  good: 0,
  notGood: 0,
  falls: 0,
  last: undefined,
  lastFailure: undefined,
};

/** A failed first check that may have been lost on the way decides only together with so many of its kind. */
const FIRST_TIMEOUTS = 2;

/** At most so many checks more than `healthyThreshold` are asked of a server that keeps falling. */
export const MAX_EXTRA_CHECKS = 8;
/** So many good checks in a row make up for one fall. */
export const CHECKS_PER_FALL = 30;

/**
 * The state after one more result, with hysteresis in each direction ("rise and fall" of HAProxy):
 *
 * - The very first result decides alone, so that a node knows its servers at once; only a check that ran out of time
 *   must be confirmed by a second one, because a few lost packets look the same.
 * - `unhealthyThreshold` failures in a row make it unhealthy; as many results in a row of which none was good, degraded.
 * - `healthyThreshold` results in a row that did not fail end unhealthy: healthy if all were good, degraded otherwise.
 *   As many good ones end degraded.
 * - A server that has fallen before and has not been well for long since needs more of them: one for each earlier fall.
 *   So one that flaps stays out instead of coming and going.
 *
 * @param urgent the pool has no ready server: one result that did not fail is enough
 */
export function nextHealth(health: CheckHealth, result: CheckResult, rules: HealthRules, urgent: boolean): CheckHealth {
  const judged = judge(result, rules);
  const failed = judged.outcome === "unhealthy";
  const isGood = judged.outcome === "healthy";
  const counts = {
    failures: failed ? health.failures + 1 : 0,
    successes: failed ? 0 : health.successes + 1,
    good: isGood ? health.good + 1 : 0,
    notGood: isGood ? 0 : health.notGood + 1,
  };
  const state = decide(health, judged, counts, rules, urgent);
  const fell = state === "unhealthy" && health.state !== "unhealthy";
  const madeUp = state === "healthy" && counts.good > 0 && counts.good % CHECKS_PER_FALL === 0;
  return {
    ...counts,
    state,
    falls: fell ? Math.min(health.falls, MAX_EXTRA_CHECKS) + 1 : Math.max(0, health.falls - (madeUp ? 1 : 0)),
    since: state === health.state ? health.since : judged.at,
    last: judged,
    lastFailure: failed ? judged : health.lastFailure,
  };
}

/** Makes a slow result a degraded one. */
function judge(result: CheckResult, { degradedLatency }: HealthRules): CheckResult {
  if (result.outcome !== "healthy" || degradedLatency === 0 || result.latency <= degradedLatency) return result;
  return {
    ...result,
    outcome: "degraded",
    reason: `answered after ${Math.round(result.latency)} ms, more than ${degradedLatency} ms`,
  };
}

/** Checks in a row that end unhealthy. */
export function neededToReturn({ falls }: CheckHealth, { healthyThreshold }: HealthRules): number {
  return healthyThreshold + Math.max(0, falls - 1);
}

function decide(
  before: CheckHealth,
  result: CheckResult,
  counts: Pick<CheckHealth, "failures" | "successes" | "good" | "notGood">,
  rules: HealthRules,
  urgent: boolean,
): CheckState {
  const { unhealthyThreshold, healthyThreshold } = rules;
  const needed = urgent ? 1 : neededToReturn(before, rules);
  switch (before.state) {
    case "unknown":
      if (result.timedOut && counts.failures < FIRST_TIMEOUTS) return "unknown";
      return result.outcome;
    case "unhealthy":
      if (counts.successes < needed) return "unhealthy";
      return counts.good >= needed ? "healthy" : "degraded";
    case "healthy":
      if (counts.failures >= unhealthyThreshold) return "unhealthy";
      return counts.notGood >= unhealthyThreshold ? "degraded" : "healthy";
    case "degraded":
      if (counts.failures >= unhealthyThreshold) return "unhealthy";
      return counts.good >= healthyThreshold ? "healthy" : "degraded";
  }
}

/**
 * True when the server should be asked again soon: nothing is decided yet, or it has begun to fail. The way back is
 * taken at the usual pace.
 */
export function isUnsettled({ state, failures }: CheckHealth): boolean {
  return state === "unknown" || (state !== "unhealthy" && failures > 0);
}

const order: readonly CheckState[] = ["healthy", "degraded", "unknown", "unhealthy"];

/** The state of a server with several checks: the worst of them; one that has not decided yet is worse than degraded. */
export function worstState(states: Iterable<CheckState>): CheckState {
  let worst: CheckState = "healthy";
  for (const state of states) if (order.indexOf(state) > order.indexOf(worst)) worst = state;
  return worst;
}
