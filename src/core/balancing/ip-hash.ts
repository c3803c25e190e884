import { mix32 } from "../hashing/hash.ts";
import { AliasTable } from "./alias-table.ts";
import type { BalanceContext, Balancer, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { Membership } from "./membership.ts";
import { noSettings } from "./settings.ts";

/** Servers that are tried for a key whose server cannot be used, before any server is taken. */
const maxTries = 64;

class IpHash implements Balancer {
  private readonly membership = new Membership();
  private table: AliasTable | undefined;

  choose(context: BalanceContext): Server | undefined {
    const { membership, table } = this;
    if (membership.eligible.length === 0 || table === undefined) return undefined;
    let hash = mix32(context.hashKey | 0);
    for (let tries = 0; tries < maxTries; tries++) {
      const server = membership.take(table.pick(hash / 4294967296), context);
      if (server !== undefined) return server;
      hash = mix32((hash + 0x9e3779b9) | 0);
    }
    return membership.lastResort(hash, context);
  }

  update(set: ServerSet): void {
    if (!this.membership.update(set)) return;
    this.table = this.membership.members.length > 0 ? new AliasTable(this.membership.weights()) : undefined;
  }
}

/**
 * A plain hash of the client's address (or another key) over the servers, in proportion to their weights. A server
 * that is not ready or excluded moves only its own clients, as their address is hashed again; but a server that is
 * added or removed, or gets another weight, moves most of them: `consistent_hash`, `maglev` and `rendezvous_hash` are
 * for that. O(1).
 *
 * Source of hashing again: nginx, ngx_http_upstream_ip_hash_module.c.
 */
export const ipHash: BalancingAlgorithm = {
  name: "ip_hash",
  summary: "A hash of the client's address: the same client gets the same server.",
  schema: noSettings,
  usesHashKey: true,
  create: () => new IpHash(),
};
