import { Command, CommanderError } from "commander";
import { programVersion } from "../main/version.ts";
import { commands } from "./commands.ts";
import { EXIT } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { nodeProblem } from "./node-version.ts";

/** Reads the arguments and runs the command. Only the command that is meant is loaded. */
async function main(args: readonly string[]): Promise<void> {
  const program = new Command("evenkeel")
    .description("A load balancer for HTTP/1.1, HTTP/2, gRPC and WebSocket, with TLS.")
    .version(programVersion())
    .showHelpAfterError("(evenkeel --help lists the commands)")
    .exitOverride();
  // "evenkeel help run" means run as well.
  const wanted = args[0] === "help" ? args[1] : args[0];
  for (const { name, summary, register } of commands) {
    if (name === wanted) await register(program);
    else program.command(name).description(summary);
  }
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`(evenkeel ${command.name()} --help lists the options)`);
  if (args.length === 0) program.help({ error: true });
  if (args[0] === "help" && wanted !== undefined && !commands.some(({ name }) => name === wanted))
    program.error(`error: unknown command '${wanted}'`);
  await program.parseAsync(args, { from: "user" });
}

/** Commands that serve: they go on when nobody reads their output any more. */
const serving = new Set(["run", "proxy", "demo"]);

// A log that nobody reads any more must not stop the balancer, and what is wrong with it cannot be logged.
process.stderr.on("error", () => undefined);

// `evenkeel servers | head` closes our output early: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (serving.has(process.argv[2])) return;
  if (error.code === "EPIPE") process.exit(EXIT.OK);
  throw error;
});

try {
  const problem = nodeProblem(process.version);
  if (problem !== undefined) throw new Error(problem);
  await main(process.argv.slice(2));
} catch (error) {
  // Commander has said what is wrong; help and version end this way too, with its exit code 0.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
  else process.exitCode = reportFailure(error);
}
