import type { Command } from "commander";
import { adminOption, askAdmin, type AdminOptions } from "./admin-client.ts";
import { tableLines } from "./table.ts";

/** The parts of an entry of `/api/v2/servers` that are shown. */
interface Entry {
  readonly pool: string;
  readonly id: string;
  readonly state: string;
  readonly weight: number;
  readonly inFlight: number;
  readonly connections: number;
  readonly requests: number;
  readonly errors: number;
  readonly latency: { readonly average: number | null };
  readonly health: { readonly reason: string | null };
}

/** Adds `evenkeel servers`. */
export function registerServers(program: Command): void {
  program
    .command("servers")
    .description("list the servers of a running balancer with live counters")
    .option("--pool <name>", "only those of this pool")
    .addOption(adminOption())
    .option("--json", "print the answer as JSON")
    .action(async ({ admin, json, pool }: AdminOptions & { pool?: string }) => {
      const query = pool === undefined ? "" : `?pool=${encodeURIComponent(pool)}`;
      const answer = (await askAdmin(admin, "GET", `/api/v2/servers${query}`, "servers")) as { servers: Entry[] };
      process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : text(answer.servers));
    });
}

/** Longest reason in the table; --json has all of it. */
const LONGEST_REASON = 70;

function shortened(reason: string): string {
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON - 1)}…` : reason;
}

function text(servers: readonly Entry[]): string {
  const head = [
    "POOL",
    "SERVER",
    "STATE",
    "WEIGHT",
    "IN FLIGHT",
    "CONNECTIONS",
    "REQUESTS",
    "ERRORS",
    "LATENCY MS",
    "WHY",
  ];
  const rows = servers.map((server) => [
    server.pool,
    server.id,
    server.state,
    server.weight,
    server.inFlight,
    server.connections,
    server.requests,
    server.errors,
    server.latency.average === null ? "-" : server.latency.average.toFixed(1),
    shortened(server.health.reason ?? ""),
  ]);
  return `${tableLines(head, rows).join("\n")}\n`;
}
