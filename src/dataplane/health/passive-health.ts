import type { CircuitBreakerConfig, OutlierDetectionConfig } from "../../config/pool-parts-schema.ts";
import type { PoolConfig } from "../../config/schema.ts";
import type { ProxyError } from "../../core/errors.ts";
import { connectVerdict, DOUBTS, failedInHandshake, timeoutsNeeded } from "../../core/health/connect-failure.ts";
import { isGatewayError, isServerFault } from "../../core/health/server-fault.ts";
import type { Random } from "../../core/random.ts";
import * as breaker from "../../shared-memory/breaker.ts";
import {
  endAbsence,
  endEjection,
  endSilence,
  endUnreachable,
  setUnreachable,
  tryEject,
} from "../../shared-memory/ejection.ts";
import { countInWindow } from "../../shared-memory/error-window.ts";
import { countFailure, forgetFailures, isUnsettled, settle } from "../../shared-memory/failure-counts.ts";
import { PassiveReason, type HealthBoard } from "../../shared-memory/health-board.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import * as L from "../../shared-memory/layout.ts";
import type { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { SilenceDetector, type SilenceSource } from "./silence.ts";

const { ejected, unreachable, breakerOpen, breakerTrial } = HealthFlag;
/** What the tick has to look after. */
const OUT = ejected | unreachable | breakerOpen | breakerTrial;

/** `connectTimeout` where none is told: the default of the configuration. */
const CONNECT_TIMEOUT = 5000;

const nothingInFlight: SilenceSource = { unanswered: () => 0, heardAt: () => 0, slots: () => [] };

/** What `PassiveHealth` is made of. */
export interface PassiveHealthOptions {
  readonly config: Pick<PoolConfig, "outlierDetection" | "circuitBreaker" | "minimumHealthy"> & {
    readonly upstream?: Pick<PoolConfig["upstream"], "connectTimeout">;
  };
  /** All servers of the pool. */
  readonly slots: readonly number[];
  readonly scoreboard: Scoreboard;
  readonly random: Random;
}

/**
 * What the traffic of one worker says about the servers of one pool: failures are counted in shared memory together with
 * those of the other workers, and lead to ejection, unreachability or an open circuit breaker there. The rules, with
 * their sources, are in docs/outlier-detection.md. `slot` is `Server.slot`, `now` is `Clock.now()`.
 *
 * Every exchange that was given to a server ends with exactly one of `answered` and `failed`, when all of its answer is
 * there or will not come; or with neither, if it says nothing about the server (the client left, the request moved on):
 * then with `endTrial` if it was a trial.
 */
export class PassiveHealth {
  /** What this worker has in flight; set by its owner. */
  silence: SilenceSource = nothingInFlight;

  readonly #options: PassiveHealthOptions;
  readonly #outliers: OutlierDetectionConfig | false;
  readonly #breaker: CircuitBreakerConfig | false;
  readonly #health: HealthBoard;
  readonly #random: Random;
  readonly #timeoutsNeeded: number;
  readonly #detector: SilenceDetector | null;
  readonly #onSilent: (slot: number) => void;
  #now = 0;
  /** Servers that something is to be looked after for, as of `#seen`, a version of the scoreboard's state. */
  readonly #out: number[] = [];
  #seen = -1;
  /** Version of the state as of which the pool's limits forbade an ejection: until it changes, they do so again. */
  #forbiddenAt = -1;

  constructor(options: PassiveHealthOptions) {
    this.#options = options;
    this.#outliers = options.config.outlierDetection;
    this.#breaker = options.config.circuitBreaker;
    this.#health = options.scoreboard.health;
    this.#random = options.random;
    this.#timeoutsNeeded = timeoutsNeeded(options.config.upstream?.connectTimeout ?? CONNECT_TIMEOUT);
    this.#detector =
      this.#outliers === false ? null : new SilenceDetector(this.#outliers, options.slots, options.scoreboard);
    this.#onSilent = (slot) => void this.#eject(slot, PassiveReason.silence, this.#now);
  }

  /**
   * Before a request is given to a server whose flags have `breakerTrial`: true when it may be one of the trials. It is
   * counted then, and exactly one of `endTrial`, `answered` and `failed` (these with `trial`) must follow.
   */
  tryTrial(slot: number): boolean {
    return this.#breaker !== false && breaker.tryTrial(this.#health, slot, this.#breaker);
  }

  /** The trial ended without a verdict: the client is gone, or the request has moved to another server. */
  endTrial(slot: number): void {
    this.#health.endTrial(slot);
  }

  /** The server answered; a status below 500 is a success, which costs one memory access while nothing is unsettled. */
  answered(slot: number, status: number, now: number, trial: boolean): void {
    if (status >= 500) return this.#failure(slot, isGatewayError(status), now, trial);
    if (trial) this.#trialSucceeded(slot, now);
    if (isUnsettled(this.#health, slot)) settle(this.#health, slot);
  }

  /** No answer, or a broken one. Errors that are not the server's fault only end the trial. */
  failed(slot: number, error: ProxyError, now: number, trial: boolean): void {
    if (isServerFault(error)) this.#failure(slot, true, now, trial);
    else if (trial) this.#health.endTrial(slot);
  }

  /**
   * A connection could not be made. `code` is the system's, or "timeout". Does not end a trial: `endTrial` does, or
   * `failed` with the error that the client would get.
   */
  connectFailed(slot: number, code: string | undefined, now: number): void {
    const verdict = connectVerdict(code);
    if (verdict === "local") return;
    if (this.#breaker !== false) breaker.breakerConnectFailed(this.#health, slot, this.#breaker, now);
    if (this.#outliers === false) return;
    if (verdict === "untrusted") return this.#unreachable(slot, PassiveReason.handshake, now);
    if (verdict === "unreachable") {
      const refused = code === "ECONNREFUSED" || code === "ENOENT";
      this.#unreachable(slot, refused ? PassiveReason.refused : PassiveReason.unreachable, now);
      return;
    }
    const doubts = countFailure(this.#health, slot, L.CONNECT_DOUBTS);
    if (code === "timeout") {
      if (doubts >= this.#timeoutsNeeded) return this.#unreachable(slot, PassiveReason.connectTimeout, now);
    } else if (doubts >= DOUBTS) {
      const reason = failedInHandshake(code) ? PassiveReason.handshake : PassiveReason.unreachable;
      return this.#unreachable(slot, reason, now);
    }
    this.#countAgainst(slot, true, now);
  }

  /** A connection was made: the server can be reached. */
  connected(slot: number, now: number): void {
    const health = this.#health;
    if (health.read(slot, L.CONNECT_DOUBTS) !== 0) health.write(slot, L.CONNECT_DOUBTS, 0);
    if ((health.flags(slot) & unreachable) !== 0) endAbsence(health, slot, now, false);
  }

  /**
   * Every 50 ms: brings back servers whose time is over, lets trials through, finds silent servers. Looks at all servers
   * only when the state of any has changed, else at those that are out and those with requests in flight here.
   */
  tick(now: number): void {
    this.#now = now;
    const version = this.#options.scoreboard.stateVersion();
    if (version !== this.#seen) this.#findOut(version);
    for (const slot of this.#out) this.#bringBack(slot, now);
    this.#detector?.look(this.silence, now, this.#onSilent);
  }

  #findOut(version: number): void {
    this.#seen = version;
    this.#out.length = 0;
    for (const slot of this.#options.slots) {
      if ((this.#health.flags(slot) & OUT) !== 0) this.#out.push(slot);
    }
  }

  #bringBack(slot: number, now: number): void {
    const health = this.#health;
    const flags = health.flags(slot);
    if ((flags & unreachable) !== 0) endUnreachable(health, slot, now);
    // A reload may have turned off what put the server out.
    if ((flags & ejected) !== 0) {
      if (this.#outliers === false) health.clear(slot, ejected, now);
      else this.#endEjection(slot, now);
    }
    if ((flags & (breakerOpen | breakerTrial)) !== 0) {
      if (this.#breaker === false) breaker.dropBreaker(health, slot, now);
      else if ((flags & breakerOpen) !== 0) breaker.halfOpen(health, slot, now);
    }
  }

  #endEjection(slot: number, now: number): void {
    if (endEjection(this.#health, slot, now) || this.#detector === null) return;
    if (this.#health.reason(slot) !== PassiveReason.silence) return;
    endSilence(this.#health, slot, this.#detector.heardAt(slot, this.silence), now);
  }

  #trialSucceeded(slot: number, now: number): void {
    if (this.#breaker === false) this.#health.endTrial(slot);
    else breaker.trialSucceeded(this.#health, slot, this.#breaker, now);
  }

  #failure(slot: number, gateway: boolean, now: number, trial: boolean): void {
    if (this.#breaker === false) {
      if (trial) this.#health.endTrial(slot);
    } else if (trial) {
      breaker.trialFailed(this.#health, slot, this.#breaker, now);
    } else {
      breaker.breakerFailed(this.#health, slot, this.#breaker, now);
    }
    this.#countAgainst(slot, gateway, now);
  }

  /** The rules of outlier detection about failures; the more telling reason first. */
  #countAgainst(slot: number, gateway: boolean, now: number): void {
    const settings = this.#outliers;
    if (settings === false || (this.#health.flags(slot) & ejected) !== 0) return;
    const errors = countFailure(this.#health, slot, L.CONSECUTIVE_ERRORS);
    let gatewayErrors = 0;
    if (gateway) gatewayErrors = countFailure(this.#health, slot, L.CONSECUTIVE_GATEWAY);
    else this.#health.write(slot, L.CONSECUTIVE_GATEWAY, 0);
    const inWindow = settings.errorThreshold === 0 ? 0 : countInWindow(this.#health, slot, settings.errorWindow, now);
    if (isReached(gatewayErrors, settings.consecutiveGatewayErrors)) {
      this.#eject(slot, PassiveReason.gatewayErrors, now);
    } else if (isReached(errors, settings.consecutiveErrors)) {
      this.#eject(slot, PassiveReason.consecutiveErrors, now);
    } else if (isReached(inWindow, settings.errorThreshold)) {
      this.#eject(slot, PassiveReason.errorWindow, now);
    }
  }

  #eject(slot: number, reason: PassiveReason, now: number): void {
    const { config, slots, scoreboard } = this.#options;
    // Read before: a change while the limits are looked at must not be missed.
    const version = scoreboard.stateVersion();
    if (version === this.#forbiddenAt) return forgetFailures(this.#health, slot);
    const result = tryEject({ scoreboard, slots, slot, config, reason, now, random: this.#random });
    if (result === "forbidden") this.#forbiddenAt = version;
  }

  #unreachable(slot: number, reason: PassiveReason, now: number): void {
    if (this.#outliers === false) return;
    const time = this.#outliers.ejectionTime;
    setUnreachable({ health: this.#health, slot, reason, time, now, random: this.#random });
  }
}

/** Whether a count has come to its limit; 0 is none. */
function isReached(count: number, limit: number): boolean {
  return limit !== 0 && count >= limit;
}
