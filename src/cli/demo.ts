import { once } from "node:events";
import { createServer } from "node:net";
import type { Command } from "commander";
import { loadConfigObject } from "../config/load.ts";
import { ConfigError } from "../config/problem.ts";
import { builtIn } from "../main/built-in.ts";
import type { NodeAddresses } from "../main/balancer-node.ts";
import { consoleLog } from "../main/console-log.ts";
import { runProgram } from "../main/program.ts";
import { startDemoServers, type DemoServer } from "./demo-servers.ts";
import { EXIT } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";

interface DemoOptions {
  readonly listen?: string;
  readonly admin?: string;
  readonly duration?: string;
}

/** Adds `evenkeel demo`: three sample servers and a balancer in front of them. */
export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("start sample servers and a balancer in front of them")
    .option("--listen <address>", "where clients connect (default: 127.0.0.1:8080, or a free port when that is taken)")
    .option("--admin <address>", "address of the REST interface (default: 127.0.0.1:9900, or a free port)")
    .option("--duration <time>", "end by itself after this time: 30s, 5m")
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  const duration = options.duration === undefined ? undefined : milliseconds(options.duration);
  const servers = await startDemoServers();
  const config = {
    admin: { listen: options.admin ?? (await freeAddress(9900)) },
    drainTimeout: "2s",
    listeners: { web: { listen: options.listen ?? (await freeAddress(8080)), pool: "demo" } },
    pools: { demo: { algorithm: "round_robin", servers: servers.map(({ name, address }) => ({ id: name, address })) } },
  };
  const loaded = await loadConfigObject(config, process.cwd(), builtIn);
  if (loaded.config === undefined) throw new ConfigError(loaded.problems);
  const timer = duration === undefined ? undefined : AbortSignal.timeout(duration);
  const ready = (addresses: NodeAddresses) => process.stderr.write(picture(addresses, servers));
  await runProgram({ loaded, log: consoleLog("warn"), ready, ...(timer === undefined ? {} : { signal: timer }) });
  await Promise.all(servers.map((server) => server.stop()));
  process.exit(EXIT.OK);
}

/** The address with this port on loopback, or with port 0 (a free one) when somebody has it. */
async function freeAddress(port: number): Promise<string> {
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
    return `127.0.0.1:${port}`;
  } catch {
    return "127.0.0.1:0";
  } finally {
    probe.close();
  }
}

function milliseconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) throw new UsageError(`--duration ${text} is not a time such as 30s or 5m`);
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[(match[2] ?? "s") as "ms" | "s" | "m" | "h"];
}

/** What runs where, and what to try. */
function picture({ listeners, admin, workers }: NodeAddresses, servers: readonly DemoServer[]): string {
  const url = listeners["web"]![0]!;
  const box = `evenkeel, ${workers} worker${workers === 1 ? "" : "s"}, round robin`;
  const indent = " ".repeat(2);
  const last = servers.length - 1;
  return [
    "",
    `${indent}clients ──▶ ${url}  (${box})`,
    ...servers.map(
      ({ name, address }, index) =>
        `${indent}              ${index === last ? "└" : "├"}──▶ ${name.padEnd(7)} http://${address}`,
    ),
    "",
    `${indent}Try:      curl ${url}/          (several times, or open it in a browser)`,
    `${indent}Look at:  curl ${admin}/api/v2/servers   or   bin/evenkeel servers --admin ${admin?.replace("http://", "")}`,
    `${indent}Ctrl-C ends it.`,
    "",
    "",
  ].join("\n");
}
