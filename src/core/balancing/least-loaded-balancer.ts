import type { BalanceContext, Balancer, Server, ServerSet } from "./balancer.ts";
import { eligibleServers } from "./eligible.ts";
import type { LeastLoaded } from "./least-loaded.ts";

/** A balancer that is nothing but a choice of the least loaded server, with the same turn for each among equals. */
export class LeastLoadedBalancer implements Balancer {
  private readonly chooser: LeastLoaded;

  constructor(chooser: LeastLoaded) {
    this.chooser = chooser;
  }

  choose(context: BalanceContext): Server | undefined {
    return this.chooser.choose(context);
  }

  update(set: ServerSet): void {
    this.chooser.set(eligibleServers(set));
  }

  onComplete(server: Server): void {
    this.chooser.touch(server);
  }
}
