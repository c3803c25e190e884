import type { Command } from "commander";
import { MAX_DURATION, parseDuration } from "../config/units.ts";
import { askAdmin } from "./admin-client.ts";
import { EXIT } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";
import { callServer, describe, seconds, type ActionAnswer, type ServerOptions } from "./server-call.ts";
import { serverCommand } from "./server-commands.ts";

interface DrainOptions extends ServerOptions {
  readonly timeout?: string;
  readonly wait?: boolean;
}

/** How often `--wait` asks, in ms. */
const INTERVAL = 200;

/** Adds `evenkeel drain`: exit code 1 with `--wait` when the time was over before the server had finished. */
export function registerDrain(program: Command): void {
  leaveCommand(program, "drain", "give a server no new work and let it finish what it has");
}

/** Adds `evenkeel maintenance`. */
export function registerMaintenance(program: Command): void {
  leaveCommand(program, "maintenance", "take a server out, as drain does, until it is resumed");
}

function leaveCommand(program: Command, action: string, description: string): void {
  serverCommand(program, action, description)
    .option("--timeout <duration>", "when what is left is closed, as 30s; the pool's drainTimeout by default")
    .option("--wait", "wait until the server has finished, or the time is over")
    .action((server: string, options: DrainOptions) => leave(server, action, options));
}

async function leave(id: string, action: string, options: DrainOptions): Promise<void> {
  const { timeout, wait, json } = options;
  const duration = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && (duration === undefined || duration > MAX_DURATION))
    throw new UsageError(`--timeout ${timeout}: must be a duration such as 30s`);
  const answer = await callServer(id, action, options, duration === undefined ? {} : { timeout: duration });
  if (!wait) {
    process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : `${describe(answer)}\n`);
    return;
  }
  process.stderr.write(`${describe(answer)}\n`);
  const end = await waitForEnd(answer, options.admin);
  if (end !== "drained") process.exitCode = EXIT.FAILED;
  process.stdout.write(json ? `${JSON.stringify({ ...answer, result: end }, null, 2)}\n` : `${endings[end]}\n`);
}

const endings = {
  drained: "drained",
  timeout: "the time is over: what was left is closed",
  resumed: "the drain was called off",
  removed: "the server is no longer in the configuration",
} as const;

/** Follows a drain and says on stderr what is left, whenever that changes. */
async function waitForEnd(
  { server, drainTimeLeft, inFlight }: ActionAnswer,
  admin: string,
): Promise<keyof typeof endings> {
  const path = `/api/v2/servers/${encodeURIComponent(server.id)}`;
  const end = performance.now() + (drainTimeLeft ?? Infinity);
  // What is gone when the time is over was closed, unless nothing was there.
  let last = inFlight;
  let said = -1;
  for (;;) {
    const entry = await ask(admin, path, server.pool);
    if (entry === undefined) return "removed";
    if (entry.state !== "draining" && entry.state !== "maintenance") return "resumed";
    const left = end - performance.now();
    if (left <= 0) return last + entry.inFlight > 0 ? "timeout" : "drained";
    if (entry.inFlight === 0) return "drained";
    last = entry.inFlight;
    if (entry.inFlight !== said) process.stderr.write(`${entry.inFlight} in flight, ${seconds(left)} left\n`);
    said = entry.inFlight;
    await new Promise((resolve) => setTimeout(resolve, Math.min(INTERVAL, left)));
  }
}

async function ask(
  admin: string,
  path: string,
  pool: string,
): Promise<{ readonly state: string; readonly inFlight: number } | undefined> {
  const { servers } = (await askAdmin(admin, "GET", path, "servers").catch((error: { status?: number }) => {
    if (error.status === 404) return { servers: [] };
    throw error;
  })) as { servers: readonly { pool: string; state: string; inFlight: number }[] };
  return servers.find((server) => server.pool === pool);
}
