import type { BalanceContext, Server } from "./balancer.ts";
import type { Random } from "../random.ts";
import { AliasTable } from "./alias-table.ts";
import { firstNotExcluded } from "./eligible.ts";

/** Draws before the list is walked; more than this many excluded ones in a row are rare unless most are excluded. */
const draws = 8;

/** Draws servers at random with a chance in given proportions, in O(1). */
export class WeightedDraw {
  private servers: readonly Server[] = [];
  private table: AliasTable | undefined;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** @param chances relative to each other, in the order of the servers; above 0 */
  set(servers: readonly Server[], chances: Float64Array): void {
    this.servers = servers;
    // With equal chances the table has nothing to say.
    this.table = chances.every((chance) => chance === chances[0]) ? undefined : new AliasTable(chances);
  }

  /** Position in the list that `set` got; the list must not be empty. Looks at no exclusion. */
  index(): number {
    const chance = this.random();
    return this.table === undefined ? (chance * this.servers.length) | 0 : this.table.pick(chance);
  }

  /** A server that is not excluded; undefined when none is left. */
  next(context: BalanceContext): Server | undefined {
    if (this.servers.length === 0) return undefined;
    let index = 0;
    for (let draw = 0; draw < draws; draw++) {
      index = this.index();
      const server = this.servers[index] as Server;
      if (!context.isExcluded(server)) return server;
    }
    return firstNotExcluded(this.servers, index, context);
  }

  /** A server that is neither excluded nor `other`, or undefined when a few draws find none. */
  another(context: BalanceContext, other: Server): Server | undefined {
    if (this.servers.length < 2) return undefined;
    for (let draw = 0; draw < draws; draw++) {
      const server = this.servers[this.index()] as Server;
      if (server !== other && !context.isExcluded(server)) return server;
    }
    return undefined;
  }
}
