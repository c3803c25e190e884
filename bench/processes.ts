// Child processes of a benchmark: pinned to a processor, and gone when the benchmark is.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { processTree } from "./accounting.ts";

/** A program that was started for the benchmark and everything that it started. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  /** Ends the program with SIGTERM, after two seconds with SIGKILL, and resolves when it is gone. */
  stop(): Promise<void>;
}

const alive = new Map<number, ChildProcess>();

function killAll(): void {
  for (const pid of alive.keys()) {
    for (const member of processTree(pid)) {
      try {
        process.kill(member, "SIGKILL");
      } catch {
        // It ended by itself in the meantime.
      }
    }
  }
  alive.clear();
}

process.on("exit", killAll);
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.on(signal, () => process.exit(code));
}

/** Path of a program on the PATH or in /usr/sbin, where Debian keeps servers; undefined when there is none. */
export function findProgram(command: string): string | undefined {
  const found = spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin:/sbin command -v "$1"`, "sh", command], {
    encoding: "utf8",
  });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** The command line that runs a program on one processor only. */
function pin(cpu: number | undefined, command: string, args: readonly string[]): [string, string[]] {
  return cpu === undefined ? [command, [...args]] : ["taskset", ["-c", String(cpu), command, ...args]];
}

export interface StartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Processor that the program is pinned to; all of them when undefined. */
  readonly cpu?: number | undefined;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** File that takes what the program prints. */
  readonly log: string;
}

/** Starts a program that keeps running until `stop`. */
export function start(options: StartOptions): Running {
  const log = openSync(options.log, "a");
  const [command, args] = pin(options.cpu, options.command, options.args);
  const child = spawn(command, args, {
    stdio: ["ignore", log, log],
    cwd: options.cwd,
    env: options.env ?? process.env,
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${options.name}: cannot start ${command}`);
  alive.set(pid, child);
  const ended = once(child, "exit").then(() => alive.delete(pid));
  return {
    name: options.name,
    pid,
    async stop() {
      if (!alive.has(pid)) return;
      const members = processTree(pid);
      child.kill("SIGTERM");
      const late = setTimeout(() => {
        for (const member of members) {
          try {
            process.kill(member, "SIGKILL");
          } catch {
            // Gone already.
          }
        }
      }, 2000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** Runs a program to its end and returns what it printed. Rejects when it fails or takes longer than `timeout` ms. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { cpu?: number | undefined; timeout: number },
): Promise<{ stdout: string; pid: number }> {
  const [program, all] = pin(options.cpu, command, args);
  const child = spawn(program, all, { stdio: ["ignore", "pipe", "pipe"] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${program}`);
  alive.set(pid, child);
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeout);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(timer);
  alive.delete(pid);
  if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}: ${(stderr || stdout).trim().slice(-500)}`);
  return { stdout, pid };
}

/** `count` TCP ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** Resolves when the port accepts a connection; rejects when the program ends first or after `timeout` ms. */
export async function accepts(running: Running, port: number, timeout = 15_000): Promise<void> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const connected = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    if (!alive.has(running.pid)) throw new Error(`${running.name} ended at its start`);
    if (Date.now() > deadline) throw new Error(`${running.name} does not listen on port ${port}`);
    await sleep(20);
  }
}
