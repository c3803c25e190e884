import type { BalanceContext, Server } from "./balancer.ts";
import type { Random } from "../random.ts";
import { AliasTable } from "./alias-table.ts";
import { firstNotExcluded } from "./eligible.ts";

/** Draws before the list is walked; more than this many excluded ones in a row are rare unless most are excluded. */
const draws = 8;

/** Draws servers at random with a chance in proportion to their weights, in O(1). */
export class WeightedDraw {
  private servers: readonly Server[] = [];
  private table: AliasTable | undefined;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  set(servers: readonly Server[]): void {
    this.servers = servers;
    const weight = servers[0]?.weight;
    // With equal weights the table has nothing to say.
    this.table = servers.every((server) => server.weight === weight)
      ? undefined
      : new AliasTable(servers.map((server) => server.weight));
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
