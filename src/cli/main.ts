import { Command, CommanderError } from "commander";
import { programVersion } from "../main/version.ts";
import { commands } from "./commands.ts";
import { EXIT } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";

/** Reads the arguments and runs the command. Only the command that is meant is loaded. */
async function main(args: readonly string[]): Promise<void> {
  const program = new Command("evenkeel")
    .description("A load balancer for HTTP.")
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
  await program.parseAsync(args, { from: "user" });
}

// `evenkeel servers | head` closes our output early: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.OK);
  throw error;
});

try {
  await main(process.argv.slice(2));
} catch (error) {
  // Commander has said what is wrong; help and version end this way too, with its exit code 0.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
  else process.exitCode = reportFailure(error);
}
