import type { Static } from "typebox";
import { mix32 } from "../hashing/hash.ts";
import { HashRing } from "../hashing/ring.ts";
import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { InFlightTotal } from "./in-flight-total.ts";
import { entryCounts, Membership } from "./membership.ts";
import { integer, number, settings } from "./settings.ts";

const schema = settings({
  virtualNodes: integer(160, 1, 10_000, "points on the ring per server and unit of weight"),
  boundedLoad: number(
    1.25,
    0,
    100,
    "most requests in flight on a server, as a multiple of its fair share; 0 is no bound, and below 1 means 1",
  ),
});

/** Most points on a ring; heavier weights are scaled down together. */
const maxPoints = 2 ** 21;
/** Points that a search visits before it gives up and takes any server. */
const maxSteps = 1024;

class ConsistentHash implements Balancer {
  private readonly membership = new Membership();
  private readonly deps: BalancerDeps<Static<typeof schema>>;
  private readonly total: InFlightTotal;
  private ring = new HashRing([], new Int32Array(0));
  private readyWeight = 0;
  private readonly bound: number;

  constructor(deps: BalancerDeps<Static<typeof schema>>) {
    this.deps = deps;
    this.total = new InFlightTotal(deps.signals);
    this.bound = deps.config.boundedLoad > 0 ? Math.max(1, deps.config.boundedLoad) : 0;
  }

  choose(context: BalanceContext): Server | undefined {
    const { ring, membership } = this;
    if (membership.eligible.length === 0) return undefined;
    const hash = mix32(context.hashKey | 0);
    const bound = this.bound;
    const perWeight = bound > 0 ? (bound * (this.total.read() + 1)) / this.readyWeight : 0;
    let full: Server | undefined;
    let position = ring.find(hash);
    const steps = Math.min(ring.length, maxSteps);
    for (let step = 0; step < steps; step++) {
      const server = membership.take(ring.owner(position), context);
      if (server !== undefined) {
        if (
          bound === 0 ||
          this.deps.signals.inFlight(server.slot) < Math.ceil(perWeight * server.weight * server.scale)
        )
          return server;
        full ??= server;
      }
      position = position + 1 < ring.length ? position + 1 : 0;
    }
    return full ?? membership.lastResort(hash, context);
  }

  update(set: ServerSet): void {
    const { membership } = this;
    if (membership.update(set)) {
      const names = membership.members.map((server) => server.id);
      const counts = entryCounts(membership.weights(), this.deps.config.virtualNodes, maxPoints);
      this.ring = new HashRing(names, counts);
    }
    this.readyWeight = membership.eligible.reduce((sum, server) => sum + server.weight * server.scale, 0);
    this.total.set(membership.eligible);
  }
}

/**
 * The owner of the key's place on a hash ring. A server that is not ready, excluded or over its bound is passed over:
 * its keys go to the next one on the ring and all others stay where they are. The bound is ceil(boundedLoad × requests
 * in flight on the pool × share of the weight). O(1) per choice; the ring is rebuilt when members or weights change.
 *
 * Sources: D. Karger et al. 1997; V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with Bounded Loads",
 * 2018.
 */
export const consistentHash: BalancingAlgorithm<Static<typeof schema>> = {
  name: "consistent_hash",
  summary: "The owner of the key's place on a hash ring, with a bound on the load of each server.",
  schema,
  usesHashKey: true,
  create: (deps) => new ConsistentHash(deps),
};
