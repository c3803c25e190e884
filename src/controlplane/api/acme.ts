import type { FastifyPluginCallback } from "fastify";
import type { AcmeStatus } from "../acme/acme-status.ts";
import type { NodeState } from "./node-state.ts";

/** `/acme`: certificates that come by ACME: whether they are good, when they are renewed, and what went wrong. */
export function acmeRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    server.get("/acme", () => ({ certificates: state.acme().map(view) }));
    done();
  };
}

function view(status: AcmeStatus) {
  const { notBefore, notAfter, renewal, nextAttempt, lastError, ...rest } = status;
  return {
    ...rest,
    notBefore: time(notBefore),
    notAfter: time(notAfter),
    renewal: renewal === null ? null : { ...renewal, at: time(renewal.at) },
    nextAttempt: time(nextAttempt),
    lastError: lastError === null ? null : { ...lastError, at: time(lastError.at) },
  };
}

function time(wall: number | null): string | null {
  return wall === null ? null : new Date(wall).toISOString();
}
