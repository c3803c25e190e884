import type { Command } from "commander";
import { adminOption, askAdmin, type AdminOptions } from "./admin-client.ts";
import { tableLines } from "./table.ts";

/** The parts of `/api/v2/status` that are shown. */
interface Status {
  readonly version: string;
  readonly uptime: number;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly snapshot: number | null;
  readonly workers: readonly {
    worker: number;
    state: string;
    planVersion: number;
    restarts: number;
    eventLoopDelay: number;
  }[];
  readonly pools: readonly {
    readonly name: string;
    readonly ready: number;
    readonly servers: number;
    readonly panic: boolean;
  }[];
  readonly totals: Readonly<Record<string, number>>;
}

/** Adds `evenkeel status`. */
export function registerStatus(program: Command): void {
  program
    .command("status")
    .description("show a running balancer at a glance")
    .addOption(adminOption())
    .option("--json", "print the answer as JSON")
    .action(async ({ admin, json }: AdminOptions) => {
      const status = (await askAdmin(admin, "GET", "/api/v2/status", "workers")) as Status;
      process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : text(status));
    });
}

function text(status: Status): string {
  const { totals } = status;
  const ready = status.ready ? "ready" : `not ready: ${status.reasons.join("; ")}`;
  return [
    `evenkeel ${status.version}, ${ready}, up ${Math.round(status.uptime)} s, configuration ${status.snapshot ?? "none"}`,
    `${totals["requests"]} requests, ${totals["openConnections"]} open of ${totals["connections"]} client connections, ${totals["refused"]} refused`,
    "",
    ...tableLines(
      ["WORKER", "STATE", "PLAN", "RESTARTS", "LOOP DELAY MS"],
      status.workers.map((worker) => [
        worker.worker,
        worker.state,
        worker.planVersion,
        worker.restarts,
        worker.eventLoopDelay,
      ]),
    ),
    "",
    ...tableLines(
      ["POOL", "READY", "SERVERS", ""],
      status.pools.map(({ name, ready: readyServers, servers, panic }) => [
        name,
        readyServers,
        servers,
        panic ? "panic: uses servers that are not ready" : "",
      ]),
    ),
    "",
  ].join("\n");
}
