import type { ServerConfig } from "../../config/schema.ts";
import type { Snapshot } from "../../config/snapshot.ts";
import { poolScales } from "../../shared-memory/scales.ts";
import { stateName } from "../../shared-memory/server-state.ts";
import { serverTotals } from "../../shared-memory/totals.ts";
import { serverHealth, type HealthSources } from "./server-health.ts";

/** A server with its live counters, as JSON. Numbers that are unknown are null. `scale`: see `poolScales`. */
export function serverView(pool: string, server: ServerConfig, slot: number, scale: number, sources: HealthSources) {
  const { scoreboard, clock } = sources;
  scoreboard.tick(clock.now());
  const totals = serverTotals(scoreboard.handle, slot);
  return {
    id: server.id ?? server.address,
    pool,
    address: server.address,
    state: stateName(scoreboard.state(slot)),
    health: serverHealth(sources, slot),
    weight: server.weight,
    effectiveWeight: round(server.weight * scale),
    priority: server.priority,
    zone: server.zone ?? null,
    maxConnections: server.maxConnections,
    inFlight: scoreboard.inFlight(slot),
    connections: scoreboard.connections(slot),
    requests: totals.requests,
    errors: totals.errors,
    connectFailures: totals.connectFailures,
    retries: totals.retries,
    statuses: namedStatuses(totals.statuses),
    bytesIn: totals.bytesIn,
    bytesOut: totals.bytesOut,
    webSockets: totals.webSockets,
    /** ms: the recent average, the peak-sensitive one, and the mean over everything. */
    latency: {
      average: round(scoreboard.latency(slot)),
      peak: round(scoreboard.peakLatency(slot)),
      mean: round(totals.meanLatency),
    },
    errorRate: round(scoreboard.errorRate(slot)),
    requestsPerSecond: round(scoreboard.requestRate(slot)),
    utilisation: round(scoreboard.utilisation(slot)),
  };
}

export type ServerView = ReturnType<typeof serverView>;

/** The servers of one pool, in the order of the configuration. */
export function poolServers(snapshot: Snapshot, pool: string, sources: HealthSources): ServerView[] {
  const config = snapshot.config.pools[pool];
  if (config === undefined) return [];
  const slots = snapshot.slots[pool]!;
  const { scales } = poolScales(sources.scoreboard, slots, config.slowStart, sources.clock.now());
  return config.servers.map((server, index) => serverView(pool, server, slots[index]!, scales[index]!, sources));
}

/** Six counters as `{ none, "1xx" … "5xx" }`. */
export function namedStatuses(counts: readonly number[]): Record<string, number> {
  return Object.fromEntries(counts.map((count, index) => [index === 0 ? "none" : `${index}xx`, count]));
}

/** Three decimals; null for what JSON has no number for. */
export function round(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null;
}
