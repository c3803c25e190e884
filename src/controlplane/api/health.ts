import type { FastifyPluginCallback } from "fastify";
import type { NodeState } from "./node-state.ts";

/** Why the node should get no traffic; empty when it is ready. */
export function notReady(state: NodeState): string[] {
  const snapshot = state.snapshot();
  if (state.draining()) return ["draining"];
  if (snapshot === undefined) return ["starting: no configuration is in use yet"];
  return state
    .workers()
    .filter((worker) => worker.state !== "running" || worker.planVersion !== snapshot.version)
    .map(
      ({ worker, state: at, planVersion }) =>
        `worker ${worker} is ${at} with plan ${planVersion} of ${snapshot.version}`,
    );
}

/** `/healthz`: the process is alive. `/readyz`: it takes traffic. Both without a token. */
export function healthRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    server.get("/healthz", () => ({ status: "ok" }));
    server.get("/readyz", (_request, reply) => {
      const reasons = notReady(state);
      return reply
        .code(reasons.length === 0 ? 200 : 503)
        .send({ status: reasons.length === 0 ? "ready" : "not ready", reasons });
    });
    done();
  };
}
