import { isHealthEvent, type NodeEvent } from "../health/event-log.ts";
import { isoTime } from "./server-health.ts";

/** An event as JSON. */
export function eventView(event: NodeEvent) {
  const { id, what } = event;
  const at = isoTime(event.at);
  if (!isHealthEvent(event)) return { id, at, certificate: event.certificate, what, reason: event.reason };
  const { pool, server, reason, ready } = event;
  return { id, at, pool, server: server ?? null, what, reason: reason ?? null, ready };
}
