import type { FastifyError, FastifyInstance, FastifyReply } from "fastify";

/** An error answer by RFC 9457. `code` is stable, for programs. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly [extension: string]: unknown;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Answers with problem details. `code` names the kind of problem; `extension` adds fields of its own. */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  code: string,
  title: string,
  extension: Readonly<Record<string, unknown>> = {},
): FastifyReply {
  const body: ProblemDetails = { type: "about:blank", title, status, code, ...extension };
  return reply.code(status).type("application/problem+json").send(JSON.stringify(body));
}

/** Makes unknown paths and errors answer with problem details; an unexpected error says nothing about its cause. */
export function answerWithProblems(server: FastifyInstance, onError: (error: Error) => void): void {
  server.setNotFoundHandler((request, reply) => {
    const detail = `${request.method} ${request.url}`;
    const url = request.url.split("?", 1)[0]!;
    const allowed = METHODS.filter((method) => server.hasRoute({ method, url }));
    if (allowed.length === 0) return sendProblem(reply, 404, "not_found", "There is nothing at this path.", { detail });
    void reply.header("Allow", allowed.join(", "));
    return sendProblem(reply, 405, "method_not_allowed", "This path takes other methods.", { detail });
  });
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, status, "bad_request", error.message);
    onError(error);
    return sendProblem(reply, 500, "internal", "The request failed; the log says why.");
  });
}
