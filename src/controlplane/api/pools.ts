import type { FastifyPluginCallback } from "fastify";
import type { Snapshot } from "../../config/snapshot.ts";
import { poolTotals } from "../../shared-memory/totals.ts";
import type { DiscoveryStatus } from "../discovery/discovery-status.ts";
import type { NodeState } from "./node-state.ts";
import { sendProblem } from "./problem-details.ts";
import { isoTime } from "./server-health.ts";
import { poolServers, round } from "./server-view.ts";

/** `/pools` and `/pools/{name}`: pools with their servers and live counters. */
export function poolRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    server.get("/pools", () => {
      const snapshot = state.snapshot();
      return {
        pools:
          snapshot === undefined ? [] : Object.keys(snapshot.config.pools).map((name) => view(state, snapshot, name)),
      };
    });
    server.get<{ Params: { name: string } }>("/pools/:name", (request, reply) => {
      const { name } = request.params;
      const snapshot = state.snapshot();
      if (snapshot === undefined || !Object.hasOwn(snapshot.config.pools, name)) {
        return sendProblem(reply, 404, "unknown_pool", `There is no pool "${name}".`);
      }
      return view(state, snapshot, name);
    });
    done();
  };
}

function view(state: NodeState, snapshot: Snapshot, name: string) {
  const { algorithm, upstream, retries } = snapshot.config.pools[name]!;
  const servers = poolServers(snapshot, name, state);
  const { ready, total, panic } = state.health.readyServers(name);
  const sum = (field: "inFlight" | "connections" | "requests" | "errors") =>
    servers.reduce((total, server) => total + server[field], 0);
  return {
    name,
    algorithm,
    upstream,
    retries,
    /** The source of further servers; null without one. */
    discovery: discoveryView(state.discovery(name)),
    ready,
    /** Share of the servers with a weight that take new work; null without any. */
    healthyShare: total === 0 ? null : round(ready / total),
    /** Too few are ready, so that servers are used that only checks or errors speak against. */
    panic,
    ...poolTotals(state.scoreboard.handle, snapshot.slots[name] ?? []),
    inFlight: sum("inFlight"),
    connections: sum("connections"),
    requests: sum("requests"),
    errors: sum("errors"),
    servers,
  };
}

/** How a source of servers is doing, with times as everywhere in the interface. */
function discoveryView(status: DiscoveryStatus | undefined) {
  if (status === undefined) return null;
  const { lastSuccess, lastError } = status;
  return {
    ...status,
    lastSuccess: isoTime(lastSuccess ?? undefined),
    lastError: lastError === null ? null : { ...lastError, at: isoTime(lastError.at) },
  };
}
