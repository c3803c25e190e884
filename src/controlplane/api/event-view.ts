import type { HealthEvent } from "../health/health-event.ts";
import { isoTime } from "./server-health.ts";

/** An event as JSON. */
export function eventView({ id, at, pool, server, what, reason, ready }: HealthEvent) {
  return { id, at: isoTime(at), pool, server: server ?? null, what, reason: reason ?? null, ready };
}
