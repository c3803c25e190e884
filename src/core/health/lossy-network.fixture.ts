import type { Random } from "../random.ts";
import {
  isUnsettled,
  nextHealth,
  unknownHealth,
  type CheckHealth,
  type CheckState,
  type HealthRules,
} from "./health-state.ts";
import type { LatencySample } from "./latency-comparison.ts";
import type { SuccessSample } from "./outlier-statistics.ts";

/** TCP's timers in ms: of a SYN (RFC 6298 2.1), of data at least (Linux), and of data once a SYN was lost (RFC 6298 5.7). */
const SYN_TIMEOUT = 1_000;
const DATA_TIMEOUT = 200;
const DATA_TIMEOUT_AFTER_SYN_LOSS = 3_000;

/** A network in which each packet is lost with a probability of its own. */
export class LossyNetwork {
  readonly #random: Random;
  readonly #loss: number;

  constructor(loss: number, random: Random) {
    this.#loss = loss;
    this.#random = random;
  }

  /** Time in ms that retransmissions add until a round trip (a packet and its answer) or one packet gets through. */
  retransmissions(packets: 1 | 2, first: number): number {
    let waited = 0;
    for (let timeout = first; this.#lost(packets); timeout *= 2) waited += timeout;
    return waited;
  }

  /** Time of a check in ms: a handshake, and for HTTP a request and an answer of a packet each. */
  check(http: boolean): number {
    const connecting = this.retransmissions(2, SYN_TIMEOUT);
    const roundTrip = 1 + this.#random();
    if (!http) return connecting + roundTrip;
    const timeout = connecting > 0 ? DATA_TIMEOUT_AFTER_SYN_LOSS : DATA_TIMEOUT;
    const exchange = this.retransmissions(1, timeout) + this.retransmissions(1, timeout);
    return connecting + exchange + 2 * roundTrip + 10 * this.#random();
  }

  /** Time of a request under traffic in ms that retransmissions add: one in fifty needs a new connection. */
  requestDelay(): number {
    const connecting = this.#random() < 0.02 ? this.retransmissions(2, SYN_TIMEOUT) : 0;
    return connecting + this.retransmissions(1, DATA_TIMEOUT) + this.retransmissions(1, DATA_TIMEOUT);
  }

  #lost(packets: 1 | 2): boolean {
    return this.#random() < this.#loss || (packets === 2 && this.#random() < this.#loss);
  }
}

/** What an hour of checks of one server came to. */
export interface CheckedHour {
  checks: number;
  failed: number;
  /** Most failures in a row. */
  mostInARow: number;
  /** Decisions other than healthy. */
  readonly falsePositives: CheckState[];
}

/** Checks a server that is well for so many ms of virtual time, with the default intervals, thresholds and timeout. */
export function checkForAnHour(network: LossyNetwork, http: boolean, random: Random, length = 3_600_000): CheckedHour {
  const rules: HealthRules = { unhealthyThreshold: 3, healthyThreshold: 2, degradedLatency: 0 };
  const hour: CheckedHour = { checks: 0, failed: 0, mostInARow: 0, falsePositives: [] };
  let health: CheckHealth = unknownHealth;
  for (let now = random() * 500; now < length;) {
    const needed = network.check(http);
    const timedOut = needed > 2_000;
    const latency = timedOut ? 2_000 : needed;
    const outcome = timedOut ? "unhealthy" : "healthy";
    const reason = timedOut ? "no answer" : undefined;
    const before = health.state;
    health = nextHealth(health, { outcome, at: now + latency, latency, reason, timedOut }, rules, false);
    hour.checks++;
    if (timedOut) hour.failed++;
    hour.mostInARow = Math.max(hour.mostInARow, health.failures);
    if (health.state !== before && health.state !== "healthy") hour.falsePositives.push(health.state);
    const interval = health.state === "unhealthy" ? 2_000 : isUnsettled(health) ? 500 : 5_000;
    now += Math.max(latency, interval * (0.9 + 0.2 * random()));
  }
  return hour;
}

/** What a server is like: answers per second, mean latency in ms, share of errors. */
export interface SimulatedServer {
  readonly rate: number;
  readonly latency: number;
  readonly errors: number;
}

/**
 * What a server shows in an interval of so many ms under Poisson traffic: latencies of which half is constant and half
 * from an exponential law. Answers slower than `limit` ms count as slow.
 */
export function traffic(
  server: SimulatedServer,
  interval: number,
  network: LossyNetwork,
  random: Random,
  limit: number,
): LatencySample & SuccessSample {
  let [answers, total, slow, errors] = [0, 0, 0, 0];
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  for (let at = exponential(1000 / server.rate); at < interval; at += exponential(1000 / server.rate)) {
    const latency = server.latency / 2 + exponential(server.latency / 2) + network.requestDelay();
    answers++;
    total += latency;
    if (latency > limit) slow++;
    if (random() < server.errors) errors++;
  }
  return { answers, total, slow, requests: answers, errors };
}
