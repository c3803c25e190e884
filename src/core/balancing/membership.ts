import { combine, hashString } from "../hashing/hash.ts";
import type { BalanceContext, Server, ServerSet } from "./balancer.ts";
import { largestScale } from "./effective-weights.ts";
import { eligibleServers, firstNotExcluded } from "./eligible.ts";

/** Makes what decides whether a server keeps a key independent of what decides who owns it. */
const keepSeed = 9;

/**
 * The servers that a hashing algorithm places its keys on: all with a weight above 0, whether ready or not. Tables are
 * built over these, so a server that stops being ready moves only its own keys, and gets the same ones back.
 *
 * A server with a smaller scale than others gives part of its keys away as if it were not ready for them. Which ones
 * follows from the key and the server's name: with a growing scale they come back one after the other, and no others
 * move.
 */
export class Membership {
  members: readonly Server[] = [];
  /** Those that may be chosen now, in the order of the set. */
  eligible: readonly Server[] = [];
  /** 1 where the member of that index may be chosen for every key. */
  private whole: Uint8Array = new Uint8Array(0);
  /** For the others: hash of the name, and below which hash of key and name they keep a key; 0 where they are down. */
  private names = new Uint32Array(0);
  private limits = new Float64Array(0);

  /** Takes over a set; true when ids or weights of the members are others than before, so tables must be rebuilt. */
  update(set: ServerSet): boolean {
    const before = this.members;
    const members = set.all.filter((server) => server.weight > 0);
    this.members = members;
    this.eligible = eligibleServers(set);
    this.whole = new Uint8Array(members.length);
    this.names = new Uint32Array(members.length);
    this.limits = new Float64Array(members.length);
    const largest = largestScale(this.eligible);
    const readySlots = new Set<number>();
    for (const server of this.eligible) readySlots.add(server.slot);
    let changed = before.length !== members.length;
    for (let index = 0; index < members.length; index++) {
      const server = members[index] as Server;
      const old = before[index];
      if (readySlots.has(server.slot)) this.admit(index, server, server.scale / largest);
      if (old?.id !== server.id || old.weight !== server.weight) changed = true;
    }
    return changed;
  }

  private admit(index: number, server: Server, scale: number): void {
    if (scale >= 1) {
      this.whole[index] = 1;
      return;
    }
    this.names[index] = hashString(server.id, keepSeed);
    this.limits[index] = scale * 4294967296;
  }

  /** The member of that index, unless it is not ready, excluded, or gives this key away. */
  take(index: number, context: BalanceContext): Server | undefined {
    if (this.whole[index] === 0 && !this.keeps(index, context.hashKey)) return undefined;
    const server = this.members[index] as Server;
    return context.isExcluded(server) ? undefined : server;
  }

  private keeps(index: number, key: number): boolean {
    return combine(key | 0, this.names[index] as number) < (this.limits[index] as number);
  }

  /**
   * Some server that may be chosen, by the key; undefined when none is left. For the rare case that an algorithm's
   * own search gave up: complete, O(n), and not careful about disruption.
   */
  lastResort(hash: number, context: BalanceContext): Server | undefined {
    const start = Math.floor((hash / 4294967296) * this.eligible.length);
    return firstNotExcluded(this.eligible, start, context);
  }

  /** Weights of the members, in their order. */
  weights(): Float64Array {
    return Float64Array.from(this.members, (server) => server.weight);
  }
}

/**
 * How many table entries each member gets, so that the mean is at least `perServer` entries for a weight of 1, and
 * their sum at most about `limit`. Only powers of two scale the counts down: a changed server rarely touches others.
 */
export function entryCounts(weights: Float64Array, perServer: number, limit: number): Int32Array {
  let total = 0;
  for (const weight of weights) total += weight;
  let scale = perServer;
  while (total * scale > limit) scale /= 2;
  return Int32Array.from(weights, (weight) => Math.max(1, Math.round(weight * scale)));
}
