import type { FastifyPluginCallback } from "fastify";
import { quantile } from "../../shared-memory/histogram.ts";
import { listenerHistogram, listenerTotals } from "../../shared-memory/totals.ts";
import type { NodeState } from "./node-state.ts";
import { namedStatuses, round } from "./server-view.ts";

/** `/listeners`: where clients connect, and what they did. */
export function listenerRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    server.get("/listeners", () => {
      const listeners = Object.entries(state.snapshot()?.config.listeners ?? {});
      return {
        listeners: listeners.map(([name, { protocol, routes }]) => ({
          name,
          protocol,
          addresses: state.addresses()[name] ?? [],
          routes: routes.length,
          ...counters(state, name),
        })),
      };
    });
    done();
  };
}

function counters({ scoreboard }: NodeState, name: string) {
  const place = scoreboard.clients.listenerSlot(name);
  const { statuses, accepted, ...counted } = listenerTotals(scoreboard.handle, place);
  const histogram = listenerHistogram(scoreboard.handle, place);
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => round(quantile(histogram, share)));
  return {
    connections: accepted,
    openConnections: scoreboard.clients.open(place),
    ...counted,
    statuses: namedStatuses(statuses),
    /** ms. */
    latency: { p50, p90, p99 },
  };
}
