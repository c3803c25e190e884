import type { Command } from "commander";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { EXIT } from "./exit-codes.ts";
import { builtIn } from "../main/built-in.ts";

interface CheckOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** Adds `evenkeel check`: validates a configuration; exit code 78 when it cannot be used. */
export function registerCheck(program: Command): void {
  program
    .command("check")
    .description("validate a configuration file")
    .option("-c, --config <file>", "the file (default: evenkeel.yaml, .yml, .json or evenkeel.config.ts)")
    .option("--json", "print the problems as JSON to standard output")
    .action(async (options: CheckOptions) => {
      const loaded = await loadConfig({
        file: options.config,
        cwd: process.cwd(),
        env: process.env,
        extensions: builtIn,
      });
      process.exitCode = loaded.config === undefined ? EXIT.CONFIG : EXIT.OK;
      if (options.json === true) printJson(loaded);
      else printText(loaded);
    });
}

function printJson(loaded: LoadedConfig): void {
  const { config, problems, file } = loaded;
  const result = { ok: config !== undefined, ...(file === undefined ? {} : { file }), problems };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}

function printText(loaded: LoadedConfig): void {
  for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (loaded.config !== undefined) {
    process.stdout.write(`ok: ${summarise(loaded.config)}\n`);
    return;
  }
  const errors = loaded.problems.filter((problem) => problem.severity === "error").length;
  process.stderr.write(`${count(errors, "error")}\n`);
}

/** "1 listener, 2 pools, 5 servers". */
export function summarise(config: Config): string {
  const pools = Object.values(config.pools);
  const servers = pools.reduce((sum, pool) => sum + pool.servers.length, 0);
  const listeners = Object.keys(config.listeners).length;
  return [count(listeners, "listener"), count(pools.length, "pool"), count(servers, "server")].join(", ");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
