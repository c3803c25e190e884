import type { BalanceContext, Server } from "./balancer.ts";

/** Most turns that a rotation is wound forward at its start. */
const maxWinding = 1000;

/**
 * Smooth weighted round robin: every turn adds each server's weight to its credit, takes the server with the highest
 * credit and subtracts the sum of the weights from it. Within one cycle a server gets exactly its weight's share, and
 * its turns are spread out instead of coming in a row (weights 5, 1, 1 give a a b a c a a). A turn is O(n).
 *
 * A server that is excluded earns no credit in that turn, so a server that was full for long does not get a burst
 * afterwards.
 *
 * Source: nginx, ngx_http_upstream_round_robin.c (ngx_http_upstream_get_peer).
 */
export class SmoothRotation {
  private servers: readonly Server[] = [];
  private weights: Float64Array = new Float64Array(0);
  private credit = new Float64Array(0);
  private readonly phase: number;

  /** @param phase 0 ≤ phase < 1: how far into the cycle the first turn is */
  constructor(phase: number) {
    this.phase = phase;
  }

  /** Servers and their weights, in the same order; the same list as before means that only weights changed. */
  set(servers: readonly Server[], weights: Float64Array): void {
    const before = this.servers;
    this.weights = weights;
    if (before === servers) return;
    const credit = new Float64Array(servers.length);
    let sum = 0;
    let survivors = 0;
    for (let index = 0; index < servers.length; index++) {
      const slot = (servers[index] as Server).slot;
      const old = before.findIndex((server) => server.slot === slot);
      if (old < 0) continue;
      credit[index] = this.credit[old] as number;
      sum += credit[index] as number;
      survivors++;
    }
    // Credits add up to 0 at the end of each turn; what a leaving server took with it is spread over those that stay.
    if (survivors > 0) {
      for (let index = 0; index < servers.length; index++)
        credit[index] = (credit[index] as number) - sum / servers.length;
    }
    this.servers = servers;
    this.credit = credit;
    if (survivors === 0) this.wind();
  }

  next(context: BalanceContext): Server | undefined {
    const { servers, weights, credit } = this;
    let total = 0;
    let best = -1;
    let bestCredit = -Infinity;
    for (let index = 0; index < servers.length; index++) {
      if (context.isExcluded(servers[index] as Server)) continue;
      const weight = weights[index] as number;
      const now = (credit[index] as number) + weight;
      credit[index] = now;
      total += weight;
      if (now > bestCredit) {
        bestCredit = now;
        best = index;
      }
    }
    if (best < 0) return undefined;
    credit[best] = bestCredit - total;
    return servers[best];
  }

  private wind(): void {
    let total = 0;
    let least = Infinity;
    for (const weight of this.weights) {
      total += weight;
      if (weight < least) least = weight;
    }
    const turns = Math.min(maxWinding, Math.round((total / least) * this.phase)) || 0;
    for (let turn = 0; turn < turns; turn++) this.next(nobody);
  }
}

const nobody: BalanceContext = { hashKey: 0, isExcluded: () => false };
