import type { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { builtIn } from "../main/built-in.ts";
import { consoleLog } from "../main/console-log.ts";
import { runProgram } from "../main/program.ts";
import { EXIT } from "./exit-codes.ts";

interface RunOptions {
  readonly config?: string;
  readonly watch: boolean;
  readonly verbose?: boolean;
}

/** Adds `evenkeel run`: the balancer in the foreground, with a configuration file. */
export function registerRun(program: Command): void {
  program
    .command("run")
    .description("run with a configuration file, in the foreground")
    .option("-c, --config <file>", "the file (default: evenkeel.yaml, .yml, .json or evenkeel.config.ts)")
    .option("--no-watch", "do not reload when the file changes, only on SIGHUP")
    .option("--verbose", "write debug lines to the log as well")
    .action(run);
}

async function run(options: RunOptions): Promise<void> {
  const log = consoleLog(options.verbose ? "debug" : "info");
  const cwd = process.cwd();
  const first = await loadConfig({ file: options.config, cwd, env: process.env, extensions: builtIn });
  for (const problem of first.problems) if (problem.severity === "warning") log("warn", formatProblem(problem));
  const { file } = first;
  const read = () => loadConfig({ file, cwd, env: process.env, extensions: builtIn });
  await runProgram({ loaded: first, read, log, watch: options.watch ? file : undefined });
  process.exit(EXIT.OK);
}
