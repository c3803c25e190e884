import type { FastifyPluginCallback } from "fastify";
import { listenerTotals } from "../../shared-memory/totals.ts";
import { notReady } from "./health.ts";
import type { NodeState } from "./node-state.ts";
import { round } from "./server-view.ts";

/** `/status`: the node at a glance. */
export function statusRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    server.get("/status", () => {
      const reasons = notReady(state);
      return {
        version: state.version,
        uptime: Math.round(state.clock.now() - state.startedAt) / 1000,
        ready: reasons.length === 0,
        reasons,
        snapshot: state.snapshot()?.version ?? null,
        workers: state.workers().map((worker) => ({
          ...worker,
          eventLoopDelay: round(state.scoreboard.workers.takeLoopDelay(worker.worker)),
        })),
        pools: Object.keys(state.snapshot()?.config.pools ?? {}).map((name) => {
          const { ready: readyServers, total, panic } = state.health.readyServers(name);
          return { name, ready: readyServers, servers: total, panic };
        }),
        totals: totals(state),
      };
    });
    done();
  };
}

function totals({ scoreboard, snapshot }: NodeState) {
  const sum = { connections: 0, openConnections: 0, requests: 0, refused: 0, upgrades: 0, bytesIn: 0, bytesOut: 0 };
  const webSockets = { open: 0, messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 };
  for (const name of Object.keys(snapshot()?.config.listeners ?? {})) {
    const place = scoreboard.clients.listenerSlot(name);
    const counted = listenerTotals(scoreboard.handle, place);
    sum.connections += counted.accepted;
    sum.openConnections += scoreboard.clients.open(place);
    sum.requests += counted.requests;
    sum.refused += counted.refused;
    sum.upgrades += counted.upgrades;
    sum.bytesIn += counted.bytesIn;
    sum.bytesOut += counted.bytesOut;
    webSockets.open += counted.webSockets.open;
    webSockets.messagesIn += counted.webSockets.messagesIn;
    webSockets.messagesOut += counted.webSockets.messagesOut;
    webSockets.bytesIn += counted.webSockets.bytesIn;
    webSockets.bytesOut += counted.webSockets.bytesOut;
  }
  return { ...sum, webSockets };
}
