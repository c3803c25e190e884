import type { FastifyPluginCallback, FastifyRequest } from "fastify";
import type { NodeEvent } from "../health/event-log.ts";
import { MAX_EVENT_SUBSCRIBERS } from "../health/limits.ts";
import { streamEvents } from "./event-stream.ts";
import type { NodeState } from "./node-state.ts";
import { sendProblem } from "./problem-details.ts";
import { eventView } from "./event-view.ts";

interface Query {
  /** Only events after the one of this number. */
  readonly since?: string;
  readonly pool?: string;
  readonly server?: string;
}

/**
 * `/events`: what changed about servers, pools and certificates, the oldest first, of the last thousand changes. As server-sent events
 * (HTML standard, 9.2) with `Accept: text/event-stream` or at `/events/stream`: what comes from then on, or after the
 * number in Last-Event-ID.
 */
export function eventRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    let streams = 0;
    server.get<{ Querystring: Query }>("/events", (request, reply) => {
      if (wantsStream(request)) return stream(request, reply);
      const since = numberOf(request.query.since);
      if (since === undefined) return sendProblem(reply, 400, "bad_request", "`since` must be the number of an event.");
      const { events } = state.health;
      return { events: events.since(since).filter(wanted(request.query)).map(eventView), lastId: events.lastId };
    });
    server.get<{ Querystring: Query }>("/events/stream", (request, reply) => stream(request, reply));

    function stream(
      request: FastifyRequest<{ Querystring: Query }>,
      reply: Parameters<typeof streamEvents>[0],
    ): unknown {
      const field = request.headers["last-event-id"];
      const since = numberOf(typeof field === "string" ? field : request.query.since, state.health.events.lastId);
      if (since === undefined) return sendProblem(reply, 400, "bad_request", "Last-Event-ID is no number.");
      if (streams >= MAX_EVENT_SUBSCRIBERS) {
        return sendProblem(reply, 503, "too_many_streams", `Already ${streams} readers follow the events.`);
      }
      streams++;
      streamEvents(reply, state.health.events, since, wanted(request.query), () => streams--);
      return reply;
    }
    done();
  };
}

function wanted({ pool, server }: Query): (event: NodeEvent) => boolean {
  return (event) => (pool === undefined || event.pool === pool) && (server === undefined || event.server === server);
}

function wantsStream({ headers }: FastifyRequest): boolean {
  return /(?:^|,)\s*text\/event-stream\s*(?:;|,|$)/i.test(headers.accept ?? "");
}

/** A number of an event; undefined when the text is none. */
function numberOf(text: string | undefined, absent = 0): number | undefined {
  if (text === undefined || text === "") return absent;
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
