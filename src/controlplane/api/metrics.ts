import type { FastifyPluginCallback } from "fastify";
import { exposition, EXPOSITION_TYPE } from "../metrics/exposition.ts";
import { metricFamilies } from "../metrics/families.ts";
import type { NodeState } from "./node-state.ts";

/** `/metrics`: all metrics in Prometheus' text format. */
export function metricsRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    server.get("/metrics", (_request, reply) => reply.type(EXPOSITION_TYPE).send(exposition(metricFamilies, state)));
    done();
  };
}
