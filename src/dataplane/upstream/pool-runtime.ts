import type { PoolConfig } from "../../config/schema.ts";
import type { PoolTlsMaterial } from "../../config/tls-material.ts";
import type { BalanceContext, BalancingAlgorithm } from "../../core/balancing/balancer.ts";
import { compileHashKey, type HashKey } from "../../core/balancing/hash-key.ts";
import { TierChooser } from "../../core/balancing/tier-chooser.ts";
import type { TierConfig } from "../../core/balancing/tiers.ts";
import { degradationLevel, DegradationLevel, poolFailed } from "../../core/health/degradation.ts";
import { compileRespond, type FixedAnswer } from "../../core/routing/respond.ts";
import { GradientLimit } from "../../core/limits/gradient-limit.ts";
import { HedgeDelay } from "../../core/retry/hedge-delay.ts";
import { RetryBudget } from "../../core/retry/retry-budget.ts";
import { RetryRule } from "../../core/retry/retry-rule.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { planPool } from "../../shared-memory/pool-plan.ts";
import { poolScales } from "../../shared-memory/scales.ts";
import { PassiveHealth } from "../health/passive-health.ts";
import type { WorkerContext } from "../worker-context.ts";
import { PoolQueue } from "./pool-queue.ts";
import type { ServerConnections } from "./server-connections.ts";
import { RequestMover } from "./request-mover.ts";
import { PoolTls } from "./server-tls.ts";
import { Rebalancer } from "../rebalance/rebalancer.ts";
import { UpstreamServer } from "./upstream-server.ts";

/** How often the scales of slow start are computed anew while any is below 1, in ms. */
const SCALE_INTERVAL = 200;

/** When a second request is sent for a slow first one, and how many may be. */
interface Hedging {
  readonly delay: HedgeDelay;
  readonly budget: RetryBudget;
}

/** A pool in one worker: its servers, their connections and health, and what chooses among them. */
export class PoolRuntime {
  readonly name: string;
  readonly config: PoolConfig;
  readonly servers: readonly UpstreamServer[];
  /** Computes the key for algorithms that take one; null for the others. */
  readonly hashKey: HashKey | null;
  /** Whether answers are looked at for load reports. */
  readonly readsReports: boolean;
  readonly passive: PassiveHealth;
  readonly retry: RetryRule;
  readonly budget: RetryBudget;
  readonly hedging: Hedging | null;
  readonly queue: PoolQueue;
  /** Most requests in flight, adapted to the latency; null for no such limit. */
  readonly limit: GradientLimit | null;
  /** Requests in flight that count towards `limit`. */
  active = 0;
  /** Some server's breaker is half-open. */
  hasTrials = false;
  /** How much is served with the servers that are ready now. */
  level: DegradationLevel = DegradationLevel.full;
  /** Too few servers are ready: the fallback pool takes over. */
  failed = false;
  fallback: PoolRuntime | null = null;
  /** What is answered to those who are not served; null for the usual error. */
  readonly degradedAnswer: FixedAnswer | null;
  readonly #context: WorkerContext;
  readonly #chooser: TierChooser;
  readonly #tierConfig: TierConfig;
  readonly #slots: readonly number[];
  readonly #mover: RequestMover;
  readonly #rebalancer: Rebalancer | null;
  readonly #tls: PoolTls | null;
  #seen = -1;
  #sets = 0;
  #scalesAt = Infinity;

  /**
   * @param slots the servers' slots, in the order of the configuration
   * @param previous the connections of an earlier configuration, by `connectionKey`
   * @param zone where this node stands
   */
  constructor(
    name: string,
    config: PoolConfig,
    slots: readonly number[],
    algorithm: BalancingAlgorithm,
    context: WorkerContext,
    previous: ReadonlyMap<string, ServerConnections>,
    zone: string | undefined,
  ) {
    this.name = name;
    this.config = config;
    this.#context = context;
    this.#slots = slots;
    this.#tls = config.upstream.tls === false ? null : new PoolTls(config.upstream.tls);
    this.servers = config.servers.map((server, index) => {
      const slot = slots[index]!;
      const open = previous.get(connectionKey(slot, server.address));
      return new UpstreamServer(server, slot, config.upstream, context, open, this.#tls);
    });
    this.hashKey = algorithm.usesHashKey ? compileHashKey(config.algorithm.key) : null;
    this.readsReports = algorithm.usesLoadReports === true;
    const { scoreboard, random } = context;
    this.passive = new PassiveHealth({ config, slots, scoreboard, random });
    this.#mover = new RequestMover(this.servers, context);
    this.passive.silence = this.#mover;
    for (const { connections } of this.servers) connections.passive = this.passive;
    const { retries, hedging, queue, adaptiveConcurrency } = config;
    this.retry = new RetryRule(retries);
    this.budget = new RetryBudget({ share: retries.budget, minPerSecond: retries.minRetriesPerSecond });
    this.hedging =
      hedging === false
        ? null
        : { delay: new HedgeDelay(hedging), budget: new RetryBudget({ share: hedging.budget, minPerSecond: 0 }) };
    this.queue = new PoolQueue(queue.limit);
    this.limit = adaptiveConcurrency === false ? null : new GradientLimit(adaptiveConcurrency);
    const { degradation } = config;
    this.degradedAnswer =
      degradation === false || degradation.answer === undefined ? null : compileRespond(degradation.answer);
    this.#tierConfig = { ...config, zone };
    this.#rebalancer =
      config.rebalance === false || algorithm.usesHashKey || algorithm.shares === "none"
        ? null
        : new Rebalancer(config.rebalance, this.servers, algorithm.shares === "equal", context);
    this.#chooser = new TierChooser(
      () =>
        algorithm.create({
          config: config.algorithm.settings,
          clock: context.clock,
          random,
          signals: scoreboard,
          worker: context.worker,
          workers: context.workers,
        }),
      random,
      algorithm.usesHashKey,
    );
    this.#refresh(scoreboard.stateVersion());
  }

  /** Takes certificates for the pool's servers into use, for connections from now on; before the first one. */
  setTlsMaterial(material: PoolTlsMaterial | undefined): void {
    const tls = this.#tls;
    if (tls === null) return;
    tls.follow(material);
    if (tls.problem !== "") this.#context.log("error", `pool ${this.name}: upstream.tls: ${tls.problem}`);
  }

  /** The server for a request; undefined when none is ready that is not excluded. */
  choose(context: BalanceContext): UpstreamServer | undefined {
    const version = this.#context.scoreboard.stateVersion();
    if (version !== this.#seen) this.#refresh(version);
    return this.#chooser.choose(context) as UpstreamServer | undefined;
  }

  /** Requests may have to go to another pool, or not be served. */
  get isGuarded(): boolean {
    return this.fallback !== null || this.config.degradation !== false;
  }

  /** This pool, or the first of its fallbacks that has not failed; the last one if all have. */
  standIn(): PoolRuntime {
    const version = this.#context.scoreboard.stateVersion();
    if (version !== this.#seen) this.#refresh(version);
    return this.failed && this.fallback !== null ? this.fallback.standIn() : this;
  }

  /** Whether the server takes trials only, its breaker being half-open. */
  onTrial(slot: number): boolean {
    return (this.#context.scoreboard.health.flags(slot) & HealthFlag.breakerTrial) !== 0;
  }

  /** Counts a request towards the adaptive limit; false when that is reached. Each needs one `leave`. */
  enter(): boolean {
    if (this.active >= this.limit!.limit) return false;
    this.active++;
    return true;
  }

  leave(): void {
    this.active--;
  }

  /** Tells the balancer how an exchange ended. */
  complete(server: UpstreamServer, latency: number, success: boolean, status: number): void {
    if (!this.#chooser.listens) return;
    try {
      this.#chooser.onComplete(server, { latency, success, status });
    } catch (error) {
      this.#context.log("error", `pool ${this.name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  /** Called every tick of the worker. */
  tick(now: number): void {
    this.passive.tick(now);
    const version = this.#context.scoreboard.stateVersion();
    if (version !== this.#seen || now >= this.#scalesAt) this.#refresh(version);
    this.#mover.tick();
    this.#rebalancer?.tick(now);
    // Places on servers are shared with the other workers.
    if (this.queue.length !== 0) this.queue.advance();
    this.#tell();
  }

  /** What the control plane shows of the limits that this worker keeps by itself. */
  #tell(): void {
    if (this.servers.length === 0) return;
    this.#context.scoreboard.notePool(this.servers[0]!.slot, this.limit?.limit ?? 0, this.queue.length);
  }

  #refresh(version: number): void {
    this.#seen = version;
    this.#setScales();
    const plan = planPool(++this.#sets, this.servers, this.#context.scoreboard.health, this.#tierConfig);
    this.#chooser.update(plan);
    this.#rebalancer?.follow(plan);
    this.hasTrials = this.servers.some(({ slot }) => this.onTrial(slot));
    const { degradation, minimumHealthy } = this.config;
    this.failed = poolFailed(plan.ready, minimumHealthy);
    // Who fails open would rather try than refuse.
    const isOpen = plan.ready === 0 && plan.tiers.length > 0;
    this.level =
      degradation === false || isOpen ? DegradationLevel.full : degradationLevel(plan.ready, plan.total, degradation);
  }

  /** Slow start, and what checks say of degraded servers. */
  #setScales(): void {
    const { scoreboard, clock, now } = this.#context;
    const { scales, rising } = poolScales(scoreboard, this.#slots, this.config.slowStart, clock.now());
    this.servers.forEach((server, index) => (server.scale = scales[index]!));
    this.#scalesAt = rising ? now + SCALE_INTERVAL : Infinity;
  }
}

/** Connections belong to a slot and an address: a server that moved gets new ones. */
export function connectionKey(slot: number, address: string): string {
  return `${slot} ${address}`;
}
