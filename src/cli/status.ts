import type { Command } from "commander";
import { adminOption, askAdmin, type AdminOptions } from "./admin-client.ts";
import { askOrders, certificateLines, type CertificateEntry, type CertificateLine } from "./certificate-entries.ts";
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

/** The parts of an entry of `/api/v2/listeners` that are shown. */
interface Listener {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly openConnections: number;
  readonly requests: number;
  readonly handshakes: { readonly failed: number };
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
      if (json) {
        process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
        return;
      }
      const ask = (name: string) => askAdmin(admin, "GET", `/api/v2/${name}`, name);
      const { listeners } = (await ask("listeners")) as { listeners: Listener[] };
      const { certificates } = (await ask("certificates")) as { certificates: CertificateEntry[] };
      const lines = certificateLines(certificates, await askOrders(admin));
      process.stdout.write(text(status, listeners, lines));
    });
}

function text(status: Status, listeners: readonly Listener[], certificates: readonly CertificateLine[]): string {
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
      ["LISTENER", "ADDRESSES", "OPEN", "REQUESTS", "FAILED HANDSHAKES"],
      listeners.map(({ name, addresses, openConnections, requests, handshakes }) => [
        name,
        addresses.join(" "),
        openConnections,
        requests,
        addresses.some((address) => address.startsWith("https:")) ? handshakes.failed : "-",
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
    ...troubled(certificates),
  ].join("\n");
}

/** Those that somebody has to look after; `evenkeel certificates` lists all. */
function troubled(certificates: readonly CertificateLine[]): string[] {
  const lines = certificates.filter(({ status, why }) => status !== "ok" || why !== "");
  if (lines.length === 0) return [];
  return [
    ...tableLines(
      ["CERTIFICATE", "UNTIL", "STATUS", "WHY"],
      lines.map(({ id, until, status, why }) => [id, until, status, why]),
    ),
    "",
  ];
}
