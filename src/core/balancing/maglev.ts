import type { Static } from "typebox";
import { mix32 } from "../hashing/hash.ts";
import { buildMaglevTable, primeFrom } from "../hashing/maglev-table.ts";
import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { Membership } from "./membership.ts";
import { integer, settings } from "./settings.ts";

const schema = settings({
  tableSize: integer(
    65_537,
    3,
    5_000_011,
    "entries of the lookup table, raised to the next prime; 100 or more per server split the keys evenly",
  ),
});

/** Entries that are tried for a key whose server cannot be used, before any server is taken. */
const maxTries = 64;

class Maglev implements Balancer {
  private readonly membership = new Membership();
  private readonly minimumSize: number;
  private table: Int32Array = new Int32Array(0);

  constructor(deps: BalancerDeps<Static<typeof schema>>) {
    this.minimumSize = deps.config.tableSize;
  }

  choose(context: BalanceContext): Server | undefined {
    const { membership, table } = this;
    if (membership.eligible.length === 0) return undefined;
    let hash = mix32(context.hashKey | 0);
    for (let tries = 0; tries < maxTries && table.length > 0; tries++) {
      const server = membership.take(table[hash % table.length] as number, context);
      if (server !== undefined) return server;
      hash = mix32((hash + 0x9e3779b9) | 0);
    }
    return membership.lastResort(context.hashKey, context);
  }

  update(set: ServerSet): void {
    const { membership } = this;
    if (!membership.update(set)) return;
    const { members } = membership;
    if (members.length === 0) this.table = new Int32Array(0);
    else {
      const names = members.map((server) => server.id);
      const size = primeFrom(Math.max(this.minimumSize, members.length + 1));
      this.table = buildMaglevTable(names, membership.weights(), size);
    }
  }
}

/**
 * The entry of a Maglev lookup table at the key's place. The table is over all members, ready or not: when a server
 * is not ready or excluded, its keys are hashed again until they fall on a usable one, so no other keys move at all
 * (rebuilding the table over the ready ones would move a few). A choice is O(1); the table is rebuilt when members or
 * weights change, which moves few keys besides those that must.
 *
 * Source: D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016.
 */
export const maglev: BalancingAlgorithm<Static<typeof schema>> = {
  name: "maglev",
  summary: "A lookup table of fixed size that splits the keys very evenly and moves few of them.",
  schema,
  usesHashKey: true,
  create: (deps) => new Maglev(deps),
};
