import type { Command } from "commander";
import { formatProblem, type Problem } from "../config/problem.ts";
import type { ReloadOutcome } from "../controlplane/reload-outcome.ts";
import { AdminError, adminOption, askAdmin, type AdminOptions } from "./admin-client.ts";
import { EXIT } from "./exit-codes.ts";

/** Adds `evenkeel reload`: exit code 78 when the new configuration is bad and the old one stays. */
export function registerReload(program: Command): void {
  program
    .command("reload")
    .description("make a running balancer read its configuration file again")
    .addOption(adminOption())
    .option("--json", "print the answer as JSON")
    .action(reload);
}

async function reload({ admin, json }: AdminOptions): Promise<void> {
  try {
    const outcome = (await askAdmin(admin, "POST", "/api/v2/reload", "result")) as ReloadOutcome;
    process.stdout.write(json ? `${JSON.stringify(outcome, null, 2)}\n` : text(outcome));
  } catch (error) {
    if (!(error instanceof AdminError) || error.status !== 422) throw error;
    process.exitCode = EXIT.CONFIG;
    const { problems } = error.body as { problems: readonly Problem[] };
    if (json) process.stdout.write(`${JSON.stringify(error.body, null, 2)}\n`);
    else process.stderr.write(["kept the old configuration:", ...problems.map(formatProblem), ""].join("\n"));
  }
}

function text({ result, version, changes, problems }: ReloadOutcome): string {
  const first = result === "unchanged" ? `unchanged: configuration ${version}` : `applied: configuration ${version}`;
  return [first, ...changes.map((change) => `  ${change}`), ...problems.map(formatProblem), ""].join("\n");
}
