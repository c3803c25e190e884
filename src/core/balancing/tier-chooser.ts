import { mix32 } from "../hashing/hash.ts";
import type { Random } from "../random.ts";
import type { BalanceContext, Balancer, Outcome, Server } from "./balancer.ts";
import type { TierPlan } from "./tiers.ts";

/** Makes the hash that draws the tier independent of the one that draws the server. */
const tierSalt = 0x7f4a7c15;

/**
 * Chooses the tier of a request by the tiers' shares and has its balancer choose the server. The balancer of a tier is
 * kept by the tier's key, also while a plan lacks it, so that rotations and learned weights go on.
 */
export class TierChooser {
  private readonly create: () => Balancer;
  private readonly random: Random;
  private readonly byKey: boolean;
  /** As many as the pool has had tiers, which its priorities and zones bound. */
  private readonly byTier = new Map<string, Balancer>();
  /** Those of the plan, in its order, and the sum of the shares up to and with each. */
  private balancers: Balancer[] = [];
  private ends = new Float64Array(0);
  /** How many have a share; those after them are only there for requests that found no server. */
  private shared = 0;
  /** Whether the algorithm wants to be told of completions at all; known once there was a tier. */
  listens = false;
  /** Balancer by slot, for completions; empty while there is at most one tier or balancers do not listen. */
  private readonly bySlot = new Map<number, Balancer>();

  /**
   * @param create makes a balancer of the pool's algorithm
   * @param byKey draw the tier by the request's hash key instead of at random: for algorithms that place keys, so that
   *   a key stays in its tier as long as the shares allow
   */
  constructor(create: () => Balancer, random: Random, byKey: boolean) {
    this.create = create;
    this.random = random;
    this.byKey = byKey;
  }

  /** Another plan takes effect from the next choice on. */
  update(plan: TierPlan): void {
    const { tiers } = plan;
    this.balancers = tiers.map((tier) => this.balancerOf(tier.key));
    this.ends = new Float64Array(tiers.length);
    this.shared = 0;
    this.bySlot.clear();
    let sum = 0;
    tiers.forEach(({ set, share }, index) => {
      const balancer = this.balancers[index] as Balancer;
      balancer.update(set);
      sum += share;
      this.ends[index] = sum;
      if (share > 0) this.shared = index + 1;
      if (tiers.length > 1 && balancer.onComplete !== undefined) {
        for (const server of set.all) this.bySlot.set(server.slot, balancer);
      }
    });
  }

  /** The server for the next request; undefined when no tier has a ready server left that is not excluded. */
  choose(context: BalanceContext): Server | undefined {
    const balancers = this.balancers;
    const first = this.shared > 1 ? this.draw(context) : 0;
    if (first >= balancers.length) return undefined;
    const server = (balancers[first] as Balancer).choose(context);
    if (server !== undefined || balancers.length === 1) return server;
    for (let index = 0; index < balancers.length; index++) {
      if (index === first) continue;
      const other = (balancers[index] as Balancer).choose(context);
      if (other !== undefined) return other;
    }
    return undefined;
  }

  /** Tells the balancer of the server's tier how an exchange ended; nobody when the server is in no tier. */
  onComplete(server: Server, outcome: Outcome): void {
    const balancer = this.balancers.length === 1 ? this.balancers[0] : this.bySlot.get(server.slot);
    balancer?.onComplete?.(server, outcome);
  }

  private draw(context: BalanceContext): number {
    const chance = this.byKey ? mix32(context.hashKey ^ tierSalt) / 4294967296 : this.random();
    const last = this.shared - 1;
    let index = 0;
    while (index < last && chance >= (this.ends[index] as number)) index++;
    return index;
  }

  private balancerOf(key: string): Balancer {
    let balancer = this.byTier.get(key);
    if (balancer === undefined) {
      balancer = this.create();
      this.byTier.set(key, balancer);
      this.listens = balancer.onComplete !== undefined;
    }
    return balancer;
  }
}
