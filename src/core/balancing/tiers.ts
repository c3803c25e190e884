import type { Server, ServerSet } from "./balancer.ts";
import { availability, priorityLevels, weightOf, type Level } from "./priority-levels.ts";

/** What planning needs to know of a server besides what a balancer does. */
export interface TierServer extends Server {
  /** Gets work only while none of the others is ready. */
  readonly backup: boolean;
}

/** A group of servers that share one balancer. */
export interface Tier<S extends Server = Server> {
  /** The same group has the same key in each plan: "0", "0/own", "0/other", "backup/0" (the number is the priority). */
  readonly key: string;
  /** The group's servers; `ready` are those that may get work, also those that only panic or `failOpen` lets in. */
  readonly set: ServerSet & { readonly all: readonly S[]; readonly ready: readonly S[] };
  /** Of the requests, 0..1; the shares of a plan add up to 1. */
  readonly share: number;
}

/** Which groups of a pool get which share of its requests, at one moment. */
export interface TierPlan<S extends Server = Server> {
  /**
   * Those with a share first, then those without one, each in order of preference. A request whose tier has no server
   * left for it (all tried or full) goes on with the others in this order. Empty when nobody may get work.
   */
  readonly tiers: readonly Tier<S>[];
  /** Whether servers that are not ready get work, because too few are. */
  readonly panic: boolean;
  /** How many servers with a weight are ready, and how many there are; backup servers included. */
  readonly ready: number;
  readonly total: number;
}

/** What speaks for and against servers at this moment. */
export interface TierView<S extends Server = Server> {
  /** Whether the server's state lets it take new work. */
  isReady(server: S): boolean;
  /** Whether at most opinions (checks, errors under traffic) speak against it, not that nobody is there. */
  mayBeTried(server: S): boolean;
}

export interface TierConfig {
  /** A level of which a smaller share is ready panics, 0..1; 0 is never. */
  readonly panicThreshold: number;
  /** A level spills over to the next one when its ready share times this is below 1; at least 1. */
  readonly overprovisioning: number;
  /** With no server ready at all, those that may be tried get the requests. */
  readonly failOpen: boolean;
  /** Zone of this node; undefined when none is configured. */
  readonly zone: string | undefined;
}

/**
 * Divides a pool's requests among its priorities and zones. Shares are by configured weight, not by the number of
 * servers, and slow start does not change them; a server with weight 0 is never ready.
 *
 * - Levels: servers of the same priority. The availability of a level is min(1, ready weight / weight ×
 *   overprovisioning). Each level in turn gets its availability, until nothing is left; when all together are below 1,
 *   they are divided by their sum.
 * - Zones: with a zone configured for the node, a level that has servers there becomes two tiers. The own zone gets
 *   its own availability of the level's share, the other zones the rest; either gets all when only it has any ready.
 * - Backup servers make levels of their own, which have a share only while no other server is ready.
 * - Panic: when the levels together are not available enough (a sum below 1) and less than `panicThreshold` of a
 *   level is ready, all of its servers that may be tried count as ready within their tier. Shares stay as they are, so
 *   a tier without any ready server gets no requests as long as another one has some.
 * - Nobody ready anywhere: an empty plan, or with `failOpen` as if all were ready that may be tried.
 *
 * @param version of the sets in the plan
 * @param servers all of the pool, in configured order
 *
 * Source: Envoy, "Priority levels", "Panic threshold" and "Zone aware routing" in the architecture overview of load
 * balancing. Unlike there, panic never moves requests to a level that has nobody ready.
 */
export function planTiers<S extends TierServer>(
  version: number,
  servers: readonly S[],
  view: TierView<S>,
  config: TierConfig,
): TierPlan<S> {
  const isReady = (server: S) => server.weight > 0 && view.isReady(server);
  const mayBeTried = (server: S) => server.weight > 0 && (view.isReady(server) || view.mayBeTried(server));
  const ready = count(servers, isReady);
  const total = count(servers, (server) => server.weight > 0);
  const open = ready === 0 && config.failOpen;
  const takes = open ? mayBeTried : isReady;
  const primary = servers.filter((server) => !server.backup);
  const backup = servers.filter((server) => server.backup);
  const primaryTakes = primary.some(takes);
  if (!primaryTakes && !backup.some(takes)) return { tiers: [], panic: false, ready, total };
  const active = (level: Level<S>) => level;
  const idle = (level: Level<S>) => ({ ...level, share: 0, panic: false });
  const levels = [
    ...priorityLevels(primary, takes, config, "").map(primaryTakes ? active : idle),
    ...priorityLevels(backup, takes, config, "backup/").map(primaryTakes ? idle : active),
  ];
  let panic = open;
  const tiers: Tier<S>[] = [];
  for (const level of levels) {
    for (const { key, members, share } of zonesOf(level, takes, config)) {
      const now = members.filter(level.panic ? mayBeTried : takes);
      if (level.panic && now.length > count(members, takes)) panic = true;
      tiers.push({ key, set: { version, all: members, ready: now }, share });
    }
  }
  return { tiers: tiers.toSorted((a, b) => Number(b.share > 0) - Number(a.share > 0)), panic, ready, total };
}

interface Zone<S> {
  readonly key: string;
  readonly members: readonly S[];
  readonly share: number;
}

/** The one or two tiers of a level. */
function zonesOf<S extends Server>(
  { key, servers, share }: Level<S>,
  takes: (server: S) => boolean,
  { zone, overprovisioning }: TierConfig,
): Zone<S>[] {
  const own = zone === undefined ? [] : servers.filter((server) => server.zone === zone);
  const ownWeight = weightOf(own, () => true);
  if (ownWeight === 0) return [{ key, members: servers, share }];
  const other = servers.filter((server) => server.zone !== zone);
  const ownReady = weightOf(own, takes);
  const part = ownReady > 0 && !other.some(takes) ? 1 : availability(ownReady, ownWeight, overprovisioning);
  return [
    { key: `${key}/own`, members: own, share: share * part },
    { key: `${key}/other`, members: other, share: share * (1 - part) },
  ];
}

function count<S>(servers: readonly S[], counts: (server: S) => boolean): number {
  let result = 0;
  for (const server of servers) if (counts(server)) result++;
  return result;
}
