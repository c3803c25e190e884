import type { Static } from "typebox";
import { combine, hashString, mix32 } from "../hashing/hash.ts";
import { RaceTable } from "../hashing/race-table.ts";
import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { entryCounts, Membership } from "./membership.ts";
import { integer, settings } from "./settings.ts";

const schema = settings({
  exactUpTo: integer(
    128,
    0,
    100_000,
    "members up to which every server's score is computed; above, a table of places is used (crossing it moves keys)",
  ),
});

/** Places per server and unit of weight in the table for big sets. */
const placesPerServer = 32;
const maxPlaces = 2 ** 20;
/** Draws of a key before any server is taken. */
const maxDraws = 256;

class RendezvousHash implements Balancer {
  private readonly membership = new Membership();
  private readonly exactUpTo: number;
  private names = new Uint32Array(0);
  private weights: Float64Array = new Float64Array(0);
  private race: RaceTable | undefined;

  constructor(deps: BalancerDeps<Static<typeof schema>>) {
    this.exactUpTo = deps.config.exactUpTo;
  }

  choose(context: BalanceContext): Server | undefined {
    if (this.membership.eligible.length === 0) return undefined;
    return this.race === undefined ? this.exact(context) : this.draw(this.race, context);
  }

  update(set: ServerSet): void {
    const { membership } = this;
    if (!membership.update(set)) return;
    const { members } = membership;
    this.weights = membership.weights();
    this.names = Uint32Array.from(members, (server) => hashString(server.id, 5));
    this.race =
      members.length > this.exactUpTo
        ? new RaceTable(
            members.map((server) => server.id),
            entryCounts(this.weights, placesPerServer, maxPlaces),
          )
        : undefined;
  }

  /** The lowest −ln(h)/w is the highest w/−ln(h). */
  private exact(context: BalanceContext): Server | undefined {
    const { membership, names, weights } = this;
    const key = mix32(context.hashKey | 0);
    let best: Server | undefined;
    let bestScore = Infinity;
    for (let index = 0; index < names.length; index++) {
      const share = (combine(key, names[index] as number) + 0.5) / 4294967296;
      const weight = weights[index] as number;
      // −ln(x) ≥ 1 − x: most servers are out without a logarithm.
      if (1 - share >= bestScore * weight) continue;
      const score = -Math.log(share) / weight;
      if (score >= bestScore) continue;
      const server = membership.take(index, context);
      if (server === undefined) continue;
      best = server;
      bestScore = score;
    }
    // Nobody although some may be chosen: those that are left give this key away.
    return best ?? membership.lastResort(key, context);
  }

  private draw(race: RaceTable, context: BalanceContext): Server | undefined {
    const { membership } = this;
    const key = mix32(context.hashKey | 0);
    for (let draw = 0; draw < maxDraws; draw++) {
      const place = race.place(key, draw);
      const end = race.starts[place + 1] as number;
      let best: Server | undefined;
      let bestScore = -1;
      for (let position = race.starts[place] as number; position < end; position++) {
        const owner = race.owners[position] as number;
        const score = combine(key, race.names[owner] as number);
        if (score <= bestScore) continue;
        const server = membership.take(owner, context);
        if (server === undefined) continue;
        best = server;
        bestScore = score;
      }
      if (best !== undefined) return best;
    }
    return membership.lastResort(context.hashKey, context);
  }
}

/**
 * The server with the highest random weight for the key, w/−ln(h) with h a hash of key and server: no tables to
 * disagree about, exact shares, and a server that comes or goes moves only keys from or to itself. O(n) up to
 * `exactUpTo` servers; above, the same rule with scores that come out in descending order (`RaceTable`), O(1).
 *
 * Sources: D. G. Thaler, C. V. Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998; for the weights
 * C. Schindelhauer, G. Schomaker, "Weighted Distributed Hash Tables", 2005.
 */
export const rendezvousHash: BalancingAlgorithm<Static<typeof schema>> = {
  name: "rendezvous_hash",
  summary: "The server with the highest random weight for the key; only the keys of a changed server move.",
  schema,
  usesHashKey: true,
  create: (deps) => new RendezvousHash(deps),
};
