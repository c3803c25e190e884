import type { FastifyPluginCallback } from "fastify";
import { serverId } from "../../config/slots.ts";
import type { HistoryRecord } from "../health/history-store.ts";
import type { NodeState } from "./node-state.ts";
import { sendProblem } from "./problem-details.ts";
import { isoTime, serverHealth } from "./server-health.ts";

/** `/servers/{id}/health`: a server's health with the last results of its checks; one entry per pool that has it. */
export function serverHistoryRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    server.get<{ Params: { id: string }; Querystring: { pool?: string } }>(
      "/servers/:id/health",
      async (request, reply) => {
        const { id } = request.params;
        const found = find(state, id, request.query.pool);
        if (found.length === 0) return sendProblem(reply, 404, "unknown_server", `There is no server "${id}".`);
        const servers = found.map(async ({ pool, slot, address }) => ({
          id,
          pool,
          address,
          health: serverHealth(state, slot),
          history: (await state.health.history(slot)).map(recordView),
        }));
        return { servers: await Promise.all(servers) };
      },
    );
    done();
  };
}

/** The servers of this id, of all pools or of one, with their slots. */
function find(state: NodeState, id: string, only: string | undefined) {
  const snapshot = state.snapshot();
  return Object.entries(snapshot?.config.pools ?? {}).flatMap(([pool, { servers }]) => {
    if (only !== undefined && pool !== only) return [];
    const index = servers.findIndex((server) => serverId(server) === id);
    if (index === -1) return [];
    return [{ pool, slot: snapshot!.slots[pool]![index]!, address: servers[index]!.address }];
  });
}

function recordView({ check, at, outcome, latency, reason }: HistoryRecord) {
  return { at: isoTime(at), check, outcome, latency: Math.round(latency * 10) / 10, reason: reason ?? null };
}
