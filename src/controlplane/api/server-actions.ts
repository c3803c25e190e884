import type { FastifyPluginCallback, FastifyReply } from "fastify";
import { MAX_DURATION, parseDuration } from "../../config/units.ts";
import { findServers, type ActionResult, type ServerActions, type ServerTarget } from "../server-actions.ts";
import type { NodeState } from "./node-state.ts";
import { sendProblem } from "./problem-details.ts";
import { poolServers } from "./server-view.ts";

interface Action {
  /** Fields that its body may have. */
  readonly fields: readonly string[];
  run(actions: ServerActions, server: ServerTarget, timeout: number | undefined): ActionResult;
}

/** What can be done with a server, by the last part of the path. */
const all: Readonly<Record<string, Action>> = {
  drain: { fields: ["timeout"], run: (actions, server, timeout) => actions.drain(server, timeout) },
  maintenance: { fields: ["timeout"], run: (actions, server, timeout) => actions.maintenance(server, timeout) },
  resume: { fields: [], run: (actions, server) => actions.resume(server) },
  up: { fields: [], run: (actions, server) => actions.forceUp(server) },
  down: { fields: [], run: (actions, server) => actions.forceDown(server) },
  auto: { fields: [], run: (actions, server) => actions.auto(server) },
  kill: { fields: [], run: (actions, server) => actions.kill(server) },
};

interface Call {
  Params: { id: string };
  Querystring: { pool?: string };
  Body: unknown;
}

/** `POST /servers/{id}/drain`, `/maintenance`, `/resume`, `/up`, `/down`, `/auto` and `/kill`; `?pool=` where it is needed. */
export function serverActionRoutes(state: NodeState, actions: ServerActions): FastifyPluginCallback {
  return (fastify, _options, done) => {
    for (const [name, action] of Object.entries(all)) {
      fastify.post<Call>(`/servers/:id/${name}`, (request, reply) => {
        const wrong = wrongBody(request.body, action.fields);
        if (wrong !== undefined) return sendProblem(reply, 400, "bad_request", wrong.text, { field: wrong.field });
        const server = theServer(state, request.params.id, request.query.pool, reply);
        if (server === undefined) return reply;
        const timeout = (request.body as { timeout?: unknown } | null | undefined)?.timeout;
        return answer(state, server, action.run(actions, server, parseDuration(timeout)));
      });
    }
    done();
  };
}

function wrongBody(body: unknown, fields: readonly string[]): { field: string | null; text: string } | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body !== "object" || Array.isArray(body)) return { field: null, text: "The body must be a JSON object." };
  for (const [field, value] of Object.entries(body)) {
    if (!fields.includes(field)) return { field, text: `There is no field "${field}" here.` };
    const duration = parseDuration(value);
    if (duration === undefined || duration > MAX_DURATION)
      return { field, text: `"${field}" must be a duration such as "30s", or a number of milliseconds.` };
  }
  return undefined;
}

/** The one server that is meant; otherwise the problem has been sent. */
function theServer(
  state: NodeState,
  id: string,
  pool: string | undefined,
  reply: FastifyReply,
): ServerTarget | undefined {
  const snapshot = state.snapshot();
  if (pool !== undefined && snapshot !== undefined && !Object.hasOwn(snapshot.config.pools, pool)) {
    sendProblem(reply, 404, "unknown_pool", `There is no pool "${pool}".`);
    return undefined;
  }
  const found = findServers(snapshot, id, pool);
  if (found.length === 1) return found[0];
  if (found.length === 0) {
    sendProblem(
      reply,
      404,
      "unknown_server",
      `There is no server "${id}"${pool === undefined ? "" : ` in this pool`}.`,
    );
  } else {
    const pools = found.map((server) => server.pool);
    const text = `The pools ${pools.join(", ")} all have a server "${id}": say which one is meant.`;
    sendProblem(reply, 409, "ambiguous_server", text, { pools });
  }
  return undefined;
}

function answer(state: NodeState, server: ServerTarget, { drainUntil, warnings }: ActionResult): unknown {
  const { clock, scoreboard } = state;
  const view = poolServers(state.snapshot()!, server.pool, state).find(({ id }) => id === server.id);
  const left = drainUntil - clock.now();
  const until = Number.isFinite(left) ? new Date(clock.wall() + left).toISOString() : null;
  return {
    server: view,
    inFlight: scoreboard.inFlight(server.slot),
    /** When what is left is closed, and in how many ms that is; null for never. */
    drainUntil: until,
    drainTimeLeft: until === null ? null : Math.max(0, Math.round(left)),
    warnings,
  };
}
