import type { Extensions } from "../config/extensions.ts";
import type { ListenerConfig, RouteConfig } from "../config/schema.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { findAlgorithm } from "../core/balancing/registry.ts";
import { Importance } from "../core/health/degradation.ts";
import { compileCidrs } from "../core/net/cidr.ts";
import type { Random } from "../core/random.ts";
import { compileRedirect, type Redirect } from "../core/routing/redirect.ts";
import { compileRespond, type FixedAnswer } from "../core/routing/respond.ts";
import { compileRewrite, type Rewrite } from "../core/routing/rewrite.ts";
import { compileRoutes, type RouteTable } from "../core/routing/route-table.ts";
import { compileSplit, type Split } from "../core/routing/split.ts";
import { normalisePath } from "../http1/path.ts";
import { compileChain, type FilterChain } from "./filters/chain.ts";
import { findFilter } from "./filters/registry.ts";
import { connectionKey, PoolRuntime } from "./upstream/pool-runtime.ts";
import type { ServerConnections } from "./upstream/server-connections.ts";
import type { WorkerContext } from "./worker-context.ts";

/** A route, ready for use. */
export class RoutePlan {
  readonly name: string;
  readonly chain: FilterChain | null;
  readonly rewrite: Rewrite | null;
  readonly redirect: { readonly status: number; readonly location: Redirect } | null;
  readonly respond: FixedAnswer | null;
  readonly importance: Importance;
  readonly #pools: readonly PoolRuntime[];
  readonly #split: Split | null;

  constructor(config: RouteConfig, name: string, pools: ReadonlyMap<string, PoolRuntime>, chain: FilterChain | null) {
    this.name = name;
    this.chain = chain;
    this.importance = Importance[config.importance];
    this.rewrite = config.rewrite === undefined ? null : compileRewrite(config.rewrite, normalisePath);
    this.redirect =
      config.redirect === undefined
        ? null
        : { status: config.redirect.status, location: compileRedirect(config.redirect) };
    this.respond = config.respond === undefined ? null : compileRespond(config.respond);
    const names = config.split?.map((entry) => entry.pool) ?? (config.pool === undefined ? [] : [config.pool]);
    this.#pools = names.map((pool) => {
      const runtime = pools.get(pool);
      if (runtime === undefined) throw new Error(`route ${name}: there is no pool ${pool}`);
      return runtime;
    });
    this.#split = config.split === undefined ? null : compileSplit(config.split);
  }

  /** The pool for a request: the only one, or one of the split's. */
  choosePool(random: Random): PoolRuntime {
    return this.#pools[this.#split === null ? 0 : this.#split.choose(random)]!;
  }
}

/** A listener's configuration, ready for use. Replaced as a whole when a snapshot is applied. */
export interface ListenerPlan {
  readonly name: string;
  readonly config: ListenerConfig;
  readonly table: RouteTable;
  readonly routes: readonly RoutePlan[];
  /** Whether an address is a trusted proxy's; null when none is. */
  readonly isTrusted: ((address: string) => boolean) | null;
}

/** A snapshot, compiled for one worker. */
export interface Plan {
  readonly snapshot: Snapshot;
  readonly listeners: ReadonlyMap<string, ListenerPlan>;
  readonly pools: ReadonlyMap<string, PoolRuntime>;
}

/** Compiles a snapshot. What did not change is taken over from `previous`: connections always, balancers of equal pools. */
export function compilePlan(
  snapshot: Snapshot,
  extensions: Extensions,
  context: WorkerContext,
  previous: Plan | null,
): Plan {
  const { config } = snapshot;
  const connections = new Map<string, ServerConnections>();
  for (const pool of previous?.pools.values() ?? []) {
    pool.config.servers.forEach((server, index) => {
      const { slot, connections: open } = pool.servers[index]!;
      connections.set(connectionKey(slot, server.address), open);
    });
  }
  const pools = new Map<string, PoolRuntime>();
  for (const [name, pool] of Object.entries(config.pools)) {
    const slots = snapshot.slots[name] ?? [];
    const before = previous?.pools.get(name);
    if (
      before !== undefined &&
      same(before.config, pool) &&
      same(previous?.snapshot.slots[name], slots) &&
      previous?.snapshot.config.zone === config.zone
    ) {
      pools.set(name, before);
      continue;
    }
    const algorithm =
      extensions.algorithms.find((own) => own.name === pool.algorithm.name) ?? findAlgorithm(pool.algorithm.name);
    if (algorithm === undefined) throw new Error(`pool ${name}: there is no algorithm ${pool.algorithm.name}`);
    pools.set(name, new PoolRuntime(name, pool, slots, algorithm, context, connections, config.zone));
  }
  for (const pool of pools.values()) {
    const { fallbackPool } = pool.config;
    pool.fallback = fallbackPool === undefined ? null : (pools.get(fallbackPool) ?? null);
  }
  const listeners = new Map<string, ListenerPlan>();
  for (const [name, listener] of Object.entries(config.listeners)) {
    listeners.set(name, compileListener(name, listener, pools, extensions, context));
  }
  return { snapshot, listeners, pools };
}

function compileListener(
  name: string,
  config: ListenerConfig,
  pools: ReadonlyMap<string, PoolRuntime>,
  extensions: Extensions,
  context: WorkerContext,
): ListenerPlan {
  const find = (filter: string) => extensions.filters.find((own) => own.name === filter) ?? findFilter(filter);
  const deps = { clock: context.clock, random: context.random, log: context.log };
  return {
    name,
    config,
    table: compileRoutes(config.routes),
    routes: config.routes.map((route, index) => {
      const routeName = route.name ?? `${name}/${index}`;
      const chain = route.filters.length === 0 ? null : compileChain(route.filters, find, deps);
      return new RoutePlan(route, routeName, pools, chain);
    }),
    isTrusted: config.trustedProxies.length === 0 ? null : compileCidrs(config.trustedProxies),
  };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
