import { ConfigError, formatProblem } from "../config/problem.ts";
import { EXIT } from "./exit-codes.ts";

/** The command was called wrongly: said in one line, exit code 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Says on stderr why a command failed, and returns the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof ConfigError) {
    for (const problem of error.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    return EXIT.CONFIG;
  }
  process.stderr.write(`evenkeel: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof UsageError ? EXIT.USAGE : EXIT.FAILED;
}
