import type { FastifyPluginCallback } from "fastify";
import type { NodeState } from "./node-state.ts";
import { sendProblem } from "./problem-details.ts";
import { poolServers, type ServerView } from "./server-view.ts";

/** `/servers` (of all pools, or `?pool=` of one) and `/servers/{id}` (one entry per pool that has it). */
export function serverRoutes(state: NodeState): FastifyPluginCallback {
  const all = (pool?: string): ServerView[] => {
    const snapshot = state.snapshot();
    if (snapshot === undefined) return [];
    const names = Object.keys(snapshot.config.pools).filter((name) => pool === undefined || name === pool);
    return names.flatMap((name) => poolServers(snapshot, name, state));
  };
  return (server, _options, done) => {
    server.get<{ Querystring: { pool?: string } }>("/servers", (request, reply) => {
      const { pool } = request.query;
      const pools = state.snapshot()?.config.pools;
      if (pool !== undefined && pools !== undefined && !Object.hasOwn(pools, pool))
        return sendProblem(reply, 404, "unknown_pool", `There is no pool "${pool}".`);
      return { servers: all(pool) };
    });
    server.get<{ Params: { id: string } }>("/servers/:id", (request, reply) => {
      const { id } = request.params;
      const servers = all().filter((entry) => entry.id === id);
      return servers.length > 0
        ? { servers }
        : sendProblem(reply, 404, "unknown_server", `There is no server "${id}".`);
    });
    done();
  };
}
