import type { BalanceContext, Balancer, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import type { Random } from "../random.ts";
import { eligibleServers, firstNotExcluded } from "./eligible.ts";
import { noSettings } from "./settings.ts";

/** Draws before the list is walked; more than this many excluded ones in a row are rare unless most are excluded. */
const draws = 8;

class RandomChoice implements Balancer {
  private servers: readonly Server[] = [];
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  choose(context: BalanceContext): Server | undefined {
    const servers = this.servers;
    const length = servers.length;
    if (length === 0) return undefined;
    let index = 0;
    for (let draw = 0; draw < draws; draw++) {
      index = (this.random() * length) | 0;
      const server = servers[index] as Server;
      if (!context.isExcluded(server)) return server;
    }
    return firstNotExcluded(servers, index, context);
  }

  update(set: ServerSet): void {
    this.servers = eligibleServers(set);
  }
}

/** Any ready server with the same chance, whatever its weight (0 is left out). A choice is O(1). */
export const random: BalancingAlgorithm = {
  name: "random",
  summary: "A ready server at random, all with the same chance.",
  schema: noSettings,
  usesHashKey: false,
  create: (deps) => new RandomChoice(deps.random),
};
