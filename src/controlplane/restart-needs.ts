import type { Config } from "../config/schema.ts";

/** Sentences about what differs from the configuration of the start but takes effect only after a restart. */
export function restartNeeds(before: Config, after: Config): string[] {
  const needs: string[] = [];
  const say = (key: string) => needs.push(`${key} has changed, which needs a restart`);
  if (before.workers !== after.workers) say("workers");
  if (before.maxServers !== after.maxServers) say("maxServers");
  if (before.store !== after.store) say("store");
  if (before.certificateStore !== after.certificateStore) say("certificateStore");
  if ((before.admin === false) !== (after.admin === false)) say("admin");
  else if (before.admin !== false && after.admin !== false) {
    if (before.admin.listen !== after.admin.listen) say("admin.listen");
    if (before.admin.token !== after.admin.token) say("admin.token");
  }
  return needs;
}
